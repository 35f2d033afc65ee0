"""`train --model all`: every learner on the same baskets, each as good as if it had been trained alone."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retail_forecast.bundle.manifest import model_digest, read_manifest
from retail_forecast.cli.main import run
from retail_forecast.cli.options import MODEL_HELP
from retail_forecast.domain.tasks import Task
from retail_forecast.models.learners import LEARNERS, learners_of

Fixture = tuple[Callable[..., tuple[int, dict[str, Any]]], Path, dict[str, Any]]


def _digest(workspace: Path, run_id: str) -> str:
    return model_digest(read_manifest(workspace / "registry" / "bundles" / run_id))


@pytest.mark.torch
def test_all_learners_are_trained_and_compared(cli: Fixture) -> None:
    call, workspace, alone = cli
    code, document = call("train", "--model", "all")
    assert code == 0
    assert document["left_out"] == {}
    runs = {each["model"]: each for each in document["runs"]}
    assert set(runs) == set(LEARNERS)
    always_mm = runs["tree"]["baselines"]["always_mm"]["accuracy"]
    assert min(each["metrics"]["accuracy"] for each in runs.values()) > always_mm + 0.05
    assert len({json.dumps([each["windows"], each["test_baskets"], each["baselines"]]) for each in runs.values()}) == 1
    assert _digest(workspace, runs["xgboost"]["run_id"]) == _digest(workspace, alone["run_id"])
    assert call("report", "--model", runs["tree"]["run_id"])[0] == 0
    page = (workspace / "reports" / "report.html").read_text()
    assert all(each["run_id"] in page for each in runs.values())
    assert "Macro F1 of all learners" in page


def test_a_learner_without_its_library_is_left_out_and_named(cli: Fixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    call, _, _ = cli
    code, document = call("train", "--model", "all", "--task", "coarse")
    assert code == 0
    assert [each["model"] for each in document["runs"]] == ["tree", "forest", "logistic", "xgboost"]
    assert "pip install torch==" in document["left_out"]["embedding"]
    assert call("train", "--model", "embedding")[0] == 2


def test_people_see_one_table(cli: Fixture, capfd: pytest.CaptureFixture[str]) -> None:
    _, workspace, _ = cli
    assert run(["train", "--task", "flat", "--model", "all", "--workspace", str(workspace)]) == 0
    told = capfd.readouterr().out.splitlines()
    assert told[1].split()[:3] == ["model", "accuracy", "macro"]
    assert {line.split()[0] for line in told[2:6]} == set(learners_of(Task.FLAT))
    assert told[6].startswith("always_mm")


def test_the_help_names_every_learner() -> None:
    assert all(name in MODEL_HELP for name in LEARNERS)
