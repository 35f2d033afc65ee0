"""Report: gather what a workspace knows about a run, and write the page for people."""

import os
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from urllib.parse import quote

import msgspec
from obstore.store import ObjectStore

from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.accounts import read_report
from retail_forecast.lake.reading import label_counts
from retail_forecast.lake.state import LakeState, LakeStates
from retail_forecast.pipeline.asking import ask_about_newest_basket
from retail_forecast.pipeline.registry import registry_store
from retail_forecast.pipeline.resolve import resolve_bundle
from retail_forecast.pipeline.segments import read_segment_facts
from retail_forecast.pipeline.workspace import lake_path, report_path, run_path
from retail_forecast.registry.champion import Champion, current, history
from retail_forecast.registry.gate import Decision
from retail_forecast.registry.record import RunRecord
from retail_forecast.registry.refusals import Refusal, refusals
from retail_forecast.registry.runs import comparable_runs, list_runs, load_run, test_window_uses
from retail_forecast.report.card import CARD
from retail_forecast.report.data import LakeFacts, ReportData, ServedPrediction, WeekFacts
from retail_forecast.report.page import write_report

__all__ = ["make_report", "report_on"]


def make_report(
    workspace: Path,
    settings: Settings,
    record: RunRecord,
    *,
    decision: Decision | None,
    served: ServedPrediction | None,
    now: datetime,
    output: Path | None = None,
) -> Path:
    """Write the report on `record` and return where it is.

    Parameters
    ----------
    decision : what the gate said of the run; None takes what is on record, if anything is
    served : a prediction made over HTTP; None when none was
    output : by default `reports/report.html` in the workspace
    """
    path = output or report_path(workspace)
    store = registry_store(workspace)
    window, runs = record.windows.test, list_runs(store)
    data = ReportData(
        record=record,
        floors=settings.gate.basket,
        champion=current(store, record.task),
        decision=decision or _decided(store, record),
        lake=_lake_facts(workspace),
        served=served,
        window_uses=test_window_uses(runs, record.task, window) if window else 0,
        generated_at=now,
        segments=read_segment_facts(workspace),
        rivals=comparable_runs(runs, record),
        refusals=tuple(refusals(store, record.task)),
        card=_card_link(run_path(workspace, record.run_id) / CARD, path),
    )
    write_report(data, path)
    return path


def report_on(
    workspace: Path, settings: Settings, model: str, task: Task, *, now: datetime, output: Path | None = None
) -> tuple[Path, str]:
    """Write the report on a run by name, or on the champion; returns the file and the run.

    A prediction is served anew when the run is in force, for the page shows what answers today.

    Raises
    ------
    UsageError : no such run, or no champion
    """
    run_id = resolve_bundle(workspace, model, task).manifest.run_id
    store = registry_store(workspace)
    champion = current(store, task) if task is Task.BASKET else None
    served = ask_about_newest_basket(workspace) if champion is not None and champion.run_id == run_id else None
    record = load_run(store, run_id)
    return make_report(workspace, settings, record, decision=None, served=served, now=now, output=output), run_id


def _decided(store: ObjectStore, record: RunRecord) -> Decision | None:
    """The decision of the gate on the run that counts: the one that put it in force, or else the newest on record."""
    entries: list[Champion | Refusal] = [*history(store, record.task)]
    if not entries or entries[-1].run_id != record.run_id:
        entries = sorted([*entries, *refusals(store, record.task)], key=attrgetter("when"))
    mine = [entry.decision for entry in entries if entry.run_id == record.run_id]
    return msgspec.convert(mine[-1], Decision) if mine else None


def _card_link(card: Path, report: Path) -> str | None:
    """Where the card lies, seen from the report; None when the run has none."""
    return quote(Path(os.path.relpath(card, report.parent)).as_posix()) if card.is_file() else None


def _lake_facts(workspace: Path) -> LakeFacts | None:
    root = lake_path(workspace)
    state = LakeStates(root).latest()
    if state is None:
        return None
    labels = label_counts(root, state)
    reports = (read_report(root, number) for number in range(1, state.number + 1))
    return LakeFacts(
        tuple(report for report in reports if report is not None),
        {week: _week_facts(state, labels, week) for week in state.weeks},
    )


def _week_facts(state: LakeState, labels: Mapping[int, Counter[str]], week: int) -> WeekFacts:
    account = state.weeks[week]
    return WeekFacts(account.baskets, account.rows_silver, account.rows_quarantined, labels.get(week, Counter()))
