"""Models come from a store by a process of its own; whatever happens to the store, what answered goes on answering."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import boto3
import psutil
import pytest
from moto.server import ThreadedMotoServer
from werkzeug.serving import BaseWSGIServer

from retail_forecast.clouds.objects import upload
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import PlaceError, UsageError
from retail_forecast_server.models import Source
from retail_forecast_server.origin import Origin, origin_of
from retail_forecast_server.process import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from retail_forecast.clouds.addresses import Address

Place = Callable[[str], "Address"]
Promote = Callable[..., str]
Running = Callable[..., AbstractContextManager[subprocess.Popen[Any]]]
MAIN = [sys.executable, "-m", "retail_forecast_server", "--json", "--port", "0"]
QUICK = {"CHAMPION_POLL_S": "0.05"}
PATIENCE_S = 30
ROOT = Path(__file__).parents[2]


def _get(url: str) -> Any:  # noqa: ANN401 - whatever was answered
    with urlopen(url, timeout=20) as response:  # noqa: S310 - our own server
        return json.load(response)


def _version(url: str) -> str:
    return str(_get(f"{url}/readyz")["model_version"])


def _until(seen: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not seen():
        assert time.monotonic() < end
        time.sleep(0.02)


def _family(url: str) -> Iterator[psutil.Process]:
    """The worker, and the process above it."""
    worker = psutil.Process(_get(f"{url}/healthz")["pid"])
    above = worker.parent()
    assert above is not None
    return iter((worker, above))


def test_a_new_champion_in_the_store_takes_over_and_a_damaged_one_does_not(any_place: Place, promote: Promote) -> None:
    address = any_place("registry")
    store = open_store(address)
    promote(store, 1)
    with serving(registry=address, settings=QUICK) as url:
        assert _version(url) == "run-1"
        promote(store, 2)
        _until(lambda: _version(url) == "run-2")
        promote(store, 3, damaged=True)
        _until(lambda: bool(_get(f"{url}/model")["refused"]))
        (refused,) = _get(f"{url}/model")["refused"]
        assert (refused["task"], "not what was written" in refused["reason"]) == ("basket", True)
        assert _version(url) == "run-2"
        promote(store, 4)
        _until(lambda: _version(url) == "run-4")
        _until(lambda: _get(f"{url}/model")["refused"] == [])


@pytest.mark.skipif(sys.platform != "linux", reason="libraries of a process are read from /proc")
def test_only_the_process_that_pulls_holds_the_store(tmp_path: Path, promote: Promote) -> None:
    promote(open_store(tmp_path / "registry"), 1)
    with serving(registry=tmp_path / "registry", settings=QUICK) as url:
        worker, above = _family(url)
        (pulling,) = [child for child in above.children() if child != worker]
        libraries = [Path(f"/proc/{process.pid}/maps").read_text("utf-8") for process in (worker, above, pulling)]
        assert ["/obstore" in maps for maps in libraries] == [False, False, True]
    assert not pulling.is_running()


@pytest.fixture
def own_s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadedMotoServer]:
    """An emulated S3 that a test may stop and start again; it has the bucket `models`, which is empty."""
    # It comes back where it was: meanwhile the port is held, and nobody else can be given it.
    monkeypatch.setattr(BaseWSGIServer, "allow_reuse_port", True, raising=False)
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        holder.bind(("127.0.0.1", 0))
        server = ThreadedMotoServer("127.0.0.1", holder.getsockname()[1], verbose=False)
        server.start()
        url = "http://{}:{}".format(*server.get_host_and_port())
        given = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing", "AWS_REGION": "us-east-1"}
        for name, value in (given | {"AWS_ENDPOINT_URL": url}).items():
            monkeypatch.setenv(name, value)
        # What it holds outlives it in this process.
        urlopen(Request(f"{url}/moto-api/reset", method="POST"), timeout=20).close()  # noqa: S310 - our own server
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="models")
        client.close()
        yield server
        server.stop()


def test_it_goes_on_answering_while_the_store_is_away(own_s3: ThreadedMotoServer, promote: Promote) -> None:
    store = open_store("s3://models/shop")
    promote(store, 1)
    with serving(registry="s3://models/shop", settings=QUICK) as url:
        first = _get(f"{url}/model")["registry"]
        assert (first["problem"], first["tried"]) == (None, first["read"])
        own_s3.stop()
        _until(lambda: _get(f"{url}/model")["registry"]["problem"] is not None)
        assert _version(url) == "run-1"
        with urlopen(f"{url}/metrics", timeout=20) as response:  # noqa: S310 - our own server
            figures = dict(line.rsplit(" ", 1) for line in response.read().decode().splitlines() if line[0] != "#")
        told = {what: float(figures[f'retail_forecast_registry{{what="{what}"}}']) for what in ("tried", "read")}
        assert told["read"] < told["tried"]
        own_s3.start()
        promote(store, 2)
        _until(lambda: _version(url) == "run-2")
        _until(lambda: _get(f"{url}/model")["registry"]["problem"] is None)


def test_without_the_store_it_is_not_ready_until_there_is_one(
    running: Running, own_s3: ThreadedMotoServer, promote: Promote, tmp_path: Path
) -> None:
    own_s3.stop()
    command = [*MAIN, "--registry", "s3://models/shop"]
    variables = os.environ | {f"RETAIL_FORECAST_SERVER__{name}": value for name, value in QUICK.items()}
    log = (tmp_path / "log").open("w")
    with log, running(command, env=variables, stdout=subprocess.PIPE, stderr=log, text=True) as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        assert (told["ready"], told["reason"]) == (False, "the registry could not be read yet; the log says why")
        with pytest.raises(HTTPError, match="503") as refused:
            _version(told["url"])
        assert "the registry could not be read yet" in json.load(refused.value)["detail"]
        own_s3.start()
        promote(open_store("s3://models/shop"), 1)
        _until(lambda: _is_ready(told["url"]))
        process.terminate()
    events = [json.loads(line) for line in (tmp_path / "log").read_text("utf-8").splitlines()]
    assert [e["address"] for e in events if e["event"] == "registry not read"] == ["s3://models/shop"]


def _watched(log: str) -> dict[str, list[float]]:
    """What the metrics of `aws/metrics.json` that stand on the registry's line would be, out of a server's log."""
    metrics = json.loads((ROOT / "aws/metrics.json").read_text("utf-8"))["metrics"]
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    found = {}
    for name in ("RegistryAge", "ChampionsRefused"):
        (event,) = re.findall(r'\.event = "([^"]+)" }', metrics[name]["pattern"])
        field = metrics[name]["value"].removeprefix("$.log_processed.")
        found[name] = [line[field] for line in lines if line["event"] == event]
    return found


def test_the_process_that_pulls_is_begun_again_when_it_dies(running: Running, tmp_path: Path, promote: Promote) -> None:
    store = open_store(tmp_path / "registry")
    promote(store, 1)
    command = [*MAIN, "--registry", str(tmp_path / "registry")]
    variables = os.environ | {f"RETAIL_FORECAST_SERVER__{name}": value for name, value in QUICK.items()}
    told = (tmp_path / "log").open("w")
    with told, running(command, env=variables, stdout=subprocess.PIPE, stderr=told, text=True) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        worker, above = _family(url)
        (pulling,) = [child for child in above.children() if child != worker]
        pulling.kill()
        promote(store, 2)
        _until(lambda: _version(url) == "run-2")
        (again,) = [child for child in above.children() if child != worker]
        process.terminate()
    log = (tmp_path / "log").read_text("utf-8")
    assert not again.is_running()
    assert [line for line in log.splitlines() if '"registry followed again"' in line and '"ended_with":-9' in line]
    watched = _watched(log)
    assert watched["ChampionsRefused"][0] == 0
    assert 0 <= watched["RegistryAge"][0] < PATIENCE_S


def _is_ready(url: str) -> bool:
    try:
        return _version(url) == "run-1"
    except HTTPError:
        return False


def test_a_registry_without_a_champion(tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match="no champion yet"), serving(registry=tmp_path / "registry"):
        raise AssertionError


def test_a_first_champion_that_is_damaged_is_the_reason(tmp_path: Path, promote: Promote) -> None:
    promote(open_store(tmp_path), 1, damaged=True)
    with pytest.raises(PlaceError, match="cannot be used: the file is missing or not"), serving(registry=tmp_path):
        raise AssertionError


def test_a_bundle_in_a_store_is_served(cloud_place: Place, tiny_flat_bundle: tuple[Path, str]) -> None:
    folder, address = tiny_flat_bundle[0], cloud_place("bundle")
    upload(open_store(address), {file.name: file for file in folder.iterdir()})
    with serving(bundle=address) as url:
        assert _version(url) == folder.name
        assert _get(f"{url}/model")["default_task"] == "flat"


@pytest.mark.parametrize("damaged", [False, True])
def test_a_bundle_that_is_missing_or_damaged_is_refused_at_once(
    cloud_place: Place, tiny_bundle: tuple[Path, str], damaged: bool
) -> None:
    address = cloud_place("bundle")
    if damaged:
        files = [file for file in tiny_bundle[0].iterdir() if file.name != "model.onnx"]
        upload(open_store(address), {file.name: file for file in files})
    done = subprocess.run([*MAIN, "--bundle", str(address)], capture_output=True, check=False, timeout=60)
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["where"]) == (3, str(address))
    assert ("missing or not what was written" if damaged else "no bundle here") in error["what"]


def test_what_an_origin_may_be(tmp_path: Path) -> None:
    assert origin_of(tmp_path, None, None) == Source(tmp_path)
    assert origin_of(tmp_path, "some/bundle", None) == Source(tmp_path, Path("some/bundle"))
    assert origin_of(tmp_path, "az://c/bundle", None) == Origin("az://c/bundle", alone=True)
    assert origin_of(tmp_path, None, "s3://b") == Origin("s3://b", alone=False)
    for bundle, registry in (("b", "s3://b"), (None, "ftp://b"), ("ftp://b", None)):
        with pytest.raises(UsageError):
            origin_of(tmp_path, bundle, registry)


def test_an_account_that_is_not_named_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    command = [*MAIN, "--workspace", str(tmp_path), "--registry", "az://models"]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 5, done.stderr
    assert json.loads(done.stdout)["error"]["where"] == "az://models"
