"""`train --hosts`: recorded like any other run, with nothing left of its job."""

import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from retail_forecast.cli.main import run

SETTINGS = """\
windows: {test_weeks: 3, validation_weeks: 2, calibration_weeks: 2}
train: {threads: 2}
lake: {threads: 1}
"""


def call(workspace: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON document of a verb."""
    shown = io.StringIO()
    with redirect_stdout(shown):
        code = run([*words, "--workspace", str(workspace), "--json"])
    return code, json.loads(shown.getvalue())


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("hosts")
    (home / "retail-forecast.yaml").write_text(SETTINGS)
    sizes = ["--weeks", "10", "--baskets-per-week", "400", "--products", "120", "--customers", "100", "--stores", "10"]
    assert call(home, "simulate", *sizes)[0] == 0
    assert call(home, "ingest", str(home / "simulated"))[0] == 0
    return home


@pytest.mark.slow
def test_a_run_on_two_hosts_is_recorded_like_any_other(workspace: Path) -> None:
    code, alone = call(workspace, "train")
    assert code == 0
    failed = set((workspace / "jobs").glob("*"))
    code, together = call(workspace, "train", "--hosts", "2")
    assert code == 0
    assert together["metrics"]["accuracy"] == pytest.approx(alone["metrics"]["accuracy"], abs=0.005)
    assert set((workspace / "jobs").iterdir()) == failed, "what a job leaves is thrown away once it has ended well"
    record = json.loads((workspace / "runs" / together["run_id"] / "run.json").read_text("utf-8"))
    assert record["settings"]["hosts"] == 2


def test_a_learner_for_one_host_says_so(workspace: Path) -> None:
    code, document = call(workspace, "train", "--model", "logistic", "--hosts", "2")
    assert code == 5
    assert "logistic learns on one host only" in document["error"]["what"]
