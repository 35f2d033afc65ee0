"""Runs come back as they were saved, are never overwritten, and an unknown name is answered with the nearest ones."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest

from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import Conflict, UsageError
from retail_forecast.domain.tasks import Task
from retail_forecast.registry.record import RunRecord, Span, Windows
from retail_forecast.registry.runs import comparable_runs, list_runs, load_run, new_run_id, save_run
from retail_forecast.registry.runs import test_window_uses as window_uses  # not to be collected as a test

MakeRun = Callable[..., RunRecord]


def test_a_run_comes_back_as_it_was_saved(tmp_path: Path, make_run: MakeRun) -> None:
    store, record = open_store(tmp_path), make_run()
    save_run(store, record)
    assert load_run(store, record.run_id) == record
    text = msgspec.json.decode((tmp_path / "runs" / record.run_id / "run.json").read_bytes())
    assert text["windows"]["train"] == {"first": 200701, "last": 200704, "weeks": [200701, 200702, 200704]}
    assert text["created_at"] == "2026-11-22T15:27:00Z"


def test_a_record_is_never_overwritten(tmp_path: Path, make_run: MakeRun) -> None:
    store = open_store(tmp_path)
    save_run(store, make_run())
    with pytest.raises(Conflict, match="recorded already"):
        save_run(store, make_run(accuracy=0.99))
    assert load_run(store, make_run().run_id).metrics["accuracy"] == 0.95


def test_runs_are_listed_by_age_and_interrupted_ones_are_not(tmp_path: Path, make_run: MakeRun) -> None:
    store = open_store(tmp_path)
    assert list_runs(store) == []
    old = make_run("b-old", created_at=datetime(2026, 1, 1, tzinfo=UTC))
    new = make_run("a-new")
    flat = make_run("c-flat", task=Task.FLAT)
    for record in (new, flat, old):
        save_run(store, record)
    (tmp_path / "runs" / "d-interrupted").mkdir()
    (tmp_path / "runs" / "mlflow.db").touch()
    assert [r.run_id for r in list_runs(store)] == ["b-old", "a-new", "c-flat"]
    assert [r.run_id for r in list_runs(store, Task.FLAT)] == ["c-flat"]


def test_an_unknown_run_names_the_nearest(tmp_path: Path, make_run: MakeRun) -> None:
    store = open_store(tmp_path)
    with pytest.raises(UsageError) as nothing:
        load_run(store, "basket-xgboost")
    assert "train a model first" in nothing.value.mend
    save_run(store, make_run("basket-xgboost-20261122T152700-1a2b3c"))
    save_run(store, make_run("flat-logistic-20261122T152900-ffffff"))
    with pytest.raises(UsageError, match="no run is named") as near:
        load_run(store, "basket-xgbost-20261122T152700-1a2b3c")
    assert near.value.mend.startswith("did you mean basket-xgboost-20261122T152700-1a2b3c")


def test_a_name_cannot_lead_out_of_the_folder_of_runs(tmp_path: Path, make_run: MakeRun) -> None:
    store = open_store(tmp_path)
    save_run(store, make_run())
    (tmp_path / "run.json").write_bytes((tmp_path / "runs" / make_run().run_id / "run.json").read_bytes())
    with pytest.raises(UsageError):
        load_run(store, "..")


def test_a_run_is_named_by_its_utc_second() -> None:
    east = datetime(2026, 11, 22, 22, 27, tzinfo=timezone(timedelta(hours=7)))
    assert new_run_id(Task.FLAT, "xgboost", east, "1a2b3c4d") == "flat-xgboost-20261122T152700-1a2b3c"


def test_uses_of_a_test_window_are_the_test_figures_that_overlap_it(make_run: MakeRun) -> None:
    here, later = Span.of([200707, 200708]), Span.of([200708, 200709])
    runs = [
        make_run("one"),
        make_run("two"),
        make_run("other-task", task=Task.FLAT),
        make_run("refit", metrics_from="parent", parent="one", windows=Windows(here)),
        make_run("elsewhere", windows=Windows(Span.of([200701]), test=Span.of([200720]))),
        make_run("overlapping", windows=Windows(Span.of([200701]), test=later)),
    ]
    assert window_uses(runs, Task.BASKET, here) == 3
    assert window_uses(runs, Task.BASKET, Span.of([200709])) == 1


def test_weeks_that_anything_was_learned_from_include_those_of_calibration(make_run: MakeRun) -> None:
    assert make_run().windows.last_learned_week == 200706
    assert Windows(Span.of([200702, 200701])).last_learned_week == 200702


@pytest.mark.parametrize(
    "changes",
    [
        {"parent": "other"},
        {"metrics_from": "parent"},
        {"windows": Windows(Span.of([200701]))},
        {"metrics_from": "validation", "windows": Windows(Span.of([200701]), test=Span.of([200702]))},
    ],
)
def test_figures_without_the_window_they_name_are_no_record(make_run: MakeRun, changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="figures"):
        make_run(**changes)


def test_only_runs_on_the_same_baskets_are_compared(make_run: MakeRun) -> None:
    mine = make_run("mine", model="logistic")
    older, newer = (make_run(name, model="tree", macro_f1=f1) for name, f1 in (("older", 0.99), ("newer", 0.97)))
    other_weeks = make_run("weeks", model="forest", windows=Windows(mine.windows.train, test=mine.windows.test))
    other_task = make_run("task", model="forest", task=Task.FLAT)
    other_labels = make_run("labels", model="forest", label_source="price-tiers")
    runs = [older, mine, other_weeks, other_task, other_labels, newer]
    assert [run.run_id for run in comparable_runs(runs, mine)] == ["newer", "mine"]
    assert [run.run_id for run in comparable_runs([], mine)] == ["mine"]


def test_a_refit_is_compared_by_its_parents_figures(make_run: MakeRun) -> None:
    parent, rival = make_run("parent"), make_run("rival", model="tree", macro_f1=0.5)
    refit = make_run("refit", windows=Windows(parent.windows.train), metrics_from="parent", parent="parent")
    assert [run.run_id for run in comparable_runs([parent, refit, rival], refit)] == ["parent", "rival"]
