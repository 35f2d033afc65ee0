"""The spool keeps every answer or counts that it did not, and no answer waits for it."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.request import urlopen

import numpy as np
import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from retail_forecast.domain.basket import Basket, Line
from retail_forecast.domain.spooled import FINISHED, read_segment, segments
from retail_forecast.domain.tasks import Task
from retail_forecast.pipeline.replay import replay
from retail_forecast_server.answers import Answered
from retail_forecast_server.models import Model
from retail_forecast_server.process import serving
from retail_forecast_server.spool import Spool

ROWS = [Basket((Line(1, 1.0, "PRD0000120"),), basket_id=f"{n:015d}", customer="CUST0000000042") for n in range(3)]
PLENTY = 1_000_000


@pytest.fixture
def answered(model: Model) -> Callable[..., Answered]:
    def make(name: str, rows: Sequence[Basket] = ROWS) -> Answered:
        return Answered(name, 1_200_000_000.5, model, rows, model.predict(rows))

    return make


def counted(registry: CollectorRegistry, name: str, **labels: str) -> float:
    return registry.get_sample_value(f"retail_forecast_prediction_log_{name}_total", labels) or 0.0


def test_every_answer_is_kept_with_what_it_was_made_of(
    answered: Callable[..., Answered], model: Model, tmp_path: Path
) -> None:
    registry = CollectorRegistry()
    spool = Spool(tmp_path / "log", PLENTY, 60, registry)
    with spool.running():
        for number in range(5):
            spool.observe(answered(f"request-{number}"))
    (segment,) = segments(tmp_path / "log")
    assert (segment.number, segment.finished) == (1, True)
    kept = list(read_segment(segment.path))
    assert [(one.request_id, one.position) for one in kept] == [(f"request-{n}", p) for n in range(5) for p in range(3)]
    found = model.predict(ROWS)
    np.testing.assert_array_equal(np.frombuffer(kept[2].features, np.float32), found.features[2])
    assert kept[2].probabilities == tuple(found.probabilities[2].tolist())
    assert (kept[2].label, kept[2].task, kept[2].model_version) == ("UM", "basket", model.version)
    assert (kept[2].basket_id, kept[2].time, kept[2].history_week) == ("000000000000002", 1_200_000_000.5, None)
    assert len({one.input_sha256 for one in kept}) == 3
    assert counted(registry, "written") == 15
    assert b"CUST" not in segment.path.read_bytes()


def test_parts_of_a_stream_are_numbered_through(answered: Callable[..., Answered], tmp_path: Path) -> None:
    spool = Spool(tmp_path / "log", PLENTY, 60, CollectorRegistry())
    with spool.running():
        for first in (0, 3):
            spool.observe(replace(answered("stream"), first=first))
    (segment,) = segments(tmp_path / "log")
    assert [one.position for one in read_segment(segment.path)] == list(range(6))


def test_of_a_request_larger_than_the_queue_the_first_are_kept_where_none_wait(
    answered: Callable[..., Answered], tmp_path: Path
) -> None:
    registry = CollectorRegistry()
    spool = Spool(tmp_path / "log", 1_000_000_000, 60, registry)
    large = answered("r", ROWS * 11_000)
    spool.observe(large)
    spool.observe(large)
    with spool.running():
        pass
    assert counted(registry, "written") == 32_768
    assert counted(registry, "dropped", reason="queue") == 2 * 33_000 - 32_768
    (segment,) = segments(tmp_path / "log")
    assert [one.position for one in read_segment(segment.path)] == list(range(32_768))


def test_what_is_too_much_is_left_out_and_counted(answered: Callable[..., Answered], tmp_path: Path) -> None:
    registry = CollectorRegistry()
    spool = Spool(tmp_path / "log", 5_000, 60, registry)
    one = answered("r", ROWS * 20)
    for _ in range(550):
        spool.observe(one)
    assert counted(registry, "dropped", reason="queue") == 4 * 60
    with spool.running():
        pass
    assert counted(registry, "dropped", reason="full") == 546 * 60
    assert counted(registry, "written") == 0


def test_a_disk_that_fails_costs_entries_and_nothing_else(answered: Callable[..., Answered], tmp_path: Path) -> None:
    registry = CollectorRegistry()
    (tmp_path / "log").write_text("a file where the folder should be")
    spool = Spool(tmp_path / "log", PLENTY, 60, registry)
    with spool.running():
        spool.observe(answered("r"))
    assert counted(registry, "dropped", reason="disk") == 3


def test_segments_are_finished_when_they_are_old_enough(answered: Callable[..., Answered], tmp_path: Path) -> None:
    spool = Spool(tmp_path / "log", PLENTY, 1e-9, CollectorRegistry())
    for part in range(2):
        spool.observe(answered(f"r{part}"))
        spool._write()
    assert [(one.number, one.finished) for one in segments(tmp_path / "log")] == [(1, True), (2, True)]


def test_a_segment_that_is_taken_away_does_not_end_the_log(answered: Callable[..., Answered], tmp_path: Path) -> None:
    log, registry = tmp_path / "log", CollectorRegistry()
    spool = Spool(log, PLENTY, 60, registry)
    spool.observe(answered("lost"))
    spool._write()
    shutil.rmtree(log)
    spool._finish()
    assert counted(registry, "dropped", reason="disk") == 3
    with spool.running():
        spool.observe(answered("kept"))
    (segment,) = segments(log)
    assert {one.request_id for one in read_segment(segment.path)} == {"kept"}
    assert (segment.number, segment.finished) == (1, True), "it waits for none before it"


def test_a_torn_message_is_not_read(answered: Callable[..., Answered], tmp_path: Path) -> None:
    spool = Spool(tmp_path / "log", PLENTY, 60, CollectorRegistry())
    with spool.running():
        spool.observe(answered("r"))
    (segment,) = segments(tmp_path / "log")
    whole = segment.path.read_bytes() * 2
    for cut, left in ((len(whole), 6), (len(whole) - 1, 3), (len(whole) // 2 + 2, 3), (3, 0)):
        segment.path.write_bytes(whole[:cut])
        assert len(list(read_segment(segment.path))) == left


def test_a_server_keeps_its_log_and_tells_what_it_wrote(tiny_bundle: tuple[Path, str], tmp_path: Path) -> None:
    given = {"PREDICTION_LOG": str(tmp_path / "log"), "PREDICTION_LOG_SEGMENT_S": "0.01"}
    with serving(bundle=tiny_bundle[0], settings=given) as url:
        replay(url, Task.BASKET, ROWS * 7)
        told = next(text for text in (metrics(url) for _ in range(5000)) if "log_written_total 21.0" in text)
    assert "retail_forecast_prediction_log_dropped" in told
    kept = [entry for segment in segments(tmp_path / "log") for entry in read_segment(segment.path)]
    assert len(kept) == 21
    assert {segment.path.suffix for segment in segments(tmp_path / "log")} == {FINISHED}


def test_without_a_folder_nothing_is_kept(tiny_bundle: tuple[Path, str]) -> None:
    with serving(bundle=tiny_bundle[0]) as url:
        replay(url, Task.BASKET, ROWS)
        assert "prediction_log" not in metrics(url)


def metrics(url: str) -> str:
    with urlopen(f"{url}/metrics") as response:  # noqa: S310
        return str(response.read().decode())
