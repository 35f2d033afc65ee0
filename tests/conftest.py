"""What all tests share: the real data when it is there, and the rule that CI skips nothing silently."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from shutil import which
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from obstore.store import ObjectStore

    from retail_forecast.clouds.addresses import Address
    from retail_forecast.domain.basket import Basket
    from retail_forecast.domain.tasks import Task

CI = "RETAIL_FORECAST_CI"
REAL_DATA = "RETAIL_FORECAST_REAL_DATA"
NO_TORCH = "PyTorch is not installed"
NO_REAL_DATA = f"{REAL_DATA} names no folder of dunnhumby files"

NO_CHROMIUM = "Chromium is not installed"
NO_TMPFS = "this machine lets nobody mount a file system of their own"
NO_AZURITE = "Azurite is not installed: make setup-azurite"
NO_JVM_SPARK = "JVM_PYSPARK names no folder with PySpark 3.5, or Java is missing"

ALLOWED_SKIPS = (NO_REAL_DATA, NO_CHROMIUM, NO_TMPFS, NO_JVM_SPARK)
"""The reasons for which CI may skip a test; any other skip fails there."""

# Spinning OpenMP threads starve the other processes that tests start; set before numpy is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile("here", deadline=None)
hypothesis.settings.load_profile("here")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the real data or PyTorch where there is none."""
    absent = {"real_data": NO_REAL_DATA} if not _real_files() else {}
    if find_spec("torch") is None:
        absent["torch"] = NO_TORCH
    for item in items:
        for marker, reason in absent.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, fail on a skip whose reason is not listed."""
    report = yield
    _forbid_unlisted_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """In CI, fail on a module that skips itself for a reason that is not listed."""
    report = yield
    _forbid_unlisted_skip(report)
    return report


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see the settings they make themselves."""
    for name in list(os.environ):
        if name.startswith("RETAIL_FORECAST_") and name not in (REAL_DATA, CI):
            monkeypatch.delenv(name)


@contextmanager
def _running(command: Sequence[str], **options: Any) -> Iterator[subprocess.Popen[Any]]:
    with subprocess.Popen(command, **options) as process:
        try:
            yield process
        except BaseException:
            process.kill()
            raise


@pytest.fixture(scope="session")
def running() -> Callable[..., AbstractContextManager[subprocess.Popen[Any]]]:
    """`subprocess.Popen` as a block that waits for its process, and kills it first when the block fails: a test that
    fails before it has stopped its server would else wait for it for ever."""
    return _running


