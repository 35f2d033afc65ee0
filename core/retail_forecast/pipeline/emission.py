"""What is watched of the newest week, sent to CloudWatch: how far its inputs have drifted, and how right answers were.

Names and dimensions are those of `aws/metrics.json`, on which alarms stand. What cannot be measured is left out:
without a champion there is nothing to have drifted from, without answers about baskets that came in none is right.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retail_forecast.clouds.aws.logs import put_lines
from retail_forecast.clouds.aws.outputs import account_of, outputs_of
from retail_forecast.domain.labels import LABELS
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.predictions import read_predictions
from retail_forecast.lake.profiles import PROFILED, Profile, read_profiles
from retail_forecast.lake.reading import Labelled, read_gold
from retail_forecast.monitoring.drift import stability_index
from retail_forecast.monitoring.emf import metric_line
from retail_forecast.pipeline.registry import registry_store
from retail_forecast.pipeline.workspace import lake_path, lake_state
from retail_forecast.registry.champion import current
from retail_forecast.registry.runs import load_run

__all__ = ["NAMESPACE", "emit", "newest_figures"]

NAMESPACE = "RetailForecast"
"""First part of the metrics' namespace; the environment's name is the second."""

_STREAM = "monitoring"
_LABEL = "BASKET_PRICE_SENSITIVITY"


def newest_figures(workspace: Path, task: Task) -> dict[str, float]:
    """DriftIndex and LiveAccuracy of the newest week for a task, as far as they can be measured.

    Raises
    ------
    DataError : the lake is empty
    """
    root, state = lake_path(workspace), lake_state(workspace)
    newest, figures = max(state.weeks), dict[str, float]()
    store = registry_store(workspace)
    champion = current(store, task)
    if champion is not None:
        learned = load_run(store, champion.run_id).windows.train.weeks
        profiles = read_profiles(root, state.number, state.weeks)
        reference = [profiles[week] for week in learned if week in profiles]
        if reference and newest in profiles:
            figures["DriftIndex"] = _drift(reference, profiles[newest])
    answers = read_predictions(root)
    mine = answers.filter(np.asarray(answers["task"]) == task)
    told = dict(zip(mine["basket_id"].to_pylist(), mine["label"].to_pylist(), strict=True))
    right = _right(told, read_gold(root, state, [newest]))
    if len(right):
        figures["LiveAccuracy"] = float(right.mean())
    return figures


def emit(workspace: Path, settings: Settings, task: Task, now: datetime) -> dict[str, float]:
    """Send the figures of a task to the log group of the environment's jobs; returns them.

    Raises
    ------
    UsageError : the outputs of the environment cannot be read
    PlaceError : AWS refused, or could not be reached
    """
    outputs, figures = outputs_of(workspace, settings.aws), newest_figures(workspace, task)
    if figures:
        namespace = f"{NAMESPACE}/{outputs.tags['Environment']}"
        line = metric_line(namespace, {"Task": task}, figures, now)
        put_lines(account_of(outputs), f"/{outputs.name}/jobs", _STREAM, [line], now)
    return figures


def _drift(reference: list[Profile], newest: Profile) -> float:
    """The greatest index of all columns but the label."""
    found = []
    for name in PROFILED:
        counts: Counter[str] = Counter()
        for profile in reference:
            counts.update(profile[name])
        if name != _LABEL:
            found.append(stability_index(counts, newest[name]))
    return max(found)


def _right(told: Mapping[str | None, str], gold: Labelled) -> NDArray[np.bool_]:
    """Whether the newest answer about each basket of `gold` that was asked about is its label."""
    ids = gold.baskets.basket_id
    asked = [
        (told[name], label) for name, label in zip(ids.to_list(), gold.label.tolist(), strict=True) if name in told
    ]
    return np.array([answer == LABELS[label] for answer, label in asked], np.bool_)
