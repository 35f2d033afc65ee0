"""The task `arrival` through the command line: history as it was known, a declared rule, and answers without lines."""

import csv
import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from retail_forecast.bundle.manifest import read_manifest
from retail_forecast.bundle.scorer import load_bundle
from retail_forecast.domain.calendar import week_ordinal
from retail_forecast.kernel.arrival import ARRIVAL_FEATURES, GROUPS, SEGMENT_FEATURES
from retail_forecast.pipeline.workspace import bundle_path
from retail_forecast_server.process import serving

Verb = Callable[..., tuple[int, dict[str, Any]]]
Fixture = tuple[Path, dict[str, Any]]


@pytest.fixture(scope="module")
def arrival(trained: Fixture, verb_in: Verb, tmp_path_factory: pytest.TempPathFactory) -> Fixture:
    """A workspace with a model of arrivals, and the document of its training."""
    workspace = tmp_path_factory.mktemp("arrival") / "workspace"
    shutil.copytree(trained[0], workspace)
    with (workspace / "retail-forecast.yaml").open("a") as settings:
        settings.write("machine_usd_hour: 0.5\n")
    code, document = verb_in(workspace, "train", "--task", "arrival", "--model", "logistic")
    assert code == 0
    return workspace, document


def newest(workspace: Path) -> Path:
    return sorted((workspace / "simulated").glob("*.csv.gz"))[-1]


def ask(url: str, *baskets: dict[str, Any]) -> list[dict[str, Any]]:
    body = msgspec.json.encode(baskets)
    with urlopen(Request(f"{url}/v1/predict", body, {"Content-Type": "application/json"})) as response:  # noqa: S310
        answers: list[dict[str, Any]] = json.load(response)
    return answers


def test_training_costs_its_hours_where_an_hour_has_a_price(arrival: Fixture, trained: Fixture) -> None:
    cost = sum(arrival[1]["seconds"].values()) / 3600 * 0.5
    assert arrival[1]["cost_usd"] == pytest.approx(cost)
    card = (arrival[0] / "runs" / arrival[1]["run_id"] / "card.md").read_text("utf-8")
    assert f"{cost:.4f} USD" in card
    assert trained[1]["cost_usd"] is None


def test_the_rule_is_declared_and_its_figures_stand_beside_the_likeliest(arrival: Fixture) -> None:
    workspace, document = arrival
    manifest = read_manifest(bundle_path(workspace, document["run_id"]))
    assert manifest.rule == "weighted"
    assert list(manifest.weights) == document["settings"]["weights"]
    assert manifest.features == ARRIVAL_FEATURES
    others = document["baselines"]
    assert set(others) == {"always_mm", "likeliest", "held_history", "with_segments"}
    assert min(document["metrics"]["macro_f1"], others["likeliest"]["macro_f1"]) > others["always_mm"]["macro_f1"] + 0.1
    assert document["leakage"]["leaks"] == []


def test_the_pricing_error_is_told_against_the_best_rule_without_a_model(arrival: Fixture, trained: Fixture) -> None:
    metrics, finished = arrival[1]["metrics"], trained[1]["metrics"]
    baseline = metrics["pricing_baseline"]["error"]
    assert metrics["pricing_error_reduction"] == pytest.approx(1 - metrics["pricing_error"] / baseline)
    assert metrics["pricing_error_reduction"] < finished["pricing_error_reduction"], "a finished basket tells more"


def test_evaluate_follows_history_on_from_the_bundle(arrival: Fixture, verb_in: Verb) -> None:
    workspace, document = arrival
    first, last = document["windows"]["test"]
    bounds = ("--from-week", str(first), "--to-week", str(last))
    code, evaluated = verb_in(workspace, "evaluate", "--model", document["run_id"], "--task", "arrival", *bounds)
    assert code == 0
    assert evaluated["metrics"] == document["metrics"]


def test_segments_are_looked_at_only_when_told_to(arrival: Fixture, verb_in: Verb) -> None:
    workspace, document = arrival
    words = ("train", "--task", "arrival", "--model", "logistic", "--with-segments")
    code, told = verb_in(workspace, *words)
    assert code == 0
    assert read_manifest(bundle_path(workspace, told["run_id"])).features == ARRIVAL_FEATURES + SEGMENT_FEATURES
    assert "with_segments" not in told["baselines"]
    for one, other in (
        (document, told["baselines"]["without_segments"]),
        (told, document["baselines"]["with_segments"]),
    ):
        assert other["macro_f1"] == pytest.approx(one["metrics"]["macro_f1"], abs=0.05), "but for the rule, the same"


