"""All learners in one table and one plot."""

from collections.abc import Callable

import msgspec
import pytest

from retail_forecast.registry.record import RunRecord
from retail_forecast.report.data import ReportData
from retail_forecast.report.page import render_report
from retail_forecast.report.rivals import rival_plot, rival_table

MakeReport = Callable[..., ReportData]


@pytest.fixture
def runs(run_record: RunRecord) -> tuple[RunRecord, ...]:
    """Three learners, the best first."""
    better = msgspec.structs.replace(run_record, run_id="basket-embedding-1", model="embedding")
    return better, run_record, msgspec.structs.replace(run_record, run_id="basket-tree-1", model="tree")


def test_the_table_has_every_learner_and_simpler_answers(runs: tuple[RunRecord, ...]) -> None:
    table = rival_table(runs)
    assert [row[0] for row in table.rows] == ["embedding", "xgboost", "tree", "always MM", "nine columns"]
    assert {len(row) for row in table.rows} == {len(table.header)} == {len(table.kinds)}
    assert table.rows[1][2] == f"{runs[1].metrics['macro_f1']:.4f}"
    assert table.rows[1][6] == "10.2", "learning alone, not reading"


def test_the_plot_names_every_learner_with_its_figure(runs: tuple[RunRecord, ...]) -> None:
    drawing = rival_plot(runs)
    for run in runs:
        assert f">{run.model}<" in drawing
        assert f"{run.model} {run.metrics['macro_f1']:.4f}" in drawing


def test_the_report_compares_learners_where_there_are_several(
    make_report: MakeReport, runs: tuple[RunRecord, ...]
) -> None:
    assert 'id="rivals-title"' in render_report(make_report(rivals=runs))


@pytest.mark.parametrize("count", [0, 1])
def test_a_learner_without_rivals_is_said_to_be_alone(
    make_report: MakeReport, runs: tuple[RunRecord, ...], count: int
) -> None:
    page = render_report(make_report(rivals=runs[:count]))
    assert 'id="rivals-title"' not in page
    assert "No other learner has been measured on these baskets" in page
