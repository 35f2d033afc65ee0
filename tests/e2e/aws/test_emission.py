"""Drift and live accuracy of the newest week reach the log group of the environment's jobs."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import msgspec
import numpy as np
import pytest

from retail_forecast.domain.labels import LABELS
from retail_forecast.domain.spooled import FINISHED, Entry, framed
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.reading import read_gold
from retail_forecast.pipeline.emission import newest_figures
from retail_forecast.pipeline.predictions import commit_predictions, upload_predictions
from retail_forecast.pipeline.workspace import lake_path, lake_state

pytestmark = pytest.mark.usefixtures("aws")


def _answered(workspace: Path, folder: Path) -> float:
    """Put answers about a hundred baskets of the newest week into the prediction log, one in four wrong; the share that
    is right."""
    state = lake_state(workspace)
    gold = read_gold(lake_path(workspace), state, [max(state.weeks)])
    names, labels = gold.baskets.basket_id.to_list()[:100], gold.label[:100].tolist()
    told = [LABELS[(label + 1) % 3] if number % 4 == 0 else LABELS[label] for number, label in enumerate(labels)]
    features, moment = np.zeros(2, np.float32).tobytes(), datetime(2008, 7, 7, tzinfo=UTC).timestamp()
    entries = [
        Entry(f"r{n}", 0, moment, "run", "basket", name, "0" * 64, features, (0.25, 0.25, 0.25, 0.25), answer, 0.0, 0)
        for n, (name, answer) in enumerate(zip(names, told, strict=True))
    ]
    folder.mkdir()
    (folder / f"{'a' * 16}-{1:08d}{FINISHED}").write_bytes(framed(msgspec.msgpack.encode(entries)))
    upload_predictions(workspace, folder)
    commit_predictions(workspace)
    return float(np.mean([LABELS[label] == answer for label, answer in zip(labels, told, strict=True)]))


def test_what_is_watched_is_sent(
    workspace: Path,
    filled: tuple[Path, dict[str, Any]],
    verb_in: Callable[..., tuple[int, dict[str, Any]]],
    tmp_path: Path,
) -> None:
    assert newest_figures(workspace, Task.BASKET) == {}, "neither a champion nor answers"
    assert verb_in(workspace, "promote", filled[1]["run_id"])[0] == 0
    right = _answered(workspace, tmp_path / "spool")
    code, refused = verb_in(workspace, "quality", "--emit")
    assert code == 5, "the group is Terraform's, and is not there yet"
    assert "logs:" in refused["error"]["where"]
    (outputs,) = workspace.glob("cloud/aws/*/outputs.json")
    group, environment = f"/{outputs.parent.name}/jobs", outputs.parent.name.rpartition("-")[2]
    logs = boto3.client("logs", region_name="ap-southeast-1")
    logs.create_log_group(logGroupName=group)
    for _ in range(2):
        code, sent = verb_in(workspace, "quality", "--emit")
        assert code == 0, sent
    figures = sent["emitted"]["basket"]
    assert figures["LiveAccuracy"] == right == 0.75
    assert 0 < figures["DriftIndex"] < 1
    events = logs.get_log_events(logGroupName=group, logStreamName="monitoring")["events"]
    assert len(events) == 2
    line = json.loads(events[0]["message"])
    assert line["_aws"]["CloudWatchMetrics"][0]["Namespace"] == f"RetailForecast/{environment}"
    assert (line["Task"], line["LiveAccuracy"]) == ("basket", 0.75)
