"""`aws/script/create_training_job.py`: looked at, started, and taken up."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "aws/script/create_training_job.py"

pytestmark = pytest.mark.usefixtures("aws")


def script(workspace: Path, *words: str) -> tuple[int, str, str]:
    """Exit code of the script, and what it printed and told."""
    command = [sys.executable, str(SCRIPT), *words, "--workspace", str(workspace)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_job_is_looked_at_started_and_taken_up(workspace: Path) -> None:
    code, shown, told = script(workspace, "--model", "logistic", "--seed", "11", "--dry-run")
    assert code == 0, told
    (request,) = json.loads(shown)["requests"]
    assert request["HyperParameters"]["model"] == "logistic"
    code, shown, told = script(workspace, "--model", "logistic", "--seed", "11")
    assert (code, shown.strip()) == (0, request["TrainingJobName"]), told
    code, shown, told = script(workspace, "--model", "logistic", "--seed", "11", "--wait")
    assert code == 0, told
    assert f"training job {request['TrainingJobName']} was started before" in told
    assert "Next: retail-forecast promote basket-logistic-" in shown
    assert script(workspace, "--stop", request["TrainingJobName"])[0] == 5, "it has ended, which cannot be stopped"


def test_a_tuning_is_looked_at(workspace: Path) -> None:
    code, shown, told = script(workspace, "--model", "tree", "--trials", "3", "--dry-run")
    assert code == 0, told
    usual, tuning = json.loads(shown)["requests"]
    assert usual["HyperParameters"]["max_leaf_nodes"] == "256"
    limits = tuning["HyperParameterTuningJobConfig"]["ResourceLimits"]
    assert limits == {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2}


def test_what_does_not_fit_is_told_in_a_line(workspace: Path) -> None:
    code, _, said = script(workspace, "--environment", "prod", "--dry-run")
    assert code == 2
    assert "outputs of the environment" in said
    assert "Traceback" not in said
