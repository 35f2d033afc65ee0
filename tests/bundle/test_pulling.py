"""Bundles, pointers and snapshots come from a store whole and verified, or what was there stays."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import obstore
import pytest
from obstore.store import ObjectStore

from retail_forecast.bundle.manifest import read_manifest
from retail_forecast.bundle.pointer import BUNDLES, CHAMPIONS, champion_folder, read_pointer
from retail_forecast.bundle.pulling import pull_bundle, pull_champions, pull_snapshot
from retail_forecast.bundle.snapshot import LATEST, SNAPSHOTS, read_latest, read_snapshot, write_snapshot
from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.objects import upload
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import BundleError
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.arrival import GROUPS, History, Table

Place = Callable[[str], Address]
Promote = Callable[..., str]


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return open_store(tmp_path / "store")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "workspace"


def _in_force(workspace: Path) -> str | None:
    """The run that answers, whose bundle is whole."""
    pointer = read_pointer(workspace, Task.BASKET)
    if pointer is None:
        return None
    return read_manifest(champion_folder(workspace, pointer), pointer.bundle_digest).run_id


def _held(workspace: Path) -> list[str]:
    return sorted(path.name for path in (workspace / BUNDLES).iterdir())


def test_champions_are_followed_and_the_one_before_is_kept(any_place: Place, workspace: Path, promote: Promote) -> None:
    store = open_store(any_place("registry"))
    assert pull_champions(store, workspace) == {}
    assert _in_force(workspace) is None
    for number in (1, 2, 3):
        promote(store, number)
        assert pull_champions(store, workspace) == {}
        assert _in_force(workspace) == f"run-{number}"
    assert _held(workspace) == ["run-2", "run-3"]
    before = read_pointer(workspace, Task.BASKET, below=3)
    assert before is not None
    assert read_manifest(champion_folder(workspace, before), before.bundle_digest).run_id == "run-2"


def test_what_is_there_is_not_fetched_again(store: ObjectStore, workspace: Path, promote: Promote) -> None:
    promote(store, 1)
    pull_champions(store, workspace)
    obstore.delete(store, [f"{BUNDLES}/run-1/model.onnx"])
    assert pull_champions(store, workspace) == {}
    assert _in_force(workspace) == "run-1"


def test_a_damaged_bundle_is_not_shown_until_it_is_mended(
    store: ObjectStore, workspace: Path, promote: Promote
) -> None:
    promote(store, 1)
    pull_champions(store, workspace)
    promote(store, 2, damaged=True)
    refused = pull_champions(store, workspace)
    assert "not what was written" in refused[Task.BASKET]
    assert (_in_force(workspace), _held(workspace)) == ("run-1", ["run-1"])
    promote(store, 2)
    assert pull_champions(store, workspace) == {}
    assert _in_force(workspace) == "run-2"


@pytest.mark.parametrize("entry", [b"{", b'{"version":2,"run_id":"../../x","bundle_digest":"d"}', b"\xff"])
def test_a_pointer_that_cannot_be_read_is_refused(
    store: ObjectStore, workspace: Path, promote: Promote, entry: bytes
) -> None:
    promote(store, 1)
    obstore.put(store, f"{CHAMPIONS}/basket/000000000002.json", entry)
    assert "cannot be read" in pull_champions(store, workspace)[Task.BASKET]
    assert _in_force(workspace) == "run-1"


def test_a_damaged_one_before_does_no_harm(store: ObjectStore, workspace: Path, promote: Promote) -> None:
    promote(store, 1, damaged=True)
    promote(store, 2)
    assert pull_champions(store, workspace) == {}
    assert (_in_force(workspace), _held(workspace)) == ("run-2", ["run-2"])


def test_a_download_that_was_killed_is_repeated(store: ObjectStore, workspace: Path, promote: Promote) -> None:
    half = workspace / BUNDLES / "run-1"
    for folder in (half, half.with_name(".pulled-killed")):
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_bytes(b"half")
    promote(store, 1)
    pull_champions(store, workspace)
    assert (_in_force(workspace), _held(workspace)) == ("run-1", ["run-1"])


def test_a_registry_that_begins_again_is_followed(tmp_path: Path, workspace: Path, promote: Promote) -> None:
    first, again = open_store(tmp_path / "first"), open_store(tmp_path / "again")
    for number in (7, 8):
        promote(first, number)
    pull_champions(first, workspace)
    promote(again, 1)
    pull_champions(again, workspace)
    assert (_in_force(workspace), _held(workspace)) == ("run-1", ["run-1"])


def test_a_bundle_alone(any_place: Place, tiny_bundle: tuple[Path, str], tmp_path: Path) -> None:
    store, folder = open_store(any_place("bundle")), tmp_path / "bundle"
    with pytest.raises(BundleError, match="no bundle here"):
        pull_bundle(store, folder)
    upload(store, {file.name: file for file in tiny_bundle[0].iterdir()})
    pull_bundle(store, folder)
    assert read_manifest(folder, tiny_bundle[1]).run_id == tiny_bundle[0].name
    with pytest.raises(BundleError, match="not what was written"):
        pull_bundle(store, folder, digest="0" * 64)
    assert read_manifest(folder, tiny_bundle[1])


def _history(week: int) -> History:
    tables = (
        Table(
            {"a": 0},
            np.ones((2, len(group.half_lives), len(group.values))),
            np.ones((2, len(group.half_lives))),
            np.full(2, week, np.int32),
        )
        for group in GROUPS
    )
    return History(week, tuple(tables))


def _publish(folder: Path, store: ObjectStore, week: int) -> str:
    latest = write_snapshot(folder, "d" * 64, 1, [_history(week)])
    upload(store, {f"{SNAPSHOTS}/{name}": folder / name for name in (latest.file, LATEST)})
    return latest.file


def test_the_snapshot_is_followed(any_place: Place, tmp_path: Path, workspace: Path) -> None:
    store, folder = open_store(any_place("registry")), workspace / SNAPSHOTS
    pull_snapshot(store, workspace)
    assert read_latest(folder) is None
    names = []
    for week in (10, 11, 12):
        names.append(_publish(tmp_path / "made", store, week))
        pull_snapshot(store, workspace)
        latest = read_latest(folder)
        assert latest is not None
        assert read_snapshot(folder, latest).histories[0].week == week
    assert {file.name for file in folder.iterdir()} == {LATEST, *names[1:]}


def test_a_damaged_snapshot_leaves_the_one_before(store: ObjectStore, tmp_path: Path, workspace: Path) -> None:
    kept = _publish(tmp_path / "made", store, 10)
    pull_snapshot(store, workspace)
    obstore.put(store, f"{SNAPSHOTS}/{_publish(tmp_path / 'made', store, 11)}", b"broken")
    with pytest.raises(BundleError, match="not what was written"):
        pull_snapshot(store, workspace)
    latest = read_latest(workspace / SNAPSHOTS)
    assert latest is not None
    assert latest.file == kept
    assert {file.name for file in (workspace / SNAPSHOTS).iterdir()} == {LATEST, kept}


@pytest.mark.parametrize("file", ["../../escaped", "/etc/passwd", "x.history/../y"])
def test_a_snapshot_that_names_another_place_is_refused(store: ObjectStore, workspace: Path, file: str) -> None:
    entry = msgspec.json.encode({"file": file, "sha256": "0" * 64, "bundle_digest": "d"})
    obstore.put(store, f"{SNAPSHOTS}/{LATEST}", entry)
    with pytest.raises(BundleError, match="cannot be read"):
        pull_snapshot(store, workspace)
