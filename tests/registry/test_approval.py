"""Whether a run may be deployed follows from the journals of record, whichever entry is the newest."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from obstore.store import ObjectStore

from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.settings import GateSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.registry.approval import Status, approval_of
from retail_forecast.registry.champion import current, promote, rollback
from retail_forecast.registry.gate import Override, decide
from retail_forecast.registry.record import RunRecord
from retail_forecast.registry.refusals import keep_refusal

MakeRun = Callable[..., RunRecord]


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return open_store(tmp_path)


def _at(hour: int) -> datetime:
    return datetime(2026, 11, 22, hour, tzinfo=UTC)


def _promote(store: ObjectStore, record: RunRecord, hour: int, before: RunRecord | None = None) -> None:
    override = Override("Ann", "for this test") if before else None
    decision = decide(record, GateSettings(), champion=before, comparison=None, override=override)
    replaces = current(store, Task.BASKET)
    promote(store, record, decision, replaces=replaces, who="Ann", why=f"hour {hour}", when=_at(hour))


def _refuse(store: ObjectStore, record: RunRecord, hour: int) -> None:
    strict = GateSettings.model_validate({"basket": {"accuracy": 0.9999}})
    decision = decide(record, strict, champion=None, comparison=None, override=None)
    keep_refusal(store, record, decision, who="Ben", why="a trial", when=_at(hour))


def test_a_run_is_pending_until_it_is_refused_and_approved_once_it_is_promoted(
    store: ObjectStore, make_run: MakeRun
) -> None:
    record = make_run()
    assert approval_of(store, record).status is Status.PENDING
    _refuse(store, record, 1)
    refused = approval_of(store, record)
    assert refused.status is Status.REJECTED
    assert refused.why.startswith("2026-11-22 01:00 UTC, the gate refused it to Ben: accuracy")
    _promote(store, record, 2)
    approved = approval_of(store, record)
    assert (approved.status, approved.why) == (Status.APPROVED, "2026-11-22 02:00 UTC, promoted by Ann: hour 2")
    assert approval_of(store, make_run("another")).status is Status.PENDING


def test_a_rollback_rejects_what_it_puts_out_of_force(store: ObjectStore, make_run: MakeRun) -> None:
    first, second = make_run("first"), make_run("second")
    _promote(store, first, 1)
    _promote(store, second, 2, first)
    assert approval_of(store, first).status is Status.APPROVED
    rollback(store, Task.BASKET, who="Eve", why="it answers nonsense", when=_at(3))
    gone = approval_of(store, second)
    assert gone.status is Status.REJECTED
    assert gone.why.endswith("rolled back by Eve: it answers nonsense")
    back = approval_of(store, first)
    assert back.status is Status.APPROVED
    assert back.why.endswith("put back in force by Eve: it answers nonsense")


def test_what_is_in_force_stays_approved_when_it_is_refused_as_its_own_challenger(
    store: ObjectStore, make_run: MakeRun
) -> None:
    record = make_run()
    _promote(store, record, 1)
    _refuse(store, record, 2)
    assert approval_of(store, record).status is Status.APPROVED
