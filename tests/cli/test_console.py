"""Progress and results: what people see and what machines read."""

import io
import json
import math
import sys

import pytest
import typer

from retail_forecast.cli.console import Bars, emit, progress
from retail_forecast.domain.progress import Silent


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_silent_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    shown = progress(json_output=False)
    assert isinstance(shown, Silent)
    with shown.track("Reading", 10, "rows") as done:
        done(10)
    assert capsys.readouterr() == ("", "")


def test_progress_is_silent_for_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert isinstance(progress(json_output=True), Silent)


def test_bars_show_title_count_and_unit_on_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    shown = progress(json_output=False)
    assert isinstance(shown, Bars)
    with shown.track("Reading", 10, "rows") as done:
        done(4)
        done(6)
    text = terminal.getvalue()
    assert "Reading" in text
    assert "10/10" in text
    assert "100%" in text
    assert capsys.readouterr().out == ""


def test_emit_prints_one_document_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"label": "MM", "name": "Königsberg"}, True, lambda: pytest.fail("people's text for a machine"))
    out, err = capsys.readouterr()
    assert json.loads(out) == {"label": "MM", "name": "Königsberg"}
    assert out.count("\n") == 1
    assert err == ""


def test_emit_shows_people_their_text(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"label": "MM"}, False, lambda: typer.echo("medium"))
    assert capsys.readouterr().out == "medium\n"


def test_emit_refuses_what_json_cannot_say() -> None:
    with pytest.raises(ValueError, match="JSON"):
        emit({"accuracy": math.nan}, True, lambda: None)
