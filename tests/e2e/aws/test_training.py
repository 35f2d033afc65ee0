"""`train --cloud aws` and `tune --cloud aws`: the same as on this machine, by jobs of SageMaker."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retail_forecast.bundle.manifest import model_digest, read_manifest
from retail_forecast.cli.main import run
from retail_forecast.pipeline.workspace import bundle_path

Call = Callable[..., tuple[int, dict[str, Any]]]
Filled = tuple[Path, dict[str, Any]]

pytestmark = pytest.mark.usefixtures("aws")


def digest(workspace: Path, document: dict[str, Any]) -> str:
    return model_digest(read_manifest(bundle_path(workspace, document["run_id"])))


def test_the_model_of_the_cloud_is_that_of_this_machine(filled: Filled, workspace: Path, verb_in: Call) -> None:
    code, document = verb_in(workspace, "train", "--cloud", "aws")
    assert code == 0, document
    assert digest(workspace, document) == digest(workspace, filled[1])
    assert document["metrics"] == filled[1]["metrics"]
    record = json.loads((workspace / "runs" / document["run_id"] / "run.json").read_text("utf-8"))
    assert record["order"]["cloud"] == "aws"
    code, promoted = verb_in(workspace, "promote", document["run_id"], "--why", "trained in the cloud")
    assert code == 0, promoted
    code, again = verb_in(workspace, "reproduce", document["run_id"])
    assert (code, again["verdict"]) == (0, "identical"), "made here again, without the cloud"


def test_arrivals_are_learned_there_from_what_was_known_here(workspace: Path, verb_in: Call) -> None:
    words = ["train", "--task", "arrival", "--model", "tree"]
    code, here = verb_in(workspace, *words)
    assert code == 0, here
    code, there = verb_in(workspace, *words, "--cloud", "aws")
    assert code == 0, there
    assert digest(workspace, there) == digest(workspace, here)
    for figures in ("metrics", "baselines"):
        assert there[figures] == here[figures]


@pytest.mark.slow
def test_settings_for_arrivals_are_found_there_as_here(workspace: Path, verb_in: Call) -> None:
    words = ["tune", "--task", "arrival", "--model", "tree", "--trials", "1"]
    code, here = verb_in(workspace, *words)
    assert code == 0, here
    code, there = verb_in(workspace, *words, "--cloud", "aws")
    assert code == 0, there
    assert there["best"]["value"] == pytest.approx(here["best"]["value"], abs=1e-6)
    assert there["best"]["settings"] == here["best"]["settings"]


@pytest.mark.slow
def test_hosts_of_the_cloud_reach_hosts_here_reach(workspace: Path, verb_in: Call) -> None:
    here = verb_in(workspace, "train", "--hosts", "2")[1]
    code, document = verb_in(workspace, "train", "--cloud", "aws", "--hosts", "2")
    assert code == 0, document
    for figure in ("accuracy", "macro_f1"):
        assert document["metrics"][figure] == pytest.approx(here["metrics"][figure], abs=0.001)


def test_tuning_in_the_cloud_leaves_what_train_takes(workspace: Path, verb_in: Call) -> None:
    words = ["--model", "tree", "--trials", "2", "--cloud", "aws"]
    code, tuned = verb_in(workspace, "tune", *words)
    assert code == 0, tuned
    assert tuned["trials"] == 2
    best = tuned["best"]
    assert set(best["settings"]) == {"max_leaf_nodes", "min_samples_leaf", "leaning_penalty", "folds"}
    assert isinstance(best["settings"]["folds"], int)
    assert verb_in(workspace, "tune", *words) == (0, tuned | {"best": best}), "a repeat finds the tuning"
    code, trained = verb_in(workspace, "train", "--model", "tree", "--tuned")
    assert code == 0, trained
    record = json.loads((workspace / "runs" / trained["run_id"] / "run.json").read_text("utf-8"))
    assert record["settings"]["tuned"] == {"study": tuned["study"], "macro_f1": best["value"]}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "--cloud", "moon"], "there is no cloud 'moon'"),
        (["train", "--cloud", "aws", "--environment", "prod"], "outputs of the environment cannot be read"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_sent(
    workspace: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*words, "--workspace", str(workspace)]) == 2
    assert told in capsys.readouterr().err
