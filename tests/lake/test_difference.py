"""A corrected file's difference: rows that came, went and changed are counted, and the first of them shown."""

from collections.abc import Callable
from pathlib import Path

import pytest

from retail_forecast.lake.accounts import IngestReport, read_report
from retail_forecast.lake.difference import Difference, RowChange, WeekChange

Row = dict[str, str]
MakeRows = Callable[..., list[Row]]
Write = Callable[..., Path]
Take = Callable[..., IngestReport]


@pytest.fixture
def corrected(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> Callable[..., Difference]:
    """Takes weeks 200610 and 200611 in, then other files for them, and tells the difference."""

    def correct(*files: list[Row]) -> Difference:
        weeks = make_rows(200610, baskets=8) + make_rows(200611, baskets=8)
        take(tmp_path / "lake", write(tmp_path / "first.csv", weeks))
        paths = [write(tmp_path / f"{i}.csv.gz", rows) for i, rows in enumerate(files)]
        return take(tmp_path / "lake", *paths).corrections

    return correct


def test_nothing_is_corrected_by_a_new_week(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    for week in (200610, 200611):
        report = take(tmp_path / "lake", write(tmp_path / f"{week}.csv", make_rows(week)))
        assert report.corrections == Difference()


def test_the_same_rows_in_another_file_are_no_change(corrected: Callable[..., Difference], make_rows: MakeRows) -> None:
    assert corrected(make_rows(200610, baskets=8)[::-1]) == Difference((WeekChange(200610, 0, 0, 0, 32),))


def test_rows_that_came_went_and_changed(corrected: Callable[..., Difference], make_rows: MakeRows) -> None:
    rows = make_rows(200610, baskets=9)
    removed, changed, added = rows[:4], rows[8], rows[32:]
    found = corrected([row | {"SPEND": "99.50"} if row == changed else row for row in rows[4:]])
    assert found.weeks == (WeekChange(200610, 4, 4, 1, 27),)
    assert [example.kind for example in found.examples] == ["added"] * 4 + ["removed"] * 4 + ["changed"]
    key = ("BASKET_ID", "PROD_CODE")
    assert {(e.basket_id, e.prod_code) for e in found.examples[:4]} == {tuple(row[k] for k in key) for row in added}
    assert {(e.basket_id, e.prod_code) for e in found.examples[4:8]} == {tuple(row[k] for k in key) for row in removed}
    assert found.examples[8] == RowChange(
        "changed", 200610, changed["BASKET_ID"], changed["PROD_CODE"], {"SPEND": (changed["SPEND"], "99.50")}
    )
    assert found.examples[0].columns["QUANTITY"] == (None, "1")
    assert set(found.examples[0].columns) == {"QUANTITY", "SPEND"}


def test_what_describes_a_basket_is_a_change_of_its_rows(
    corrected: Callable[..., Difference], make_rows: MakeRows
) -> None:
    rows = [
        row | {"SHOP_HOUR": "23", "seg_2": "FN"} if i < 4 else row for i, row in enumerate(make_rows(200610, baskets=8))
    ]
    found = corrected(rows)
    assert found.weeks == (WeekChange(200610, 0, 0, 4, 28),)
    assert found.examples[0].columns == {"SHOP_HOUR": ("8", "23"), "seg_2": ("AT", "FN")}


def test_rows_that_go_to_quarantine_are_gone_and_examples_are_few(
    corrected: Callable[..., Difference], make_rows: MakeRows
) -> None:
    rows = make_rows(200611, baskets=8)
    bad = [row | {"SHOP_WEEKDAY": "9"} if i < 6 else row for i, row in enumerate(rows)]
    found = corrected(make_rows(200610, baskets=8), bad)
    assert found.weeks == (WeekChange(200610, 0, 0, 0, 32), WeekChange(200611, 0, 6, 0, 26))
    assert [example.kind for example in found.examples] == ["removed"] * 5


def test_the_record_holds_the_difference(
    tmp_path: Path, corrected: Callable[..., Difference], make_rows: MakeRows
) -> None:
    corrected(make_rows(200610, baskets=7))
    kept = read_report(tmp_path / "lake", 2)
    assert kept is not None
    assert kept["corrections"]["weeks"] == [{"week": 200610, "added": 0, "removed": 4, "changed": 0, "kept": 28}]
    assert kept["corrections"]["examples"][0]["columns"]["QUANTITY"] == ["1", None]
