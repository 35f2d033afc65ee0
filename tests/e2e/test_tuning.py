"""Tuning through the command line, and that it looks at nothing later than the validation window."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retail_forecast.domain.settings import load_settings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.reading import read_gold
from retail_forecast.models.windows import split_weeks
from retail_forecast.pipeline.train import Order
from retail_forecast.pipeline.tune import validation_of
from retail_forecast.pipeline.workspace import lake_path, lake_state

Fixture = tuple[Callable[..., tuple[int, dict[str, Any]]], Path, dict[str, Any]]
CHOSEN = {"C": 0.5, "leaning_penalty": 0.1, "folds": 2}


def test_tune_goes_on_and_train_takes_what_it_found(cli: Fixture) -> None:
    verb, workspace, _ = cli
    order = ("--model", "logistic")
    assert verb("train", *order, "--tuned")[0] == 2
    code, first = verb("tune", *order, "--trials", "2")
    assert (code, first["trials"]) == (0, 2)
    _, second = verb("tune", *order, "--trials", "3")
    assert (second["study"], second["trials"]) == (first["study"], 3)
    assert second["best"]["value"] >= first["best"]["value"]
    assert (workspace / "runs" / "tuning.db").is_file()
    code, run = verb("train", *order, "--tuned")
    assert code == 0
    settings = run["settings"]
    assert settings["tuned"] == {"study": second["study"], "macro_f1": second["best"]["value"]}
    taken = {**settings["train"], **settings["learner"]}
    assert {name: taken[name] for name in second["best"]["settings"]} == second["best"]["settings"]


def test_settings_chosen_on_later_weeks_do_not_train(cli: Fixture) -> None:
    verb, _, document = cli
    newest = str(document["windows"]["test"][1])
    assert verb("tune", "--model", "logistic", "--trials", "1", "--train-to-week", newest)[0] == 0
    code, refused = verb("train", "--model", "logistic", "--tuned")
    assert code == 2
    assert "chosen on weeks" in refused["error"]["what"]


@pytest.mark.parametrize("window", ["test", "calibration", "validation"])
def test_only_labels_of_the_validation_window_choose(cli: Fixture, window: str) -> None:
    _, workspace, _ = cli
    settings, state = load_settings(workspace), lake_state(workspace)
    windows = split_weeks(sorted(state.weeks), settings.windows)
    gold = read_gold(lake_path(workspace), state)
    label = gold.label.copy()
    touched = np.flatnonzero(np.isin(gold.shop_week, getattr(windows, window).weeks))
    label[touched] = np.random.default_rng(1).permutation(label[touched])
    order = Order(Task.BASKET, "logistic")
    figures = [
        validation_of(one, windows, settings, order)(CHOSEN, lambda _step, _value: True)
        for one in (gold, replace(gold, label=label))
    ]
    assert (figures[0] == figures[1]) == (window != "validation")


def test_the_space_is_exported_for_the_clouds(cli: Fixture) -> None:
    verb, _, _ = cli
    _, ranges = verb("tune", "--export", "sagemaker")
    _, sweep = verb("tune", "--export", "azureml")
    named = {p["Name"] for kind in ranges["ParameterRanges"].values() for p in kind}
    assert named == set(sweep["search_space"]) >= {"max_depth", "leaning_penalty"}
