"""The container's recipe, as far as it can be read without building it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
RECIPE = (ROOT / "server/DockerFile").read_text("utf-8")
RUNTIME = RECIPE.rpartition("\nFROM ")[2]


def test_all_that_is_installed_is_checked_by_hash() -> None:
    installs = re.findall(r"pip install [^&\n\\]*", RECIPE)
    assert len(installs) == 3
    assert [i for i in installs if "--no-deps" not in i] == []
    assert [i for i in installs if "--require-hashes" not in i] == ["pip install --no-deps dist/*.whl "]


def test_the_tools_that_make_the_wheel_are_in_the_lock() -> None:
    (names,) = re.findall(r"wanted = /\^\(([^)]+)\)==/", RECIPE)
    lock = (ROOT / "core/requirements.txt").read_text("utf-8")
    assert [name for name in names.split("|") if f"\n{name}==" not in lock] == []


def test_it_runs_as_nobody_in_particular_with_a_health_check() -> None:
    assert re.findall(r"^USER (.+)$", RUNTIME, re.MULTILINE) == ["10001"]
    assert "\nHEALTHCHECK " in RUNTIME
    assert "/healthz" in RUNTIME
    assert "pip install" not in RUNTIME
    assert 'ENTRYPOINT ["python", "-m", "retail_forecast_server"]' in RUNTIME