@contextmanager
def _emulator(command: Sequence[str], folder: Path, variables: Mapping[str, str] | None = None) -> Iterator[str]:
    """The address that a server says it listens on, once it does; its output ends in `folder`."""
    with _running(
        command,
        cwd=folder,
        env=os.environ | dict(variables or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if found := re.search(r"(?:Running|listens) on (http://127\.0\.0\.1:\d+)", line):
                break
        else:
            raise AssertionError("".join(said))
        reader = threading.Thread(target=process.stdout.read)  # a full pipe would stop the server
        reader.start()
        try:
            yield found[1]
        finally:
            process.terminate()
            reader.join()


@pytest.fixture(scope="session")
def emulator() -> Callable[..., AbstractContextManager[str]]:
    """Starts a server by its command in a folder, and gives the address that it says it listens on."""
    return _emulator


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Endpoint of an emulated S3 that knows conditional writes; it has the bucket `lake`."""
    import boto3

    folder = tmp_path_factory.mktemp("s3")
    with _emulator([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"], folder) as url:
        client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", **_S3_KEYS)
        client.create_bucket(Bucket="lake")
        client.close()
        yield url


@pytest.fixture(scope="session")
def aws_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Endpoint of an emulated, empty AWS account that knows AWS's own policies."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with _emulator(command, tmp_path_factory.mktemp("aws"), {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}) as url:
        yield url


@pytest.fixture(scope="session")
def azure_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Endpoint of an emulated Azure Blob Storage; it has the container `lake`."""
    from azure.storage.blob import ContainerClient

    script = Path(__file__).parent / "azurite/node_modules/azurite/dist/src/blob/main.js"
    node = which("node")
    if node is None or not script.is_file():
        pytest.skip(NO_AZURITE)
    options = ["--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent"]
    with _emulator([node, str(script), "--blobHost", "127.0.0.1", *options], tmp_path_factory.mktemp("azure")) as url:
        endpoint = f"{url}/{_AZURE_ACCOUNT}"
        with ContainerClient(endpoint, "lake", credential=_AZURE_KEY) as client:
            client.create_container()
        yield endpoint


@pytest.fixture(params=["local", "s3", "azure"])
def any_place(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> "Callable[[str], Address]":
    """Addresses of empty places by name, of each kind of place in turn; the variables that lead there are set."""
    return place_of_kind(request.param, request, monkeypatch, tmp_path)


@pytest.fixture(params=["s3", "azure"])
def cloud_place(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> "Callable[[str], Address]":
    """As `any_place`, but object stores only."""
    return place_of_kind(request.param, request, monkeypatch, tmp_path)


def place_of_kind(
    kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> "Callable[[str], Address]":
    """Addresses of empty places of `kind` by name."""
    if kind == "local":
        return lambda name: tmp_path / "places" / name
    endpoint = request.getfixturevalue(f"{kind}_server")
    prefix = f"test-{next(_PREFIXES)}"
    if kind == "s3":
        given = {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1"}
        given |= {name.upper(): value for name, value in _S3_KEYS.items()}
    else:
        given = {"AZURE_STORAGE_ENDPOINT": endpoint, "AZURE_STORAGE_ACCOUNT_NAME": _AZURE_ACCOUNT}
        given |= {"AZURE_STORAGE_ACCOUNT_KEY": _AZURE_KEY}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return lambda name: f"{'s3' if kind == 's3' else 'az'}://lake/{prefix}/{name}"


_PREFIXES = count()
_S3_KEYS = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}
# The account that every Azurite has, as its manual says.
_AZURE_ACCOUNT = "devstoreaccount1"
_AZURE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


@pytest.fixture(scope="session")
def tiny_bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Folder and digest of a logistic bundle for the task `basket`, learned from 2,000 baskets of 150 products.

    PRD0000000 to 039 lean LA, 040 to 099 MM, 100 to 139 UM, and 140 to 149 are XX; a basket's label is the side that
    has more of its lines.
    """
    from retail_forecast.domain.tasks import Task

    return _tiny_bundle(tmp_path_factory.mktemp("tiny"), Task.BASKET)


@pytest.fixture(scope="session")
def tiny_flat_bundle(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The same for the task `flat`."""
    from retail_forecast.domain.tasks import Task

    return _tiny_bundle(tmp_path_factory.mktemp("tiny_flat"), Task.FLAT)


@pytest.fixture(scope="session")
def promote(tiny_bundle: tuple[Path, str]) -> "Callable[..., str]":
    """`promote(store, number, damaged=False)` makes a copy of the tiny bundle champion `number` of the registry behind
    `store`, bundle first; returns its run's name. A damaged one is not what its manifest says."""
    import msgspec
    import obstore

    from retail_forecast.bundle.manifest import MANIFEST, digest_of, read_manifest

    folder = tiny_bundle[0]

    def put(store: "ObjectStore", number: int, *, damaged: bool = False) -> str:
        run_id = f"run-{number}"
        manifest = msgspec.structs.replace(read_manifest(folder), run_id=run_id)
        files = {name: (folder / name).read_bytes() for name in manifest.files}
        files[MANIFEST] = msgspec.json.encode(manifest)
        entry = {"version": number, "run_id": run_id, "bundle_digest": digest_of(files[MANIFEST])}
        if damaged:
            files["model.onnx"] = b"broken"
        for name, payload in files.items():
            obstore.put(store, f"registry/bundles/{run_id}/{name}", payload)
        obstore.put(store, f"registry/champions/basket/{number:012d}.json", msgspec.json.encode(entry))
        return run_id

    return put


def _tiny_bundle(home: Path, task: "Task") -> tuple[Path, str]:
    from retail_forecast.bundle.manifest import write_bundle
    from retail_forecast.domain.settings import TrainSettings
    from retail_forecast.kernel.lines import baskets_from_rows
    from retail_forecast.models.fitting import fit_model, manifest_of
    from retail_forecast.models.learners import learner

    rows, label = _tiny_world()
    settings = TrainSettings(seed=7, folds=2)
    fitted = fit_model(task, learner("logistic"), baskets_from_rows(rows), label, settings, 1)
    manifest = manifest_of(
        fitted,
        run_id=f"{task}-logistic-20261122T152700-1a2b3c",
        model="logistic",
        created_at=datetime(2026, 11, 22, 15, 27, tzinfo=UTC),
        last_learned_week=200705,
        metrics={"accuracy": 0.9},
        metrics_from="test",
    )
    folder = home / manifest.run_id
    return folder, write_bundle(folder, manifest, fitted.files() | {"card.md": b"# Tiny\n"})


def _tiny_world() -> "tuple[list[Basket], NDArray[np.int8]]":
    import numpy as np

    from retail_forecast.domain.basket import Basket, Line

    rng = np.random.default_rng(7)
    rows, label = [], []
    for number in range(2000):
        unclassified = number % 40 == 0
        products = rng.integers(140, 150, 2) if unclassified else rng.integers(0, 150, rng.integers(1, 9))
        balance = int(((products >= 100) & (products < 140)).sum() - (products < 40).sum())
        label.append(3 if (products >= 140).all() else 1 + int(np.sign(balance)))
        lines = (
            Line(
                1 + int(p) % 3,
                (100 + int(p)) / 100,
                f"PRD{p:07d}",
                f"CL{p // 10:05d}",
                f"DEP{p // 30:05d}",
                f"G{p // 50:05d}",
            )
            for p in products
        )
        rows.append(Basket(tuple(lines), basket_id=f"{number:015d}"))
    return rows, np.array(label, np.int8)


@pytest.fixture(scope="session")
def real_files() -> list[Path]:
    """The weekly files of the real data, in time order (only for tests marked `real_data`)."""
    return _real_files()


def _real_files() -> list[Path]:
    folder = os.environ.get(REAL_DATA)
    return sorted(Path(folder).glob("*.csv*")) if folder else []


def _forbid_unlisted_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not os.environ.get(CI) or report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr)
    if reason.removeprefix("Skipped: ") not in ALLOWED_SKIPS:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI for a reason that tests/conftest.py does not list: {reason}"
