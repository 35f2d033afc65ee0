"""The verb `ingest`: its documents and its exit codes."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retail_forecast.cli.main import run
from retail_forecast.domain.columns import HEADERS
from retail_forecast.lake.lease import lease

Row = dict[str, str]
MakeRows = Callable[..., list[Row]]
Write = Callable[..., Path]


def test_one_json_document(
    tmp_path: Path, make_rows: MakeRows, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "in" / "a.csv", make_rows())
    assert run(["ingest", str(file), "--workspace", str(tmp_path), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["files"], document["rows_silver"], document["baskets"], document["refused"]) == (1, 24, 6, [])
    assert (tmp_path / "lake" / "states").is_dir()


def test_a_refused_file_makes_it_3_and_the_others_go_on(
    tmp_path: Path, make_rows: MakeRows, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "in" / "a.csv", make_rows())
    write(tmp_path / "in" / "b.csv", make_rows(200609), names=HEADERS[0][:-1])
    assert run(["ingest", str(tmp_path / "in" / "*.csv"), "--workspace", str(tmp_path), "--json"]) == 3
    document = json.loads(capsys.readouterr().out)
    assert document["files"] == 1
    assert {"file", "code", "reason"} <= set(document["refused"][0])
    assert run(["ingest", str(tmp_path / "in"), "--workspace", str(tmp_path)]) == 3
    shown = capsys.readouterr()
    assert "MISSING_COLUMN" in shown.err
    assert "1 known already" in shown.out


def test_a_source_that_names_nothing_makes_it_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["ingest", str(tmp_path / "none*"), "--workspace", str(tmp_path), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["exit_code"] == 2


def test_another_writer_makes_it_5(tmp_path: Path, make_rows: MakeRows, write: Write) -> None:
    file = write(tmp_path / "a.csv", make_rows())
    with lease(tmp_path / "lake", lambda: datetime(2008, 7, 7, tzinfo=UTC)):
        assert run(["ingest", str(file), "--workspace", str(tmp_path)]) == 5


def test_people_are_told_what_happened(
    tmp_path: Path, make_rows: MakeRows, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = make_rows()
    rows[0] |= {"SPEND": "x"}
    run(["ingest", str(write(tmp_path / "a.csv", rows)), "--workspace", str(tmp_path)])
    run(["ingest", str(write(tmp_path / "b.csv", make_rows())), "--workspace", str(tmp_path)])
    told = capsys.readouterr().out
    assert "1 in quarantine" in told
    assert "1 lines with R_TYPE_SPEND" in told
    assert "replaced: 200607" in told
