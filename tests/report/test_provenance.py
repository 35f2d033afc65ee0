"""The chain names what it is made of, and the method says what was learned where."""

from collections.abc import Callable

import msgspec

from retail_forecast.domain.tasks import Task
from retail_forecast.registry.record import RunRecord, Windows
from retail_forecast.report.data import ReportData
from retail_forecast.report.provenance import chain, deviations, limits, window_table, window_uses

MakeReport = Callable[..., ReportData]


def test_the_chain_leads_from_files_to_the_model_in_force(make_report: MakeReport, run_record: RunRecord) -> None:
    steps = chain(make_report())
    assert [step.title for step in steps] == ["Till files", "Lake", "Run", "Bundle", "In force"]
    assert steps[2].name == run_record.run_id
    assert steps[3].digest == steps[4].digest == run_record.bundle_digest
    assert steps[4].name == "version 1, this bundle"


def test_another_bundle_in_force_is_not_taken_for_this_one(make_report: MakeReport) -> None:
    in_force = make_report().champion
    assert in_force is not None
    champion = msgspec.structs.replace(in_force, bundle_digest="d" * 64)
    last = chain(make_report(champion=champion))[-1]
    assert last.name == "version 1, another bundle"
    assert last.digest == "d" * 64
    assert chain(make_report(champion=None))[-1].name == "no model"


def test_the_windows_are_told_in_time_order_with_those_that_are_missing(run_record: RunRecord) -> None:
    rows = window_table(run_record.windows).rows
    assert [row[:4] for row in rows] == [
        ("train", "200649", "200652", "3"),
        ("validation", "200701", "200701", "1"),
        ("calibration", "200702", "200702", "1"),
        ("test", "200703", "200704", "2"),
    ]
    assert rows[3][4].startswith("nothing")
    assert window_table(Windows(run_record.windows.train)).rows[3][4] == "the run did without"


def test_uses_of_the_test_window_are_counted(make_report: MakeReport) -> None:
    assert "used for figures 3 times" in window_uses(make_report())
    assert "used for figures once" in window_uses(make_report(window_uses=1))


def test_limits_are_those_of_the_card(run_record: RunRecord) -> None:
    words = limits(run_record, 3)
    assert any("label of a finished basket is decided by its products" in line for line in words)
    assert not [line for line in words if line.startswith(("-", "#", "|"))]


def test_the_nine_columns_are_a_deviation_of_the_task_basket_only(run_record: RunRecord) -> None:
    reached = f"{run_record.baselines['flat']['accuracy']:.4f}"
    assert reached in deviations(run_record)[0]
    flat = msgspec.structs.replace(run_record, task=Task.FLAT)
    assert not [line for line in deviations(flat) if "nine columns" in line]
