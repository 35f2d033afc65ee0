"""The settings in force and where each comes from."""

from pathlib import Path

import pytest

from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import SETTINGS_FILE
from retail_forecast.pipeline.origins import settings_in_force


def origins(workspace: Path) -> dict[str, tuple[str, str]]:
    return {s.key: (s.value, s.origin) for s in settings_in_force(workspace)}


def test_defaults() -> None:
    found = origins(Path("workspace"))
    assert found["workspace"] == ("workspace", "default")
    assert {origin for _, origin in found.values()} == {"default"}


def test_a_workspace_that_was_named(tmp_path: Path) -> None:
    assert origins(tmp_path)["workspace"] == (str(tmp_path), "flag")


def test_the_file_of_the_workspace(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text("lake: {threads: 2}\n", "utf-8")
    found = origins(tmp_path)
    assert found["lake.threads"] == ("2", str(tmp_path / SETTINGS_FILE))
    assert found["lake.memory_limit_mb"][1] == "default"


def test_a_variable_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / SETTINGS_FILE).write_text("lake: {threads: 2}\n", "utf-8")
    monkeypatch.setenv("RETAIL_FORECAST_LAKE__THREADS", "3")
    assert origins(tmp_path)["lake.threads"] == ("3", "RETAIL_FORECAST_LAKE__THREADS")


def test_the_workspace_from_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_FORECAST_WORKSPACE", str(tmp_path))
    assert origins(tmp_path)["workspace"][1] == "RETAIL_FORECAST_WORKSPACE"


def test_a_setting_that_does_not_fit(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text("lake: {treads: 2}\n", "utf-8")
    with pytest.raises(UsageError, match=r"lake\.treads"):
        settings_in_force(tmp_path)
