"""Predictions come into the lake once: whoever is interrupted, repeats himself or is not alone changes nothing."""

import fcntl
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from deltalake import DeltaTable

from retail_forecast.cli.main import run
from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.objects import listed, read
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import Conflict
from retail_forecast.domain.spooled import FINISHED, OPEN, Entry, framed, segments
from retail_forecast.lake.predictions import PREDICTIONS, commit_objects, read_predictions, upload_spool

TIME = datetime(2008, 7, 7, 23, 59, 59, tzinfo=UTC).timestamp()
ANNA, BERT = "a" * 16, "b" * 16


def entry(request: str, time: float = TIME) -> Entry:
    features = np.array([1.5, -0.25], np.float32).tobytes()
    numbers = (0.25, 0.5, 0.125, 0.125)
    return Entry(request, 0, time, "basket-tree-1", "basket", None, "0" * 64, features, numbers, "MM", 0.5, 200818)


def spool(folder: Path, writer: str, number: int, *requests: str, suffix: str = FINISHED) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"{writer}-{number:08d}{suffix}"
    path.write_bytes(b"".join(framed(msgspec.msgpack.encode([entry(one)])) for one in requests))
    return path


def requests_in(root: Path) -> list[str]:
    return sorted(read_predictions(root)["request_id"].to_pylist())


@pytest.fixture(params=["local", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "local":
        return str(tmp_path / "objects")
    for name, value in {
        "AWS_ENDPOINT_URL": request.getfixturevalue("s3_server"),
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }.items():
        monkeypatch.setenv(name, value)
    return f"s3://lake/{tmp_path.name}"


def test_answers_come_into_the_table_as_they_were(place: str, tmp_path: Path) -> None:
    log, root = tmp_path / "log", tmp_path / "lake"
    spool(log, ANNA, 1, "r1", "r2")
    spool(log, BERT, 1, "r3")
    done = upload_spool(log, open_store(place))
    assert (done.segments, done.answers, segments(log)) == (2, 3, [])
    added = commit_objects(root, open_store(place))
    assert (added.objects, added.answers, added.waiting) == (2, 3, 0)
    assert list(listed(open_store(place))) == []
    table = read_predictions(root)
    assert table.schema == PREDICTIONS
    assert table.slice(0, 1).to_pylist()[0] | {"request_id": ""} == {
        "day": datetime(2008, 7, 7, tzinfo=UTC).date(),
        "request_id": "",
        "position": 0,
        "time": datetime.fromtimestamp(TIME, UTC),
        "model_version": "basket-tree-1",
        "task": "basket",
        "basket_id": None,
        "input_sha256": "0" * 64,
        "features": [1.5, -0.25],
        "p_LA": 0.25,
        "p_MM": 0.5,
        "p_UM": 0.125,
        "p_XX": 0.125,
        "label": "MM",
        "unknown_share": 0.5,
        "history_week": 200818,
    }


def test_what_was_interrupted_is_repeated_without_doubling(place: str, tmp_path: Path) -> None:
    log, root, store = tmp_path / "log", tmp_path / "lake", open_store(place)
    segment = spool(log, ANNA, 1, "r1")
    payload = segment.read_bytes()
    upload_spool(log, store)
    segment.write_bytes(payload)  # killed after the object, before the segment was removed
    again = upload_spool(log, store)
    assert (again.segments, again.answers) == (1, 0)
    ((path, _),) = listed(store)
    held = read(store, path)
    assert commit_objects(root, store).answers == 1
    store.put(path, held)  # killed after the commit, before the object was removed
    assert commit_objects(root, store).answers == 0
    assert list(listed(store)) == []
    assert requests_in(root) == ["r1"]


def test_an_object_waits_for_the_one_before_it(tmp_path: Path) -> None:
    log, root, store = tmp_path / "log", tmp_path / "lake", open_store(tmp_path / "objects")
    spool(log, ANNA, 2, "r2")
    spool(log, BERT, 1, "r3")
    upload_spool(log, store)
    done = commit_objects(root, store)
    assert (done.objects, done.waiting) == (1, 1)
    assert requests_in(root) == ["r3"]
    spool(log, ANNA, 1, "r1")
    upload_spool(log, store)
    assert commit_objects(root, store).objects == 2
    assert requests_in(root) == ["r1", "r2", "r3"]


def test_several_at_once_commit_each_object_once(tmp_path: Path) -> None:
    log, root, store = tmp_path / "log", tmp_path / "lake", open_store(tmp_path / "objects")
    commit_objects(root, store)
    for number in range(1, 7):
        spool(log, ANNA, number, f"r{number}")
    upload_spool(log, store)
    start = threading.Barrier(4, timeout=60)

    def commit(_: int) -> int:
        start.wait()
        try:
            return commit_objects(root, store).answers
        except (Conflict, FileNotFoundError):
            return 0

    with ThreadPoolExecutor(4) as pool:
        counts = list(pool.map(commit, range(4)))
    commit_objects(root, store)
    assert requests_in(root) == [f"r{number}" for number in range(1, 7)]
    assert 6 in counts


def test_the_spool_of_a_server_that_is_gone_is_taken_and_that_of_a_live_one_left(tmp_path: Path) -> None:
    log, store = tmp_path / "log", open_store(tmp_path / "objects")
    live = spool(log, ANNA, 1, "r1", suffix=OPEN)
    gone = spool(log, BERT, 1, "r2", "r3", suffix=OPEN)
    gone.write_bytes(gone.read_bytes()[:-5])
    empty = spool(log, "c" * 16, 1, suffix=OPEN)
    with live.open("ab") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = upload_spool(log, store)
    assert (done.segments, done.answers) == (1, 1)
    assert sorted(log.iterdir()) == [live, empty]


def test_tables_carry_the_last_number_of_each_writer(tmp_path: Path) -> None:
    log, root, store = tmp_path / "log", tmp_path / "lake", open_store(tmp_path / "objects")
    spool(log, ANNA, 1, "r1")
    spool(log, ANNA, 2, "r2")
    upload_spool(log, store)
    commit_objects(root, store)
    assert DeltaTable(root / "predictions").transaction_version(f"retail-forecast-predictions/{ANNA}") == 2


def test_the_verbs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spool(tmp_path / "log", ANNA, 1, "r1")

    def told(*words: str) -> Any:  # noqa: ANN401 - whatever it prints
        assert run(["predictions", *words, "--workspace", str(tmp_path), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert told("upload", str(tmp_path / "log")) == {"segments": 1, "answers": 1}
    assert told("commit") == {"objects": 1, "answers": 1, "waiting": 0}
    assert told("commit") == {"objects": 0, "answers": 0, "waiting": 0}
    assert run(["predictions", "commit", "--workspace", str(tmp_path), "--place", "gs://nowhere/x"]) == 2


def test_a_lake_in_any_place_takes_them(any_place: Callable[[str], Address], tmp_path: Path) -> None:
    root, objects = any_place("lake"), open_store(any_place("objects"))
    assert len(read_predictions(root)) == 0
    spool(tmp_path / "log", ANNA, 1, "r1")
    upload_spool(tmp_path / "log", objects)
    assert commit_objects(root, objects).answers == 1
    assert commit_objects(root, objects).objects == 0
    assert read_predictions(root)["request_id"].to_pylist() == ["r1"]
