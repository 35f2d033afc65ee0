"""Runs reach a registry in a store whole or not at all, whatever the store does meanwhile."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec
import pytest

from retail_forecast.bundle.manifest import read_manifest
from retail_forecast.cli.main import run
from retail_forecast.clouds.addresses import Address, local_folder
from retail_forecast.clouds.objects import listed
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import BundleError, PlaceError
from retail_forecast.pipeline.keeping import _window_uses
from retail_forecast.pipeline.registry import fetched_bundle, publish_runs, registry_store
from retail_forecast.pipeline.retention import named_versions
from retail_forecast.pipeline.workspace import bundle_path, registry_folder
from retail_forecast.registry.card import render_card
from retail_forecast.registry.record import RunRecord
from retail_forecast.registry.runs import list_runs, save_beside, save_run

MakeRun = Callable[..., RunRecord]
Place = Callable[[str], Address]
Kept = Callable[[Path], RunRecord]

REFUSALS = {"SlowDown": 503, "ExpiredToken": 400, "AccessDenied": 403}


class Front(ThreadingHTTPServer):
    """In front of an emulated S3: refuses the requests that a test has chosen."""

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.behind = behind
        self.faults: list[tuple[str, str]] = []
        """Method and end of the path of requests that are refused, each once, with the code they are refused by."""

    def refuses(self, method: str, path: str) -> str | None:
        for wanted, code in self.faults:
            if f"{method} {path.partition('?')[0]}".endswith(wanted):
                self.faults.remove((wanted, code))
                return code
        return None


class _Passing(BaseHTTPRequestHandler):
    server: Front

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._pass
        raise AttributeError(name)

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        code = self.server.refuses(self.command, self.path)
        if code is not None and code != "lost":
            said = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>ordered by a test</Message></Error>"
            self._say(REFUSALS[code], [], said.encode())
            return
        headers = {"Content-Type": "application/octet-stream", **self.headers}
        try:
            asked = Request(self.server.behind + self.path, body or None, headers, method=self.command)  # noqa: S310
            with urlopen(asked) as done:  # noqa: S310 - a server of ours
                answer = (done.status, done.getheaders(), done.read())
        except HTTPError as error:
            answer = (error.code, [*error.headers.items()], error.read())
        if code == "lost":
            self._say(503, [], b"")
        else:
            self._say(*answer)

    def _say(self, status: int, headers: list[tuple[str, str]], payload: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            if name.lower() not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                self.send_header(name, value)
        length = next((v for n, v in headers if n.lower() == "content-length"), str(len(payload)))
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    def log_message(self, *_: object) -> None:
        """Say nothing of requests."""


@pytest.fixture
def kept(tiny_bundle: tuple[Path, str], make_run: MakeRun) -> Kept:
    """Keeps a run with its bundle in a workspace, as training does before it publishes."""

    def keep(workspace: Path) -> RunRecord:
        folder, digest = tiny_bundle
        record = make_run(folder.name, bundle_digest=digest)
        shutil.copytree(folder, bundle_path(workspace, record.run_id))
        here = open_store(registry_folder(workspace))
        save_run(here, record)
        save_beside(here, record.run_id, {"card.md": b"# Card\n"})
        return record

    return keep


@pytest.fixture
def workspace(tmp_path: Path) -> Callable[[Address], Path]:
    """Workspaces, each of its own, whose registry lies at an address."""
    names = iter("abc")

    def make(place: Address) -> Path:
        folder = tmp_path / f"workspace-{next(names)}"
        folder.mkdir()
        (folder / "retail-forecast.yaml").write_text(f"registry: {{uri: {json.dumps(str(place))}}}\n")
        return folder

    return make


@pytest.fixture
def front(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    """A store that can be told to refuse; the variables lead there."""
    with Front(s3_server) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        given = {"ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", "REGION": "us-east-1"}
        for name, value in (given | {"ACCESS_KEY_ID": "nobody", "SECRET_ACCESS_KEY": "nothing"}).items():
            monkeypatch.setenv(f"AWS_{name}", value)
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def refusing(workspace: Callable[[Address], Path], request: pytest.FixtureRequest) -> Path:
    """A workspace whose registry lies in that store."""
    return workspace(f"s3://lake/front/{request.node.name}")


def names(workspace: Path) -> list[str]:
    return sorted(path.rpartition("/")[2] for path, _ in listed(registry_store(workspace)))


def test_a_published_run_is_there_for_everybody(
    any_place: Place, workspace: Callable[[Address], Path], kept: Kept
) -> None:
    place = any_place("registry")
    mine, other = workspace(place), workspace(place)
    record = kept(mine)
    assert publish_runs(mine) == (() if local_folder(place) else (record.run_id,))
    assert publish_runs(mine) == (), "nothing is left"
    assert list_runs(registry_store(other)) == [record]
    folder = fetched_bundle(other, record.run_id, record.bundle_digest)
    assert read_manifest(folder, record.bundle_digest).run_id == record.run_id
    assert read_manifest(fetched_bundle(other, record.run_id, record.bundle_digest)).run_id == record.run_id


def test_a_bundle_that_is_damaged_in_the_store_is_refused_and_one_here_is_mended(
    cloud_place: Place, workspace: Callable[[Address], Path], kept: Kept
) -> None:
    place = cloud_place("registry")
    mine, other = workspace(place), workspace(place)
    record = kept(mine)
    publish_runs(mine)
    file = fetched_bundle(other, record.run_id, record.bundle_digest) / "model.onnx"
    file.write_bytes(b"torn")
    fetched_bundle(other, record.run_id, record.bundle_digest)
    assert file.read_bytes() != b"torn"
    open_store(place).put(f"registry/bundles/{record.run_id}/model.onnx", b"broken")
    shutil.rmtree(file.parent)
    with pytest.raises(BundleError, match="not what was written"):
        fetched_bundle(other, record.run_id, record.bundle_digest)
    assert not file.parent.exists()


def test_versions_that_only_an_unpublished_run_names_are_named(
    cloud_place: Place, workspace: Callable[[Address], Path], kept: Kept, make_run: MakeRun
) -> None:
    mine = workspace(cloud_place("registry"))
    assert named_versions(mine) == {}
    record = kept(mine)
    assert named_versions(mine) == {"gold": {3}, "silver": {5}}
    publish_runs(mine)
    save_run(registry_store(mine), make_run("newer", data=msgspec.structs.replace(record).data))
    assert named_versions(mine) == {"gold": {3}, "silver": {5}}


@pytest.mark.parametrize("broken", ["model.onnx", "manifest.json", "card.md", "run.json"])
def test_a_half_finished_upload_shows_nothing_and_is_repeated(
    front: Front, refusing: Path, kept: Kept, broken: str
) -> None:
    record = kept(refusing)
    front.faults = [(broken, "AccessDenied")]
    with pytest.raises(PlaceError, match=f"{record.run_id} is kept in the workspace, but not published") as failed:
        publish_runs(refusing)
    assert "promote" in failed.value.mend
    assert list_runs(registry_store(refusing)) == []
    assert publish_runs(refusing) == (record.run_id,)
    assert list_runs(registry_store(refusing)) == [record]


def test_a_throttled_store_is_asked_again(front: Front, refusing: Path, kept: Kept) -> None:
    record = kept(refusing)
    front.faults = [("model.onnx", "SlowDown"), ("run.json", "SlowDown"), ("run.json", "SlowDown")]
    assert publish_runs(refusing) == (record.run_id,)
    assert front.faults == []


def test_an_answer_that_got_lost_is_no_conflict(front: Front, refusing: Path, kept: Kept) -> None:
    record = kept(refusing)
    front.faults = [("run.json", "lost")]
    assert publish_runs(refusing) == (record.run_id,)
    assert front.faults == []


@pytest.mark.usefixtures("front")
def test_a_run_of_the_same_name_is_never_replaced(refusing: Path, kept: Kept, make_run: MakeRun) -> None:
    record = kept(refusing)
    theirs = make_run(record.run_id, accuracy=0.5)
    save_run(registry_store(refusing), theirs)
    with pytest.raises(PlaceError, match="recorded already"):
        publish_runs(refusing)
    assert list_runs(registry_store(refusing)) == [theirs]
    assert names(refusing) == ["run.json"], "nothing was uploaded over the other's bundle"


def test_what_was_learned_outlives_a_registry_that_cannot_be_listed(
    front: Front, refusing: Path, make_run: MakeRun
) -> None:
    record = make_run("newest")
    front.faults = [("GET /lake", "AccessDenied")]
    assert _window_uses(refusing, record) is None
    assert "this one included: not known." in render_card(record, None)
    assert _window_uses(refusing, record) == 1
    assert "this one included: 1." in render_card(record, 1)


def test_expired_credentials_are_told_for_what_they_are(
    front: Front, refusing: Path, kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    kept(refusing)
    front.faults = [("model.onnx", "ExpiredToken")]
    with pytest.raises(PlaceError, match="the credentials have expired") as failed:
        publish_runs(refusing)
    assert "sign in again" in failed.value.mend
    front.faults = [("lake", "ExpiredToken")]
    assert run(["models", "--workspace", str(refusing)]) == 5
    assert "the credentials have expired" in capsys.readouterr().err
