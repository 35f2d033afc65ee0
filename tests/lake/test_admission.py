"""Rules of whole files: a file that breaks one stays where it was, unless it is accepted by the code."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from retail_forecast.cli.main import run
from retail_forecast.domain.errors import UsageError
from retail_forecast.lake.accounts import IngestReport, read_report

Row = dict[str, str]
MakeRows = Callable[..., list[Row]]
Write = Callable[..., Path]
Take = Callable[..., IngestReport]


def faulty(rows: list[Row], count: int) -> list[Row]:
    return [row | {"SPEND": "free"} if i < count else row for i, row in enumerate(rows)]


def codes(report: IngestReport) -> list[str]:
    return [refusal.code for refusal in report.refused]


def test_a_file_with_too_many_faulty_rows_is_refused(
    tmp_path: Path, make_rows: MakeRows, write: Write, take: Take
) -> None:
    file = write(tmp_path / "a.csv", faulty(make_rows(baskets=5), 5))
    report = take(tmp_path / "lake", file)
    assert (codes(report), report.files, report.state, file.exists()) == (["FAULTY_ROWS"], 0, None, True)
    assert report.refused[0].reason == "5 of its 20 rows are at fault by themselves"
    assert report.refused[0].mend.endswith("--accept FAULTY_ROWS")


def test_a_file_at_the_bound_of_faulty_rows_is_taken(
    tmp_path: Path, make_rows: MakeRows, write: Write, take: Take
) -> None:
    report = take(tmp_path / "lake", write(tmp_path / "a.csv", faulty(make_rows(baskets=5), 4)))
    assert (codes(report), report.rows_quarantined, report.accepted) == ([], 4, ())


def test_broken_lines_are_faulty_rows(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    file = write(tmp_path / "a.csv", make_rows(baskets=1), extra=("one,two",) * 2)
    assert codes(take(tmp_path / "lake", file)) == ["FAULTY_ROWS"]


def test_a_file_that_is_accepted_is_on_record(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    file = write(tmp_path / "a.csv", faulty(make_rows(baskets=5), 5))
    report = take(tmp_path / "lake", file, accept=["FAULTY_ROWS", "SHRUNK_WEEK"])
    assert (report.files, report.rows_quarantined) == (1, 5)
    assert [(a.file, a.code) for a in report.accepted] == [(str(file), "FAULTY_ROWS")]
    kept = read_report(tmp_path / "lake", 1)
    assert kept is not None
    assert kept["accepted"] == [
        {"file": str(file), "code": "FAULTY_ROWS", "reason": "5 of its 20 rows are at fault by themselves"}
    ]


def test_the_bounds_stand_in_the_settings(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    file = write(tmp_path / "a.csv", faulty(make_rows(baskets=5), 1))
    assert codes(take(tmp_path / "lake", file, quality={"faulty_share": 0.04})) == ["FAULTY_ROWS"]
    assert codes(take(tmp_path / "lake", file, quality={"faulty_share": 0.06})) == []


def test_a_part_of_a_week_does_not_replace_it(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    rows = make_rows(baskets=10)
    take(tmp_path / "lake", write(tmp_path / "a.csv", rows))
    report = take(tmp_path / "lake", write(tmp_path / "part.csv", rows[:19]))
    assert (codes(report), report.replaced, report.state) == (["SHRUNK_WEEK"], (), 1)
    assert report.refused[0].reason == "it would replace the 40 rows of week 200607 by 19"
    taken = take(tmp_path / "lake", tmp_path / "part.csv", accept=["SHRUNK_WEEK"])
    assert (taken.replaced, [a.code for a in taken.accepted]) == ((200607,), ["SHRUNK_WEEK"])


def test_parts_that_are_a_week_together_replace_it(
    tmp_path: Path, make_rows: MakeRows, write: Write, take: Take
) -> None:
    rows = make_rows(baskets=10)
    take(tmp_path / "lake", write(tmp_path / "a.csv", rows))
    parts = [write(tmp_path / "1.csv", rows[:12]), write(tmp_path / "2.csv", rows[12:20])]
    assert codes(take(tmp_path / "lake", *parts)) == []


def test_a_part_whose_other_part_is_refused_is_refused_with_it(
    tmp_path: Path, make_rows: MakeRows, write: Write, take: Take
) -> None:
    rows = make_rows(baskets=10)
    take(tmp_path / "lake", write(tmp_path / "a.csv", rows))
    sound, bad = write(tmp_path / "1.csv", rows[:12]), write(tmp_path / "2.csv", faulty(rows[12:], 20))
    other = write(tmp_path / "3.csv", make_rows(200608))
    report = take(tmp_path / "lake", sound, bad, other)
    assert {refusal.file: refusal.code for refusal in report.refused} == {
        str(bad): "FAULTY_ROWS",
        str(sound): "SHRUNK_WEEK",
    }
    assert (report.weeks, report.replaced) == ((200608,), ())


@pytest.mark.parametrize("code", ["TRUNCATED_GZIP", "R_WEEK", "faulty_rows"])
def test_what_cannot_be_accepted_is_told_before_anything_is_read(code: str, tmp_path: Path, take: Take) -> None:
    with pytest.raises(UsageError, match=f"{code} cannot be accepted"):
        take(tmp_path / "lake", tmp_path / "none.csv", accept=[code])
    assert not (tmp_path / "lake").exists()


def test_the_verb_takes_codes(
    tmp_path: Path, make_rows: MakeRows, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(write(tmp_path / "a.csv", faulty(make_rows(baskets=5), 5)))
    assert run(["ingest", file, "--workspace", str(tmp_path)]) == 3
    assert "--accept FAULTY_ROWS" in capsys.readouterr().err
    assert run(["ingest", file, "--workspace", str(tmp_path), "--accept", "FAULTY_ROWS", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accepted"][0]["code"] == "FAULTY_ROWS"
    assert run(["ingest", file, "--workspace", str(tmp_path), "--accept", "ALL", "--json"]) == 2
