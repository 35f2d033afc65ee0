"""A bundle loads and answers where nothing but numpy, ONNX Runtime and msgspec is installed."""

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import importlib.abc, sys

ALLOWED = {"numpy", "onnxruntime", "msgspec", "retail_forecast", "flatbuffers", "google", "packaging"}

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root not in ALLOWED and root not in sys.stdlib_module_names:
            raise ModuleNotFoundError(f"{name} is not there", name=name)

sys.meta_path.insert(0, Blocked())
from pathlib import Path
from retail_forecast.bundle.scorer import load_bundle
from retail_forecast.domain.basket import Basket, Line

answer = load_bundle(Path(sys.argv[1]), sys.argv[2]).predict_rows([Basket((Line(1, 1.0, "PRD0000120"),))])
print(answer.label.tolist())
"""


def test_it_needs_no_library_that_trains(tiny_bundle: tuple[Path, str]) -> None:
    folder, digest = tiny_bundle
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), digest], capture_output=True, text=True, check=False
    )
    assert done.stdout == "[2]\n", done.stderr


def test_the_block_blocks() -> None:
    program = PROGRAM.partition("from pathlib")[0] + "import pydantic"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "pydantic is not there" in done.stderr
