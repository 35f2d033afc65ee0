"""The contract of a job's container: where it finds its work, and where it leaves what it made.

Folders and files are those of Amazon SageMaker (Developer Guide, "How Amazon SageMaker Provides Training Information"
and "How Amazon SageMaker Processing Runs Your Processing Container Image"): hyperparameters (all of them strings), the
hosts of the job and data channels in; model, checkpoints and the text of a failure out; of a processing job its order
in, its result and a message out. The exit code decides.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from retail_forecast.domain.errors import UsageError

__all__ = ["ROOT_VARIABLE", "Container", "Resources", "container_here"]

T = TypeVar("T")

ROOT_VARIABLE = "RETAIL_FORECAST_ML_ROOT"
"""Environment variable that moves the root away from /opt/ml."""

_ROOT = "/opt/ml"


class Resources(msgspec.Struct, frozen=True):
    """The hosts of the job: `current_host` is this one; they meet on the first of the sorted `hosts`, over the network
    interface that is named, where one is."""

    current_host: str
    hosts: tuple[str, ...]
    network_interface_name: str = ""

    @property
    def ordered(self) -> tuple[str, ...]:
        """The hosts in the order of their ranks."""
        return tuple(sorted(self.hosts))

    @property
    def rank(self) -> int:
        """Number of this host."""
        return self.ordered.index(self.current_host)


@dataclass(frozen=True, slots=True)
class Container:
    """The folders under `root`."""

    root: Path

    @property
    def model(self) -> Path:
        """Folder of the finished model."""
        return self.root / "model"

    @property
    def checkpoints(self) -> Path:
        """Folder whose content outlives an interruption."""
        return self.root / "checkpoints"

    @property
    def failure(self) -> Path:
        """File that says why the job failed."""
        return self.root / "output" / "failure"

    @property
    def message(self) -> Path:
        """File with what a processing job has to say of its end, 1 KB at most."""
        return self.root / "output" / "message"

    @property
    def order(self) -> Path:
        """Folder of what a processing job is to do."""
        return self.root / "processing" / "input" / "order"

    @property
    def result(self) -> Path:
        """Folder of what a processing job made."""
        return self.root / "processing" / "output" / "result"

    def channel(self, name: str) -> Path:
        """Folder of a data channel; it may be absent."""
        return self.root / "input" / "data" / name

    def hyperparameters(self) -> dict[str, str]:
        """The hyperparameters.

        Raises
        ------
        UsageError : the file is absent, or no object of strings
        """
        return self._read("hyperparameters.json", dict[str, str])

    def resources(self) -> Resources:
        """The hosts.

        Raises
        ------
        UsageError : the file is absent or does not fit
        """
        found = self._read("resourceconfig.json", Resources)
        if found.current_host not in found.hosts:
            raise UsageError(
                f"current_host {found.current_host!r} is none of the hosts",
                where=str(self._config("resourceconfig.json")),
                mend="correct the file",
            )
        return found

    def lay_out(self, hyperparameters: Mapping[str, str], resources: Resources, channels: Sequence[str]) -> None:
        """Write the three files of configuration, and make the folders."""
        inputs = {name: {"TrainingInputMode": "File", "S3DistributionType": "ShardedByS3Key"} for name in channels}
        for folder in (
            self.model,
            self.checkpoints,
            self.failure.parent,
            self._config(""),
            *map(self.channel, channels),
        ):
            folder.mkdir(parents=True, exist_ok=True)
        self._config("hyperparameters.json").write_bytes(msgspec.json.encode(hyperparameters))
        self._config("resourceconfig.json").write_bytes(msgspec.json.encode(resources))
        self._config("inputdataconfig.json").write_bytes(msgspec.json.encode(inputs))

    def _config(self, name: str) -> Path:
        return self.root / "input" / "config" / name

    def _read(self, name: str, kind: type[T]) -> T:
        file = self._config(name)
        try:
            return msgspec.json.decode(file.read_bytes(), type=kind)
        except (OSError, msgspec.MsgspecError) as error:
            raise UsageError(
                f"the configuration of the job cannot be read: {error}",
                where=str(file),
                mend="give the file as the training contract describes it (docs/distributed.md)",
            ) from error


def container_here() -> Container:
    """The container that this process runs in."""
    return Container(Path(os.environ.get(ROOT_VARIABLE, _ROOT)))
