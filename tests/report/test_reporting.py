"""The report tells the decision that counts, what was refused, and where the card lies."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs
from obstore.store import ObjectStore

from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.settings import Floors, GateSettings, load_settings
from retail_forecast.pipeline.reporting import make_report
from retail_forecast.registry.champion import current, promote
from retail_forecast.registry.gate import Override, decide
from retail_forecast.registry.record import RunRecord
from retail_forecast.registry.refusals import keep_refusal
from retail_forecast.registry.runs import save_beside, save_run
from retail_forecast.report.card import card_files

NOW = datetime(2026, 11, 22, 16, 5, tzinfo=UTC)
HIGH = GateSettings(basket=Floors(accuracy=1, macro_f1=1, precision=1))


@pytest.fixture
def store(tmp_path: Path, run_record: RunRecord) -> ObjectStore:
    place = open_store(tmp_path)
    save_run(place, run_record)
    return place


def _page(workspace: Path, record: RunRecord) -> str:
    path = make_report(workspace, load_settings(workspace), record, decision=None, served=None, now=NOW)
    return path.read_text(encoding="utf-8")


def _refused(store: ObjectStore, record: RunRecord, when: datetime = NOW) -> None:
    keep_refusal(store, record, decide(record, HIGH), who="kim", why="weekly", when=when)


def _promoted(store: ObjectStore, record: RunRecord, when: datetime = NOW) -> None:
    now = current(store, record.task)
    beside = None if now is None else structs.replace(record, run_id=now.run_id)
    decision = decide(record, GateSettings(), champion=beside, override=None if now is None else Override("kim", "x"))
    promote(store, record, decision, replaces=now, who="dana", why="weekly", when=when)


def test_without_a_decision_on_record_the_report_says_so(
    tmp_path: Path, store: ObjectStore, run_record: RunRecord
) -> None:
    assert store is not None
    page = _page(tmp_path, run_record)
    assert "No decision of the gate on this model is on record." in page
    assert "What the gate has refused" not in page


def test_a_refusal_on_record_is_the_verdict_and_is_listed(
    tmp_path: Path, store: ObjectStore, run_record: RunRecord
) -> None:
    _refused(store, run_record)
    page = _page(tmp_path, run_record)
    assert "Refused by the gate." in page
    assert "What the gate has refused" in page


def test_what_put_the_champion_in_force_counts_whatever_was_refused_later(
    tmp_path: Path, store: ObjectStore, run_record: RunRecord
) -> None:
    _promoted(store, run_record)
    _refused(store, run_record, NOW + timedelta(hours=1))
    page = _page(tmp_path, run_record)
    verdict = page[page.index('<div class="verdict') : page.index('<div class="headlines">')]
    assert "Champion." in verdict
    assert "is below its floor" not in verdict
    assert "is below its floor" in page


def test_a_champion_that_was_replaced_and_refused_since_is_called_refused(
    tmp_path: Path, store: ObjectStore, run_record: RunRecord
) -> None:
    _promoted(store, run_record)
    _promoted(store, structs.replace(run_record, run_id="the-next"), NOW + timedelta(hours=1))
    assert "not in force" in _page(tmp_path, run_record)
    _refused(store, run_record, NOW + timedelta(hours=2))
    assert "Refused by the gate. In force is the-next" in _page(tmp_path, run_record)


def test_the_link_leads_to_the_card(tmp_path: Path, store: ObjectStore, run_record: RunRecord) -> None:
    assert "Model card" not in _page(tmp_path, run_record)
    save_beside(store, run_record.run_id, card_files(run_record, 1))
    assert f'href="../runs/{run_record.run_id}/card.html"' in _page(tmp_path, run_record)
    assert (tmp_path / "reports" / ".." / "runs" / run_record.run_id / "card.html").is_file()
