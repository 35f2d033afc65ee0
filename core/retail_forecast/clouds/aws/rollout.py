"""Rollout: controllers and manifests brought to the cluster, watched, and undone when they do not do well.

What counts: that the new pods become ready in time, and that none of the environment's alarms goes off while they are
watched. The model is no part of it: servers follow the champion, which has a gate and a rollback of its own.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.cluster import Cluster
from retail_forecast.domain.cloud import Tell
from retail_forecast.domain.errors import PlaceError, UsageError

__all__ = ["Rollout", "pin_images"]

_DEPLOYMENT, _NAMESPACE = "deployment/server", ("--namespace", "retail-forecast")
_DIGEST = "sha256:"
_POLL_S = 15.0


@dataclass(frozen=True, slots=True)
class Rollout:
    """Brings an environment's manifests to its cluster.

    Attributes
    ----------
    ready_s : how long the new pods may take to become ready [s]
    watch_s : how long alarms are watched afterwards [s]
    """

    account: Account
    cluster: Cluster
    tell: Tell
    ready_s: float
    watch_s: float
    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def controllers(self, charts: Mapping[str, Mapping[str, Any]]) -> None:
        """Install or upgrade the charts that the cluster needs, as the output `controllers` lists them.

        Raises
        ------
        PlaceError : one cannot be installed; the others stay
        """
        for release, chart in charts.items():
            values = [word for key, value in chart["values"].items() for word in ("--set-string", f"{key}={value}")]
            where = ["--repo", chart["repository"], "--version", chart["version"], "--namespace", chart["namespace"]]
            wait = ["--wait", "--timeout", f"{self.ready_s:.0f}s"]
            self.cluster.run("helm", "upgrade", "--install", release, chart["chart"], *where, *values, *wait)
            self.tell(f"{release} {chart['version']} is installed")

    def apply(self, folder: Path) -> None:
        """Apply the manifests of `folder`, wait for the server's pods, then watch; undone when they do not do well.

        Raises
        ------
        PlaceError : they were undone where there was something before, and why
        """
        ringing = set(self._alarms())
        self.cluster.run("kubectl", "apply", "-k", str(folder))
        self.tell("manifests are applied")
        try:
            self._wait()
            self._watch(ringing)
        except PlaceError as error:
            raise PlaceError(
                f"the rollout {self._undone()}: {error.what}",
                where=self.cluster.name,
                mend="look at `kubectl -n retail-forecast get pods` and the logs, then deploy again",
            ) from error

    def undo(self) -> None:
        """Put the server's pods of before back in force, and wait for them.

        Raises
        ------
        PlaceError : there are none, or they do not become ready
        """
        self.cluster.run("kubectl", "rollout", "undo", _DEPLOYMENT, *_NAMESPACE)
        self._wait()
        self.tell("the pods of before answer again")

    def _undone(self) -> str:
        try:
            self.undo()
        except PlaceError as error:
            self.tell(str(error))
            return "failed, and could not be undone"
        return "was undone"

    def _wait(self) -> None:
        self.cluster.run("kubectl", "rollout", "status", _DEPLOYMENT, *_NAMESPACE, f"--timeout={self.ready_s:.0f}s")
        self.tell("all pods of the server are ready")

    def _watch(self, before: set[str]) -> None:
        end = self.clock() + self.watch_s
        while True:
            if new := sorted(set(self._alarms()) - before):
                raise PlaceError(f"alarms went off: {', '.join(new)}", where=self.cluster.name)
            if self.clock() >= end:
                return
            self.pause(_POLL_S)

    def _alarms(self) -> Sequence[str]:
        """The environment's alarms that are on."""
        kinds, prefix = ["MetricAlarm", "CompositeAlarm"], f"{self.account.scope.name}-"
        pages = self.account.pages("cloudwatch", "describe_alarms", AlarmNamePrefix=prefix, AlarmTypes=kinds)
        alarms = [alarm for page in pages for kind in kinds for alarm in page[f"{kind}s"]]
        return [alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] == "ALARM"]


def pin_images(folder: Path, digests: Mapping[str, str]) -> None:
    """Have the manifests of `folder` take the images of these digests, by the last part of the repository's name.

    Raises
    ------
    UsageError : there are no manifests, no such image, or it is no digest: a tag can be moved
    """
    file = folder / "kustomization.yaml"
    if not file.is_file():
        raise UsageError(
            "there are no manifests of this environment", where=str(file), mend="retail-forecast cloud up writes them"
        )
    document = yaml.safe_load(file.read_text("utf-8"))
    images = {image["newName"].rpartition("/")[2]: image for image in document["images"]}
    for name, digest in digests.items():
        if not digest.startswith(_DIGEST) or len(digest) != len(_DIGEST) + 64:
            raise UsageError(
                f"{digest!r} is no digest of an image", where=f"--{name}", mend="give sha256:... as the registry tells"
            )
        images[name]["digest"] = digest
    if missing := [name for name, image in images.items() if "digest" not in image]:
        raise UsageError(
            f"no digest is known of the image {', '.join(missing)}",
            where=str(file),
            mend=f"give it once: {' '.join(f'--{name} sha256:...' for name in missing)}",
        )
    file.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
