"""`make test` ends when a test hangs or ends its worker, and says which."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

MAKEFILE = Path(__file__).parents[2] / "Makefile"

TESTS = {
    "hangs": "import threading\n\ndef test_it():\n    threading.Event().wait()\n",
    "ends its worker": "import os\n\ndef test_it():\n    os.abort()\n",
    "takes no time": "def test_it():\n    pass\n",
}


def ran(folder: Path, which: str) -> subprocess.CompletedProcess[str]:
    """What `make test` does with one of `TESTS`, except that two seconds are too long for it."""
    recipe = re.search(r"^test:.*\n((?:\t.*\n)+)", MAKEFILE.read_text("utf-8"), re.MULTILINE)
    assert recipe is not None
    program, *words, _ = shlex.split(recipe[1].replace("\\\n", ""))
    assert program.endswith("/pytest")
    options, patience = re.subn(r"(?<=faulthandler_timeout=)\d+", "2", shlex.join(words))
    assert patience == 1
    (folder / "test_one.py").write_text(TESTS[which], "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = slow\n", "utf-8")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *shlex.split(options)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize("which", ["hangs", "ends its worker"])
def test_the_run_ends_and_names_the_test(tmp_path: Path, which: str) -> None:
    done = ran(tmp_path, which)
    assert done.returncode == 1
    assert done.stdout.count("FAILED test_one.py::test_it") == 1
    assert 'test_one.py", line 4 in test_it' in done.stdout + done.stderr, "where it stood"


def test_any_other_test_passes(tmp_path: Path) -> None:
    done = ran(tmp_path, "takes no time")
    assert (done.returncode, "1 passed" in done.stdout) == (0, True), done.stdout
