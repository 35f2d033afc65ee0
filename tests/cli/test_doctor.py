"""`retail-forecast doctor`."""

import json
from pathlib import Path

import pytest

from retail_forecast.cli.main import run
from retail_forecast.pipeline import checkup
from retail_forecast.pipeline.checkup import Finding

SOUND = (Finding("python", "ok", "3.11.7"), Finding("settings", "ok", "all fit"))
FAULTY = (Finding("disk", "wrong", "0.1 GB free", "free 2 GB"), Finding("settings", "ok", "all fit"))


def finds(monkeypatch: pytest.MonkeyPatch, findings: tuple[Finding, ...]) -> None:
    monkeypatch.setattr(checkup, "check_machine", lambda _: findings)


def test_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    finds(monkeypatch, SOUND)
    assert run(["doctor", "--workspace", str(tmp_path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ok"] is True
    assert document["checks"][0] == {"name": "python", "state": "ok", "found": "3.11.7", "mend": ""}
    assert {"key": "workspace", "value": str(tmp_path), "origin": "flag"} in document["settings"]


def test_faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    finds(monkeypatch, FAULTY)
    assert run(["doctor", "--workspace", str(tmp_path), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_people_see_the_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finds(monkeypatch, FAULTY)
    assert run(["doctor", "--workspace", str(tmp_path)]) == 2
    out = capsys.readouterr().out
    assert "free 2 GB" in out
    assert "lake.memory_limit_mb" in out


def test_settings_that_do_not_fit_are_a_finding_not_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RETAIL_FORECAST_LAKE__THREADS", "many")
    assert run(["doctor", "--workspace", str(tmp_path), "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    assert [check["state"] for check in document["checks"] if check["name"] == "settings"] == ["wrong"]
    assert document["settings"] == []
    assert document["champions"] == {}, "where they lie is a setting"
