"""The card says what the record says: every figure in it is one of the record's."""

import re
from collections.abc import Callable

import msgspec
import pytest

from retail_forecast.domain.tasks import Task
from retail_forecast.registry.card import card_sections, render_card
from retail_forecast.registry.machine import Machine
from retail_forecast.registry.record import RunRecord, Span, Windows

MakeRun = Callable[..., RunRecord]


def test_the_figures_are_those_of_the_record_with_interval_and_baselines_beside(make_run: MakeRun) -> None:
    figures = card_sections(make_run(), 3)["Figures"]
    assert "| figure | this model | interval | always_mm | flat |" in figures
    assert "| macro_f1 | 0.9400 | 0.9200 to 0.9600 (95%) | 0.2300 | 0.4400 |" in figures
    assert "| precision.LA | 0.9300 |  | 0.1800 | 0.5000 |" in figures


def test_other_figures_in_the_record_are_other_figures_on_the_card(make_run: MakeRun) -> None:
    one, other = (card_sections(make_run(accuracy=a), 1)["Figures"] for a in (0.9, 0.8))
    assert one != other
    assert "0.9000" not in other


def test_no_decimal_stands_on_the_card_that_the_record_does_not_hold(make_run: MakeRun) -> None:
    record = make_run()
    held = re.findall(r"-?\d+\.\d+(?:e-?\d+)?", msgspec.json.encode(record).decode())
    known = {f"{float(number):.4f}" for number in held} | {f"{float(number):.1f}" for number in held}
    known.add(f"{sum(record.seconds.values()):.1f}")
    text = render_card(record, 1).replace("2.4.6", "")
    assert set(re.findall(r"\d+\.\d+", text)) <= known


def test_data_windows_and_making_are_named(make_run: MakeRun) -> None:
    sections = card_sections(make_run(), 1)
    assert "Lake state: 4 (table versions: gold 3, silver 5)" in sections["Data"]
    assert "| train | 200701 | 200704 | 3 |" in sections["Data"]
    assert "| test | 200707 | 200708 | 2 |" in sections["Data"]
    assert "4,321" in sections["Data"]
    assert "Training cost 11.8 s\n" in sections["Making"]
    measured = make_run(machine=Machine("Xeon", "Linux x86_64", "3.11", 2), peak_memory_mib=1290)
    told = "Training cost 11.8 s on 2 threads of Xeon, and at most 1,290 MiB of memory"
    assert told in card_sections(measured, 1)["Making"]
    assert "USD" not in card_sections(measured, 1)["Making"]
    assert "Training cost 11.8 s; 0.0123 USD" in card_sections(make_run(cost_usd=0.01234), 1)["Making"]


def test_the_limits_say_what_decides_the_label_and_how_often_the_window_was_used(make_run: MakeRun) -> None:
    limits = card_sections(make_run(), 3)["Limits"]
    assert "label of a finished basket is decided by its products" in limits
    assert "this one included: 3." in limits


@pytest.mark.parametrize("task", list(Task))
def test_every_task_has_a_card(make_run: MakeRun, task: Task) -> None:
    assert f"Task: `{task}`" in render_card(make_run(task=task), 1)


def test_a_refit_says_that_its_figures_are_its_parents(make_run: MakeRun) -> None:
    refit = make_run("refit", metrics_from="parent", parent="the-parent", windows=Windows(Span.of([200701, 200708])))
    sections = card_sections(refit, 1)
    assert "a refit of the-parent" in sections["Figures"]
    assert "Parent: `the-parent`" in sections["Model"]
    assert "| test | none | none | 0 |" in sections["Data"]
    assert "this one included" not in sections["Limits"]


def test_tables_are_well_formed(make_run: MakeRun) -> None:
    for block in render_card(make_run(), 1).split("\n\n"):
        if block.startswith("|"):
            assert len({line.count("|") for line in block.strip().split("\n")}) == 1


def test_the_decision_rule_is_told(make_run: MakeRun) -> None:
    assert "Decision rule: the likeliest label\n" in card_sections(make_run(), 1)["Model"] + "\n"
    weighted = make_run(settings={"weights": [1.5, 1.0, 2.0, 1.0]})
    assert "weighted (LA 1.50, MM 1.00, UM 2.00, XX 1.00), for macro F1" in card_sections(weighted, 1)["Model"]


def test_the_pricing_error_is_told_and_of_a_finished_basket_called_an_upper_bound(make_run: MakeRun) -> None:
    pricing = {
        "pricing_error": 0.421,
        "pricing_baseline": {"rule": "store", "error": 0.457},
        "pricing_error_reduction": 0.078,
    }
    finished = make_run(metrics=make_run().metrics | pricing)
    arriving = msgspec.structs.replace(finished, task=Task.ARRIVAL)
    told = "Pricing error: 0.4210 tiers, 7.8% below the best rule without a model (store, 0.4570)."
    assert told in card_sections(arriving, 1)["Figures"]
    assert (
        f"{told} Prices are set before a basket is finished: an upper bound." in card_sections(finished, 1)["Figures"]
    )
    assert "upper bound" not in card_sections(arriving, 1)["Figures"]
    assert "Pricing error" not in card_sections(make_run(), 1)["Figures"]
