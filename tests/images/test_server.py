"""The server's image, run as a cluster would run it: without a network, with a read-only root, without capabilities."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.utils import canonicalize_name

from retail_forecast.clouds.opening import open_store

if TYPE_CHECKING:
    from tests.images.conftest import Store

    Start = Callable[[Sequence[str], Sequence[str]], str]

MANIFESTS = Path(__file__).parents[2] / "aws/k8s"
PATIENCE_S = 60
HARSH = ["--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
LIMITS = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]
DIGEST = hashlib.sha256(b"secret").hexdigest()

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def image(build: Callable[[str], str]) -> str:
    return build("server/DockerFile")


@pytest.fixture(scope="module")
def start(store: "Store", image: str) -> Iterator["Start"]:
    """Runs the image with podman's options and the server's; gives the container's name once it answers."""
    names: list[str] = []

    def starting(options: Sequence[str], arguments: Sequence[str]) -> str:
        name = store.podman("run", "--detach", *HARSH, *LIMITS, *options, image, *arguments)
        names.append(name)
        end = time.monotonic() + PATIENCE_S
        while "Serving at" not in store.podman("logs", name):
            assert time.monotonic() < end, store.podman("logs", name)
            time.sleep(0.2)
        return name

    yield starting
    for name in names:
        store.podman("rm", "--force", name)


@pytest.fixture(scope="module")
def container(start: "Start", tiny_bundle: tuple[Path, str]) -> str:
    options = ["--env", f'RETAIL_FORECAST_SERVER__API_KEY_SHA256=["{DIGEST}"]', f"--volume={tiny_bundle[0]}:/bundle:ro"]
    return start(options, ["--host", "0.0.0.0", "--port", "8080", "--bundle", "/bundle"])  # noqa: S104 - it has no network


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
    bill = json.loads(store.podman("exec", container, "cat", "/opt/server/sbom.json"))
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    code = """
import importlib.metadata, json, subprocess, sys
listed = "import importlib.metadata as m, json; print(json.dumps([(d.name, d.version) for d in m.distributions()]))"
pythons = (sys.executable, sys._base_executable)
both = [subprocess.run([python, "-c", listed], capture_output=True).stdout for python in pythons]
print(json.dumps([package for some in both for package in json.loads(some)]))
print(sys.version.split()[0])
"""
    packages, version = _inside(store, container, code).splitlines()
    python = {(canonicalize_name(name), release) for name, release in json.loads(packages)}
    assert _told(bill, "pypi") | {("retail-forecast", bill["metadata"]["component"]["version"])} == python
    shown = ["dpkg-query", "--show", "--showformat", "${Package} ${Version}\\n"]
    system = {(name, release) for name, release in map(str.split, store.podman("exec", container, *shown).splitlines())}
    assert _told(bill, "deb") == system
    assert "libc6" in dict(system)
    assert _told(bill, "generic") == {("python", version)}


def _told(bill: dict[str, Any], kind: str) -> set[tuple[str, str]]:
    """Names and versions of the parts that a package URL of that kind names."""
    parts = (part for part in bill["components"] if part.get("purl", "").startswith(f"pkg:{kind}/"))
    return {(canonicalize_name(part["name"]) if kind == "pypi" else part["name"], part["version"]) for part in parts}


def test_it_follows_a_registry_on_a_root_it_cannot_write(
    store: "Store", start: "Start", tmp_path: Path, promote: Callable[..., str]
) -> None:
    promote(open_store(tmp_path / "registry"), 1)
    options = ["--tmpfs=/tmp", f"--volume={tmp_path / 'registry'}:/registry:ro"]
    name = start(options, ["--port", "8080", "--registry", "/registry"])
    assert "(model run-1)" in store.podman("logs", name)


def test_it_serves_as_sagemaker_asks(store: "Store", start: "Start", tiny_bundle: tuple[Path, str]) -> None:
    name = start([f"--volume={tiny_bundle[0]}:/opt/ml/model:ro"], ["serve"])
    code = """
import json
from urllib.request import Request, urlopen
print(urlopen("http://127.0.0.1:8080/ping").status)
body = json.dumps({"lines": [{"prod_code": "PRD0000120", "quantity": 1, "spend_gbp": 1.01}]}).encode()
print(urlopen(Request("http://127.0.0.1:8080/invocations", body, {"Content-Type": "application/json"})).read().decode())
"""
    healthy, answered = _inside(store, name, code).splitlines()
    assert (healthy, json.loads(answered)["label"]) == ("200", "UM")


def test_it_runs_as_the_deployment_says(
    store: "Store", start: "Start", tmp_path: Path, promote: Callable[..., str]
) -> None:
    (deployment,) = _manifests("deployment.yaml", "Deployment")
    (settings,) = (
        one["data"] for one in _manifests("configmap.yaml", "ConfigMap") if "settings" in one["metadata"]["name"]
    )
    pod = deployment["spec"]["template"]["spec"]
    (box,) = pod["containers"]
    registry, keys = tmp_path / "registry", tmp_path / "keys"
    keys.mkdir()
    (keys / "api-keys").write_text(f"{DIGEST} predict tests\n", "utf-8")
    promote(open_store(registry), 1)
    given = settings | {"RETAIL_FORECAST_REGISTRY__URI": "/registry"}
    mounts = {mount["name"]: mount["mountPath"] for mount in box["volumeMounts"]}
    sizes = {one["name"]: one["emptyDir"]["sizeLimit"] for one in pod["volumes"] if "emptyDir" in one}
    user = pod["securityContext"]
    options = [f"--user={user['runAsUser']}:{user['runAsGroup']}", f"--volume={registry}:/registry:ro"]
    options += [f"--tmpfs={mounts[name]}:size={size.removesuffix('i')},mode=1777" for name, size in sizes.items()]
    options += [f"--volume={keys}:{mounts['keys']}:ro", *(f"--env={name}={value}" for name, value in given.items())]
    name = start(options, box["args"])
    code = """
import json, sys
from urllib.request import Request, urlopen
port, *paths = sys.argv[1:]
for path in paths:
    print(urlopen(f"http://127.0.0.1:{port}{path}").status)
body = json.dumps({"lines": [{"prod_code": "PRD0000120", "quantity": 1, "spend_gbp": 1.01}]}).encode()
headers = {"Content-Type": "application/json", "X-API-Key": "secret"}
print(json.load(urlopen(Request(f"http://127.0.0.1:{port}/v1/predict", body, headers)))["model_version"])
"""
    (port,) = (str(one["containerPort"]) for one in box["ports"])
    paths = [box[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")]
    said = store.podman("exec", name, "python", "-c", code, port, *paths).splitlines()
    assert said == ["200", "200", "200", "run-1"]


def _manifests(file: str, kind: str) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all((MANIFESTS / file).read_text("utf-8")) if one["kind"] == kind]


def test_its_health_check_is_the_one_of_the_recipe(store: "Store", image: str, container: str) -> None:
    (about,) = json.loads(store.podman("image", "inspect", image))
    assert about["User"] == "10001"
    command = about["HealthCheck"]["Test"] if "HealthCheck" in about else about["Healthcheck"]["Test"]
    assert command[0] == "CMD"
    store.podman("exec", container, *command[1:])


def test_it_stops_when_it_is_told(store: "Store", start: "Start", tiny_bundle: tuple[Path, str]) -> None:
    name = start([f"--volume={tiny_bundle[0]}:/opt/ml/model:ro"], ["serve"])
    store.podman("stop", "--time", "20", name)
    assert store.podman("inspect", name, "--format", "{{.State.ExitCode}}") == "0"
