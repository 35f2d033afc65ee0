"""Refusals stay on record beside the champions; what passed is none of them, and nothing is ever overwritten."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from obstore.store import MemoryStore, ObjectStore

from retail_forecast.domain.errors import Conflict
from retail_forecast.domain.settings import GateSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.registry.champion import history
from retail_forecast.registry.gate import Override, decide
from retail_forecast.registry.record import RunRecord
from retail_forecast.registry.refusals import Refusal, keep_refusal, refusals

MakeRun = Callable[..., RunRecord]

WHEN = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)


@pytest.fixture
def store() -> ObjectStore:
    return MemoryStore()


def _refused(store: ObjectStore, run: RunRecord, when: datetime = WHEN) -> Refusal:
    return keep_refusal(store, run, decide(run, GateSettings()), who="Ada", why="weekly", when=when)


def test_a_refusal_is_kept_with_who_when_why_and_the_figures(store: ObjectStore, make_run: MakeRun) -> None:
    run = make_run("poor", accuracy=0.5)
    _refused(store, run)
    (kept,) = refusals(store, Task.BASKET)
    assert (kept.run_id, kept.who, kept.when, kept.why) == ("poor", "Ada", WHEN, "weekly")
    assert kept.reasons == ("accuracy 0.5000 is below its floor of 0.7500",)
    assert kept.decision["evidence"]["candidate"]["accuracy"] == 0.5
    assert kept.decision["evidence"]["settings"]["margin"] == GateSettings().margin


def test_a_refusal_leaves_the_history_of_champions_alone(store: ObjectStore, make_run: MakeRun) -> None:
    _refused(store, make_run(accuracy=0.5))
    assert history(store, Task.BASKET) == []
    assert refusals(store, Task.COARSE) == []


def test_refusals_are_added_and_never_replaced(store: ObjectStore, make_run: MakeRun) -> None:
    run = make_run(accuracy=0.5)
    for hours in range(3):
        _refused(store, run, WHEN + timedelta(hours=hours))
    assert [entry.when.hour for entry in refusals(store, Task.BASKET)] == [16, 17, 18]


def test_refusals_at_the_same_time_are_all_kept(store: ObjectStore, make_run: MakeRun) -> None:
    runs = [make_run(f"run-{number}", accuracy=0.5) for number in range(24)]
    with ThreadPoolExecutor(8) as people:
        list(people.map(lambda run: _refused(store, run), runs))
    assert sorted(entry.run_id for entry in refusals(store, Task.BASKET)) == sorted(run.run_id for run in runs)


@pytest.mark.parametrize("override", [None, Override("Ada", "nothing else is there")])
def test_what_was_promoted_is_no_refusal(store: ObjectStore, make_run: MakeRun, override: Override | None) -> None:
    run = make_run(accuracy=0.95 if override is None else 0.5)
    with pytest.raises(Conflict, match="did not refuse"):
        keep_refusal(store, run, decide(run, GateSettings(), override=override), who="Ada", why="weekly", when=WHEN)
    assert refusals(store, Task.BASKET) == []


def test_a_refusal_of_another_run_is_none_of_this_one(store: ObjectStore, make_run: MakeRun) -> None:
    decision = decide(make_run("poor", accuracy=0.5), GateSettings())
    with pytest.raises(Conflict, match="did not refuse good"):
        keep_refusal(store, make_run("good"), decision, who="Ada", why="weekly", when=WHEN)
    with pytest.raises(Conflict):
        keep_refusal(store, make_run("good"), replace(decision, promoted=True), who="Ada", why="weekly", when=WHEN)
