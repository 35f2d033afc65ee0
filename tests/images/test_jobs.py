"""The jobs of Kubernetes in their image, with the words, user, variables and folders of their manifests, where nothing
but these folders can be written to; places are folders here instead of buckets."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from retail_forecast.cli.main import run

if TYPE_CHECKING:
    from tests.images.conftest import Store

MANIFESTS = Path(__file__).parents[2] / "aws/k8s"
HARSH = ["--rm", "--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
LIMITS = ["--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096"]
SIZES = ["--weeks", "12", "--baskets-per-week", "500", "--products", "150", "--customers", "100", "--stores", "10"]
SETTINGS = """\
windows: {test_weeks: 3, validation_weeks: 2, calibration_weeks: 2}
gate: {minimum_baskets: 200, draws: 100}
"""

pytestmark = pytest.mark.slow

Job = Callable[..., str]


@pytest.fixture(scope="module")
def image(build: Callable[[str], str]) -> str:
    return build("core/DockerFile")


def owned(folder: Path, user: int) -> Path:
    """The folder, made if need be, for that user."""
    folder.mkdir(parents=True, exist_ok=True)
    os.chown(folder, user, user)
    return folder


def pod_of(file: str) -> dict[str, Any]:
    job = yaml.safe_load((MANIFESTS / file).read_text("utf-8"))
    pod: dict[str, Any] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return pod


def variables(places: str) -> dict[str, str]:
    """What the manifests tell, with folders of `places` for buckets; online features stay in the workspace."""
    maps = yaml.safe_load_all((MANIFESTS / "configmap.yaml").read_text("utf-8"))
    told = {name: value for one in maps for name, value in one["data"].items() if name.isupper()}
    told.pop("RETAIL_FORECAST_FEATURES__ONLINE")
    return {name: re.sub(r"^s3://retail-forecast-(\w+)-\d+", rf"{places}/\1", value) for name, value in told.items()}


@pytest.fixture
def job(store: "Store", image: str, tmp_path: Path) -> Job:
    """Runs the containers of a manifest one after the other, as a pod does; gives what they said."""

    def running(file: str, without: str = "") -> str:
        pod = pod_of(file)
        user = pod["securityContext"]["runAsUser"]
        folders = {one["name"]: owned(tmp_path / file / one["name"], user) for one in pod["volumes"]}
        (folders["workspace"] / "retail-forecast.yaml").write_text(SETTINGS, "utf-8")
        said = []
        for box in [*pod.get("initContainers", []), *pod["containers"]]:
            mounts = [f"--volume={folders[one['name']]}:{one['mountPath']}" for one in box["volumeMounts"]]
            given = [f"--env={name}={value}" for name, value in variables("/places").items()]
            words = [word for word in [*box["command"], *box.get("args", [])] if word != without]
            options = [f"--user={user}", *mounts, *given, f"--volume={owned(tmp_path / 'places', user)}:/places"]
            said.append(store.podman("run", *HARSH, *LIMITS, *options, f"--entrypoint={words[0]}", image, *words[1:]))
        return "\n".join(said)

    return running


def test_the_jobs_of_a_week(job: Job, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    incoming = owned(tmp_path / "places", 10001) / "lake/incoming"
    assert run(["simulate", *SIZES, "--out", str(incoming), "--json", "--workspace", str(tmp_path / "made")]) == 0
    for folder in (incoming.parent, incoming):
        owned(folder, 10001)
    capsys.readouterr()
    assert '"files":12' in job("etl.yaml").replace(" ", "")
    assert '"promoted":true' in job("retrain.yaml").replace(" ", "")
    assert '"shift"' in job("monitor.yaml", without="--emit")
    assert '"answers":0' in job("commit.yaml").replace(" ", "")
