"""The champion pointer: promoted by the gate alone, rolled back step by step, never overwritten by who came second."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import structs
from obstore.store import ObjectStore

from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import Conflict, GateRefused, UsageError
from retail_forecast.domain.settings import GateSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.registry.champion import Champion, current, history, promote, rollback
from retail_forecast.registry.gate import Override, decide
from retail_forecast.registry.record import RunRecord

MakeRun = Callable[..., RunRecord]

WHEN = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return open_store(tmp_path)


FORCED = Override("Ada", "the rules of promotion are not those of the gate")


def _promoted(store: ObjectStore, run: RunRecord) -> Champion:
    """Beside a champion by override: what a comparison takes is the gate's affair."""
    now = current(store, run.task)
    beside = None if now is None else structs.replace(run, run_id=now.run_id)
    decision = decide(run, GateSettings(), champion=beside, override=None if now is None else FORCED)
    return promote(store, run, decision, replaces=now, who="Ada", why="weekly", when=WHEN)


def test_there_is_no_champion_to_begin_with(store: ObjectStore) -> None:
    assert current(store, Task.BASKET) is None
    assert history(store, Task.BASKET) == []


def test_the_promoted_run_is_current_and_on_record(store: ObjectStore, make_run: MakeRun) -> None:
    run = make_run()
    entry = _promoted(store, run)
    assert current(store, Task.BASKET) == entry
    assert (entry.version, entry.run_id, entry.bundle_digest) == (1, run.run_id, run.bundle_digest)
    assert (entry.who, entry.why, entry.when, entry.previous) == ("Ada", "weekly", WHEN, None)
    assert entry.decision["evidence"]["candidate"]["accuracy"] == 0.95


def test_tasks_have_champions_of_their_own(store: ObjectStore, make_run: MakeRun) -> None:
    _promoted(store, make_run())
    assert current(store, Task.FLAT) is None


def test_a_refused_run_does_not_become_champion(store: ObjectStore, make_run: MakeRun) -> None:
    with pytest.raises(GateRefused) as refusal:
        _promoted(store, make_run(accuracy=0.5))
    assert refusal.value.reasons == ("accuracy 0.5000 is below its floor of 0.7500",)
    assert current(store, Task.BASKET) is None


def test_an_override_stays_on_record(store: ObjectStore, make_run: MakeRun) -> None:
    run = make_run(accuracy=0.5)
    decision = decide(run, GateSettings(), override=Override("Ada", "nothing else is there"))
    promote(store, run, decision, replaces=None, who="Ada", why="weekly", when=WHEN)
    found = current(store, Task.BASKET)
    assert found is not None
    assert found.decision["override"] == {"who": "Ada", "reason": "nothing else is there"}
    assert found.decision["reasons"] == ["accuracy 0.5000 is below its floor of 0.7500"]


def test_who_comes_second_is_told_and_changes_nothing(store: ObjectStore, make_run: MakeRun) -> None:
    first, second = make_run("first"), make_run("second")
    seen = current(store, Task.BASKET)
    _promoted(store, first)
    with pytest.raises(Conflict):
        promote(store, second, decide(second, GateSettings()), replaces=seen, who="Ada", why="weekly", when=WHEN)
    assert [entry.run_id for entry in history(store, Task.BASKET)] == ["first"]


def test_floors_alone_do_not_replace_a_champion(store: ObjectStore, make_run: MakeRun) -> None:
    champion = _promoted(store, make_run("first"))
    second = make_run("second")
    with pytest.raises(Conflict, match="judged second beside None, not second beside first"):
        promote(store, second, decide(second, GateSettings()), replaces=champion, who="Ada", why="weekly", when=WHEN)


def test_a_decision_on_another_run_is_none_on_this_one(store: ObjectStore, make_run: MakeRun) -> None:
    decision = decide(make_run("good"), GateSettings())
    with pytest.raises(Conflict, match="judged good"):
        promote(store, make_run("poor", accuracy=0.1), decision, replaces=None, who="Ada", why="weekly", when=WHEN)
    assert current(store, Task.BASKET) is None


def test_rollback_leads_one_champion_further_back_each_time(store: ObjectStore, make_run: MakeRun) -> None:
    for name in ("a", "b", "c"):
        _promoted(store, make_run(name))
    back = [rollback(store, Task.BASKET, who="Bob", why="alarms", when=WHEN).run_id for _ in range(2)]
    assert back == ["b", "a"]
    with pytest.raises(UsageError, match="no earlier champion"):
        rollback(store, Task.BASKET, who="Bob", why="alarms", when=WHEN)
    entries = history(store, Task.BASKET)
    assert [(e.version, e.run_id, e.action, e.who) for e in entries[2:]] == [
        (3, "c", "promote", "Ada"),
        (4, "b", "rollback", "Bob"),
        (5, "a", "rollback", "Bob"),
    ]


def test_after_a_rollback_a_new_champion_falls_back_to_the_restored_one(store: ObjectStore, make_run: MakeRun) -> None:
    for name in ("a", "b"):
        _promoted(store, make_run(name))
    rollback(store, Task.BASKET, who="Bob", why="alarms", when=WHEN)
    _promoted(store, make_run("c"))
    assert rollback(store, Task.BASKET, who="Bob", why="alarms", when=WHEN).run_id == "a"


def test_there_is_nothing_to_roll_back_without_a_champion(store: ObjectStore) -> None:
    with pytest.raises(UsageError, match="no earlier champion"):
        rollback(store, Task.BASKET, who="Bob", why="alarms", when=WHEN)
