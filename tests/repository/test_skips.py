"""CI does not take a skipped test for a passed one."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CONFTEST = Path(__file__).parents[1] / "conftest.py"

TESTS = {
    "test_unlisted.py": "def test_it():\n    pytest.skip('no such tool')\n",
    "test_module.py": "pytest.skip('no such tool', allow_module_level=True)\n",
    "test_listed.py": "@pytest.mark.real_data\ndef test_it():\n    raise AssertionError\n",
    "test_expected.py": "@pytest.mark.xfail\ndef test_it():\n    raise AssertionError\n",
    "test_passing.py": "def test_it():\n    pass\n",
}


def failing(folder: Path, variables: dict[str, str]) -> set[str]:
    """The files of `TESTS` that fail or cannot be collected under `variables`."""
    shutil.copy(CONFTEST, folder)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = real_data\n", "utf-8")
    for name, text in TESTS.items():
        (folder / name).write_text(f"import pytest\n\n{text}", "utf-8")
    outside = {k: v for k, v in os.environ.items() if not k.startswith("RETAIL_FORECAST_")}
    command = [sys.executable, "-m", "pytest", "-q", "--continue-on-collection-errors", "-p", "no:cacheprovider"]
    done = subprocess.run(command, env=outside | variables, cwd=folder, capture_output=True, text=True, check=False)
    assert "1 passed" in done.stdout
    return set(re.findall(r"^(?:FAILED|ERROR) (\w+\.py)", done.stdout, re.MULTILINE))


def test_in_ci_a_skip_that_is_not_listed_fails(tmp_path: Path) -> None:
    assert failing(tmp_path, {"RETAIL_FORECAST_CI": "1"}) == {"test_unlisted.py", "test_module.py"}


def test_elsewhere_a_skip_is_a_skip(tmp_path: Path) -> None:
    assert failing(tmp_path, {}) == set()
