"""What the report says beside the figures is what the record holds, and an absence is left out or said."""

from collections.abc import Callable

import msgspec

from retail_forecast.models.findings import Leakage, Slice, Trial, Twin
from retail_forecast.registry.record import RunRecord
from retail_forecast.report.data import ReportData
from retail_forecast.report.findings import curve_table, guarded, slice_table, trial_table, weakness
from retail_forecast.report.page import render_report


def test_the_weakest_slice_is_named_among_those_that_are_large_enough(run_record: RunRecord) -> None:
    assert weakness(run_record.slices).startswith("Weakest: region E01, with macro F1 0.8800 on 250 baskets")
    assert "No slice holds 200 baskets" in weakness((Slice("region", "E02", 40, 0.5, 0.4),))
    assert slice_table(run_record.slices).rows[1] == ("region: E02", "40", "0.5000", "0.4000")


def test_a_trial_that_failed_and_one_that_was_not_tried_are_told_apart() -> None:
    rows = trial_table((Trial("a", 300, 0.5, 0.95), Trial("b", 0, 1.0, 0.95))).rows
    assert rows == (("a", "300", "50.0%", "95%", "NO"), ("b", "0", "not tried", "95%", "yes"))


def test_a_leak_is_told() -> None:
    twin = Twin(0.8, 0.5, 1000, 200)
    assert "found nothing in 600 baskets" in guarded(Leakage((), 600, 300, twin))
    told = guarded(Leakage(("column mission is a copy of the label",), 600, 300, twin))
    assert "found: column mission is a copy of the label" in told
    assert "0.3000 of it is baskets recognised" in told


def test_the_page_shows_curve_slices_trials_guard_and_contributions(make_report: Callable[..., ReportData]) -> None:
    page = render_report(make_report())
    for words in ("Where is it weak?", "With fewer weeks", "How it behaves", "Does anything leak?", "mean |SHAP|"):
        assert words in page
    assert "speaks for LA [log-odds]" in page
    assert "+2.50" in page


def test_a_record_of_an_earlier_version_still_makes_a_page(
    make_report: Callable[..., ReportData], run_record: RunRecord
) -> None:
    raw = msgspec.json.decode(msgspec.json.encode(run_record))
    for name in ("slices", "attributions", "curve", "leakage", "behaviour"):
        del raw[name]
    older = msgspec.convert(raw, RunRecord)
    page = render_report(make_report(record=older))
    assert "Where is it weak?" not in page
    assert "With fewer weeks" not in page


def test_the_curve_as_a_table(run_record: RunRecord) -> None:
    assert curve_table(run_record.curve).rows[0] == ("4", "1,000", "0.9000", "0.8900")
