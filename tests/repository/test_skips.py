"""CI does not take a skipped test for a passed one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"

UNLISTED = "import pytest\n\ndef test_it():\n    pytest.skip('no such tool')\n"
LISTED = "import pytest\n\n@pytest.mark.real_data\ndef test_it():\n    raise AssertionError\n"
MODULE = "import pytest\n\npytest.skip('no such tool', allow_module_level=True)\n"
EXPECTED_FAILURE = "import pytest\n\n@pytest.mark.xfail\ndef test_it():\n    raise AssertionError\n"


@pytest.mark.parametrize(
    ("source", "ci", "passes"),
    [
        (UNLISTED, True, False),
        (UNLISTED, False, True),
        (MODULE, True, False),
        (LISTED, True, True),
        (EXPECTED_FAILURE, True, True),
    ],
    ids=["unlisted-in-ci", "unlisted-elsewhere", "module-in-ci", "listed-in-ci", "expected-failure-in-ci"],
)
def test_skips_in_ci(source: str, ci: bool, passes: bool, tmp_path: Path) -> None:
    shutil.copy(CONFTEST, tmp_path)
    (tmp_path / "test_one.py").write_text(source, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = real_data\n", "utf-8")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("RETAIL_FORECAST_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", str(tmp_path)],
        env=environment | ({"RETAIL_FORECAST_CI": "1"} if ci else {}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode in {0, 5}) is passes, done.stdout
