"""The server's image, run as a cluster would run it: without a network, with a read-only root, without capabilities."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from retail_forecast.clouds.opening import open_store

if TYPE_CHECKING:
    from tests.images.conftest import Store

PATIENCE_S = 60

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def image(build: Callable[[str], str]) -> str:
    return build("server/DockerFile")


@pytest.fixture
def container(store: "Store", image: str, tiny_bundle: tuple[Path, str]) -> Iterator[str]:
    digest = hashlib.sha256(b"secret").hexdigest()
    harsh = ["--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    given = [
        "--env",
        f'RETAIL_FORECAST_SERVER__API_KEY_SHA256=["{digest}"]',
        "--volume",
        f"{tiny_bundle[0]}:/bundle:ro",
    ]
    limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]
    served = ["--host", "0.0.0.0", "--port", "8080", "--bundle", "/bundle"]  # noqa: S104 - in a container without network
    name = store.podman("run", "--detach", *harsh, *limits, *given, image, *served)
    end = time.monotonic() + PATIENCE_S
    while "Serving at" not in store.podman("logs", name):
        assert time.monotonic() < end, store.podman("logs", name)
        time.sleep(0.2)
    yield name
    store.podman("rm", "--force", name)


def _inside(store: "Store", container: str, code: str) -> str:
    return store.podman("exec", container, "python", "-c", code)


def test_it_answers_with_a_key_only(store: "Store", container: str) -> None:
    code = """
import json
from urllib.error import HTTPError
from urllib.request import Request, urlopen
body = json.dumps({"lines": [{"prod_code": "PRD0000120", "quantity": 1, "spend_gbp": 1.01}]}).encode()
url, kind = "http://127.0.0.1:8080/v1/predict", {"Content-Type": "application/json"}
ask = lambda **more: urlopen(Request(url, body, kind | more))
try:
    ask()
except HTTPError as error:
    print(error.code)
print(ask(**{"X-API-Key": "secret"}).read().decode())
"""
    refused, answered = _inside(store, container, code).splitlines()
    assert refused == "401"
    assert json.loads(answered)["label"] == "UM"


def test_it_runs_as_nobody_on_a_root_it_cannot_write(store: "Store", container: str) -> None:
    code = "import os, pathlib; print(os.getuid()); print(os.access('/', os.W_OK), os.access('/opt/server', os.W_OK))"
    assert _inside(store, container, code).splitlines() == ["10001", "False False"]


def test_nothing_that_trains_or_installs_is_in_it(store: "Store", container: str) -> None:
    code = "import importlib.metadata as m; print(sorted(d.name.lower() for d in m.distributions()))"
    installed = json.loads(_inside(store, container, code).replace("'", '"'))
    assert "onnxruntime" in installed
    heavy = {
        "pip",
        "setuptools",
        "torch",
        "xgboost-cpu",
        "scikit-learn",
        "duckdb",
        "deltalake",
        "pandas",
        "mlflow-skinny",
    }
    assert heavy.isdisjoint(installed)


def test_it_brings_its_bill_of_materials(store: "Store", container: str) -> None:
    code = """
import importlib.metadata, json, re
told = {(part["name"], part["version"]) for part in json.load(open("/opt/server/sbom.json"))["components"]}
found = {(re.sub("[-_.]+", "-", one.name.lower()), one.version) for one in importlib.metadata.distributions()}
print(sorted(name for name, _ in found - told))
"""
    assert _inside(store, container, code) == "['retail-forecast']"


def test_it_follows_a_registry_on_a_root_it_cannot_write(
    store: "Store", image: str, tmp_path: Path, promote: Callable[..., str]
) -> None:
    promote(open_store(tmp_path / "registry"), 1)
    harsh = ["--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    given = ["--tmpfs=/tmp", f"--volume={tmp_path / 'registry'}:/registry:ro"]
    limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]
    name = store.podman("run", "--detach", *harsh, *given, *limits, image, "--port", "8080", "--registry", "/registry")
    end = time.monotonic() + PATIENCE_S
    while "Serving at" not in store.podman("logs", name):
        assert time.monotonic() < end, store.podman("logs", name)
        time.sleep(0.2)
    said = store.podman("logs", name)
    store.podman("rm", "--force", name)
    assert "(model run-1)" in said


def test_its_health_check_is_the_one_of_the_recipe(store: "Store", image: str, container: str) -> None:
    (about,) = json.loads(store.podman("image", "inspect", image))
    assert about["User"] == "10001"
    command = about["HealthCheck"]["Test"] if "HealthCheck" in about else about["Healthcheck"]["Test"]
    assert command[0] == "CMD"
    store.podman("exec", container, *command[1:])


def test_it_stops_when_it_is_told(store: "Store", container: str) -> None:
    store.podman("stop", "--time", "20", container)
    assert store.podman("inspect", container, "--format", "{{.State.ExitCode}}") == "0"
