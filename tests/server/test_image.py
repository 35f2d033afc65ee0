"""The container image: built from the recipe without an engine, and run as a cluster would run it.

The base image is made of Debian's own packages by debootstrap; buildah builds on it, podman runs it without a network,
with a read-only root and without capabilities.
"""

import hashlib
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = ("debootstrap", "buildah", "podman", "runc")
NO_TOOLS = f"{', '.join(TOOLS)} or the right to use them are missing"
CERTIFICATES = "/etc/ssl/certs"
IMAGE, BASE = "localhost/retail-forecast-server", "localhost/python-base"
PATIENCE_S = 60

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0 or not all(map(shutil.which, TOOLS)), reason=NO_TOOLS),
]


class Store:
    """Images and containers in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self._places = ["--root", str(folder / "store"), "--runroot", str(folder / "run"), "--storage-driver", "vfs"]

    def buildah(self, *words: str) -> str:
        return _said(["buildah", *self._places, *words], {"BUILDAH_ISOLATION": "chroot"})

    def podman(self, *words: str) -> str:
        return _said(["podman", *self._places, "--cgroup-manager=cgroupfs", "--runtime=runc", *words])


def _said(command: Sequence[str], settings: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env=os.environ | (settings or {})
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("images")
    system = folder / "base"
    packages = "python3,python3-venv,python3-pip,ca-certificates"
    _said(["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", str(system)])
    (system / "usr/bin/python").symlink_to("python3")
    (system / "usr/lib/python3.11/EXTERNALLY-MANAGED").unlink()  # the recipe's base image has none either
    store = Store(folder)
    container = store.buildah("from", "scratch")
    store.buildah("add", container, str(system), "/")
    store.buildah("commit", "--quiet", container, BASE)
    store.buildah("rm", container)
    shutil.rmtree(system)
    given = ["--file", "server/DockerFile", "--ignorefile", "server/DockerFile.dockerignore", "--format", "docker"]
    trusted = ["--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"]
    store.buildah("build", *given, *trusted, "--build-arg", f"PYTHON={BASE}", "--tag", IMAGE, ".")
    yield store
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def container(store: Store, tiny_bundle: tuple[Path, str]) -> Iterator[str]:
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
    name = store.podman("run", "--detach", *harsh, *limits, *given, IMAGE, *served)
    end = time.monotonic() + PATIENCE_S
    while "Serving at" not in store.podman("logs", name):
        assert time.monotonic() < end, store.podman("logs", name)
        time.sleep(0.2)
    yield name
    store.podman("rm", "--force", name)


def _inside(store: Store, container: str, code: str) -> str:
    return store.podman("exec", container, "python", "-c", code)


def test_it_answers_with_a_key_only(store: Store, container: str) -> None:
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


def test_it_runs_as_nobody_on_a_root_it_cannot_write(store: Store, container: str) -> None:
    code = "import os, pathlib; print(os.getuid()); print(os.access('/', os.W_OK), os.access('/opt/server', os.W_OK))"
    assert _inside(store, container, code).splitlines() == ["10001", "False False"]


def test_nothing_that_trains_or_installs_is_in_it(store: Store, container: str) -> None:
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


def test_its_health_check_is_the_one_of_the_recipe(store: Store, container: str) -> None:
    (image,) = json.loads(store.podman("image", "inspect", IMAGE))
    assert image["User"] == "10001"
    command = image["HealthCheck"]["Test"] if "HealthCheck" in image else image["Healthcheck"]["Test"]
    assert command[0] == "CMD"
    store.podman("exec", container, *command[1:])


def test_it_stops_when_it_is_told(store: Store, container: str) -> None:
    store.podman("stop", "--time", "20", container)
    assert store.podman("inspect", container, "--format", "{{.State.ExitCode}}") == "0"
