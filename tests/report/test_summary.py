"""The verdict follows the pointer and the gate, and targets are missed when they are missed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import msgspec
from obstore.store import MemoryStore

from retail_forecast.domain.settings import Floors, GateSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.registry.gate import Override, decide
from retail_forecast.registry.record import RunRecord, Span, Windows
from retail_forecast.registry.refusals import keep_refusal
from retail_forecast.report.data import ReportData
from retail_forecast.report.summary import figures_of, headline_table, headlines, refusal_table, verdict

MakeReport = Callable[..., ReportData]

HIGH = Floors(accuracy=1, macro_f1=1, precision=1)


def test_the_champion_is_called_champion_with_the_gates_findings(make_report: MakeReport) -> None:
    found = verdict(make_report())
    assert found.state == "champion"
    assert "promoted on 2026-11-22 16:05 UTC by dana (first model)" in found.sentence
    assert any("reaches its floor" in reason for reason in found.reasons)


def test_a_champion_brings_the_decision_that_was_kept_with_it(make_report: MakeReport) -> None:
    assert verdict(make_report(decision=None)).reasons == verdict(make_report()).reasons


def test_a_refused_run_is_called_refused_and_the_model_in_force_is_named(
    make_report: MakeReport, run_record: RunRecord
) -> None:
    in_force = make_report().champion
    assert in_force is not None
    champion = msgspec.structs.replace(in_force, run_id="the-other", bundle_digest="d" * 64)
    refusal = decide(run_record, GateSettings(basket=HIGH))
    found = verdict(make_report(champion=champion, decision=refusal))
    assert found.state == "refused"
    assert "In force is the-other" in found.sentence
    assert found.reasons
    assert all("is below" in reason for reason in found.reasons)


def test_a_run_that_passed_but_is_not_in_force_waits(make_report: MakeReport) -> None:
    found = verdict(make_report(champion=None))
    assert found.state == "waiting"
    assert "No model is in force" in found.sentence


def test_an_override_is_told(make_report: MakeReport, run_record: RunRecord) -> None:
    forced = decide(run_record, GateSettings(basket=HIGH), override=Override("kim", "holiday"))
    assert "overridden by kim: holiday" in verdict(make_report(decision=forced)).sentence


def test_a_target_is_reached_or_missed_by_the_figure(make_report: MakeReport) -> None:
    assert [h.reached for h in headlines(make_report(floors=Floors(accuracy=0, macro_f1=0, precision=0)))] == [True] * 3
    missed = headlines(make_report(floors=HIGH))
    assert [h.reached for h in missed] == [False] * 3
    assert all(h.target == "Target 1.0000: missed" for h in missed)


def test_the_last_headline_is_the_lowest_precision(make_report: MakeReport, run_record: RunRecord) -> None:
    precision = run_record.metrics["precision"]
    lowest = min(precision, key=lambda tier: float(precision[tier]))
    shown = headlines(make_report())[-1]
    assert lowest in shown.name
    assert shown.value == f"{precision[lowest]:.4f}"


def test_another_task_than_basket_has_no_targets(make_report: MakeReport, run_record: RunRecord) -> None:
    data = make_report(record=msgspec.structs.replace(run_record, task=Task.FLAT))
    assert {h.reached for h in headlines(data)} == {None}
    assert {row[-1] for row in headline_table(data).rows} == {"none"}


def test_simpler_answers_stand_beside_the_model(make_report: MakeReport, run_record: RunRecord) -> None:
    table = headline_table(make_report())
    assert table.header == ("figure", "this model", "95 % interval", "always MM", "nine columns", "target")
    figures = (run_record.metrics, *run_record.baselines.values())
    mine, always, flat = (f"{metrics['accuracy']:.4f}" for metrics in figures)
    assert (table.rows[0][1], table.rows[0][3], table.rows[0][4]) == (mine, always, flat)


def test_figures_are_said_to_be_of_the_window_they_are_of(run_record: RunRecord) -> None:
    assert "in the 2 test weeks 200703 to 200704" in figures_of(run_record)
    refit = msgspec.structs.replace(
        run_record, windows=Windows(Span.of([200649])), metrics_from="parent", parent="the-parent"
    )
    assert "of its parent the-parent" in figures_of(refit)
    held = replace(run_record.windows, test=None)
    assert "flatter" in figures_of(msgspec.structs.replace(run_record, windows=held, metrics_from="validation"))


def test_refusals_are_listed_the_newest_first(run_record: RunRecord) -> None:
    store, refusal = MemoryStore(), decide(run_record, GateSettings(basket=HIGH))
    kept = tuple(
        keep_refusal(store, run_record, refusal, who="kim", why=why, when=datetime(2026, 11, day, 8, 0, tzinfo=UTC))
        for day, why in ((21, "weekly"), (22, "again"))
    )
    rows = refusal_table(kept).rows
    assert [(row[0], row[3], row[4]) for row in rows] == [
        ("2026-11-22 08:00 UTC", "kim", "again"),
        ("2026-11-21 08:00 UTC", "kim", "weekly"),
    ]
    assert all(row[1] == run_record.run_id and "is below its floor" in row[2] for row in rows)
