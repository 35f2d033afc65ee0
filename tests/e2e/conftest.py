"""One small workspace, made through the command line, for the tests of the main job."""

import io
import json
import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from retail_forecast.cli.main import run

Cli = Callable[..., tuple[int, dict[str, Any]]]

SETTINGS = """\
windows: {test_weeks: 3, validation_weeks: 2, calibration_weeks: 2}
gate: {minimum_baskets: 200, draws: 200}
train: {threads: 1}
lake: {threads: 1}
"""


def call(workspace: Path, *words: str) -> tuple[int, dict[str, Any]]:
    """Exit code and JSON document of a verb."""
    shown = io.StringIO()
    with redirect_stdout(shown):
        code = run([*words, "--workspace", str(workspace), "--json"])
    return code, json.loads(shown.getvalue())


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A workspace with twelve simulated weeks in the lake and one trained model, and the document of its training."""
    workspace = tmp_path_factory.mktemp("trained")
    (workspace / "retail-forecast.yaml").write_text(SETTINGS)
    sizes = ["--weeks", "12", "--baskets-per-week", "500", "--products", "150", "--customers", "200", "--stores", "20"]
    assert call(workspace, "simulate", *sizes)[0] == 0
    assert call(workspace, "ingest", str(workspace / "simulated"))[0] == 0
    code, document = call(workspace, "train")
    assert code == 0
    return workspace, document


@pytest.fixture(scope="session")
def verb_in() -> Cli:
    """A verb in a workspace: `verb_in(workspace, "train", ...)` gives the exit code and the document."""
    return call


@pytest.fixture
def cli(trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> tuple[Cli, Path, dict[str, Any]]:
    """A verb on a copy of that workspace, the copy, and the document of the training."""
    workspace = tmp_path / "workspace"
    shutil.copytree(trained[0], workspace)
    return lambda *words: call(workspace, *words), workspace, trained[1]