def test_nothing_of_the_basket_itself_is_looked_at(arrival: Fixture, verb_in: Verb, tmp_path: Path) -> None:
    workspace, document = arrival
    with gzip.open(newest(workspace), "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = ("PROD_CODE", "PROD_CODE_10", "PROD_CODE_20", "PROD_CODE_30", "PROD_CODE_40", "QUANTITY", "SPEND")
    rotated = [
        row | {name: other[name] for name in lines} for row, other in zip(rows, rows[1:] + rows[:1], strict=True)
    ]
    answers = []
    for name, variant in (("as-is", rows), ("other-lines", rotated)):
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(variant)
        output = tmp_path / f"{name}.parquet"
        words = ("predict", str(tmp_path / f"{name}.csv"), "--output", str(output), "--model", document["run_id"])
        assert verb_in(workspace, *words, "--task", "arrival")[0] == 0
        answers.append(pq.read_table(output))
    assert answers[0].equals(answers[1])


def test_the_server_answers_a_customer_who_has_bought_nothing_yet(arrival: Fixture) -> None:
    bundle = load_bundle(bundle_path(arrival[0], arrival[1]["run_id"]))
    assert bundle.history is not None
    tables = dict(zip((group.name for group in GROUPS), bundle.history.tables, strict=True))
    customers = list(tables["customer"].rows)
    asked = [
        {"lines": [], "customer": customer, "shop_date": "2006-07-04", "shop_hour": 9, "store_code": "STORE00001"}
        for customer in (*customers[:20], "CUST9999999999")
    ]
    with serving(bundle=bundle_path(arrival[0], arrival[1]["run_id"])) as url:
        answers = ask(url, *asked)
    assert [answer["unknown_share"] for answer in answers] == [0.0] * 20 + [1.0]
    assert len({answer["probabilities"]["LA"] for answer in answers}) > 10, "customers differ"
    assert {answer["task"] for answer in answers} == {"arrival"}
    weights = np.array(bundle.manifest.weights)
    for answer in answers:
        probabilities = np.array(list(answer["probabilities"].values()))
        assert answer["label"] == list(answer["probabilities"])[int((probabilities * weights).argmax())]


def test_the_gate_accepts_an_equal_model_and_refuses_a_worse_one(
    arrival: Fixture, verb_in: Verb, tmp_path: Path
) -> None:
    workspace = tmp_path / "workspace"
    shutil.copytree(arrival[0], workspace)
    first = arrival[1]
    assert verb_in(workspace, "promote", first["run_id"])[0] == 0
    words = ("train", "--task", "arrival", "--model", "logistic")
    _, equal = verb_in(workspace, *words)
    assert verb_in(workspace, "promote", equal["run_id"])[0] == 0
    spans = first["windows"]
    bounds = ("--train-from-week", str(spans["validation"][0]), "--train-to-week", str(spans["calibration"][1]))
    _, worse = verb_in(workspace, *words, *bounds)
    code, refused = verb_in(workspace, "promote", worse["run_id"])
    assert (code, refused["version"]) == (4, equal["run_id"])
    assert any("differs by -" in reason for reason in refused["reasons"])


@pytest.mark.slow
def test_several_hosts_reach_what_one_reaches(arrival: Fixture, verb_in: Verb) -> None:
    alone = verb_in(arrival[0], "train", "--task", "arrival")[1]
    code, together = verb_in(arrival[0], "train", "--task", "arrival", "--hosts", "2")
    assert code == 0, together
    assert together["metrics"]["macro_f1"] == pytest.approx(alone["metrics"]["macro_f1"], abs=0.05)


def test_tuning_finds_settings_of_the_learner_alone(arrival: Fixture, verb_in: Verb) -> None:
    words = ("tune", "--task", "arrival", "--model", "logistic", "--trials", "2")
    code, told = verb_in(arrival[0], *words)
    assert code == 0
    assert set(told["best"]["settings"]) == {"C"}
    assert told["best"]["value"] > arrival[1]["baselines"]["always_mm"]["macro_f1"]


def test_a_shipped_model_knows_every_week(arrival: Fixture, verb_in: Verb) -> None:
    workspace, document = arrival
    code, shipped = verb_in(workspace, "train", "--task", "arrival", "--model", "logistic", "--ship")
    assert (code, shipped["metrics_from"]) == (0, "parent")
    assert shipped["settings"]["weights"] == document["settings"]["weights"]
    of_all, before = (load_bundle(bundle_path(workspace, run)) for run in (shipped["run_id"], document["run_id"]))
    assert of_all.history is not None
    assert before.history is not None
    last_test_week, last_learned_week = document["windows"]["test"][1], before.manifest.last_learned_week
    passed = week_ordinal(last_test_week) - week_ordinal(last_learned_week)
    assert of_all.history.week - before.history.week == passed == 3
