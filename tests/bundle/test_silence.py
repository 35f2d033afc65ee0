"""Nobody is told of the use of this software: the libraries that would do so are asked not to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

OPEN = "import sys, onnxruntime; onnxruntime.InferenceSession(sys.argv[1], providers=['CPUExecutionProvider'])"
SWITCHES = ("ORT_DISABLE_TELEMETRY", "MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "XDG_CACHE_HOME", "CI")


def _left_at_home(code: str, model: Path, home: Path) -> list[str]:
    """The files that a program leaves in an empty home folder."""
    environment = {name: value for name, value in os.environ.items() if name not in SWITCHES} | {"HOME": str(home)}
    subprocess.run([sys.executable, "-c", code, str(model)], env=environment, check=True)
    return [path.name for path in home.rglob("*") if path.is_file()]


def test_onnx_runtime_gives_this_machine_no_identity(tiny_bundle: tuple[Path, str], tmp_path: Path) -> None:
    assert (
        _left_at_home(
            f"import retail_forecast, {OPEN.removeprefix('import ')}", tiny_bundle[0] / "model.onnx", tmp_path
        )
        == []
    )


def test_which_it_would_by_itself(tiny_bundle: tuple[Path, str], tmp_path: Path) -> None:
    if "deviceid" not in _left_at_home(OPEN, tiny_bundle[0] / "model.onnx", tmp_path):
        pytest.fail("ONNX Runtime no longer reports: the switch in retail_forecast/__init__.py can go")


def test_mlflow_reports_nothing(tmp_path: Path) -> None:
    code = "import retail_forecast, mlflow.telemetry.utils as told; sys.exit(not told.is_telemetry_disabled())"
    assert _left_at_home(f"import sys; {code}", tmp_path, tmp_path) == []
