"""Columns beside the contract's: carried when they come, missed when they go."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from retail_forecast.lake.accounts import IngestReport
from retail_forecast.lake.state import LakeStates
from retail_forecast.lake.tables import open_table, widen

Row = dict[str, str]
MakeRows = Callable[..., list[Row]]
Take = Callable[..., IngestReport]
Tables = Callable[[Path], dict[str, pa.Table]]
Content = Callable[[Path], dict[str, list[str]]]


@pytest.fixture
def till(tmp_path: Path, make_rows: MakeRows) -> Callable[..., Path]:
    """A till file of a week with columns beside the contract's: the row's number in each, every third row empty."""

    def make(week: int, *names: str, baskets: int = 6) -> Path:
        path = tmp_path / f"{week}{''.join(names)}{baskets}.csv"
        sound = make_rows(week, baskets=baskets)
        rows = [row | dict.fromkeys(names, str(i) if i % 3 else "") for i, row in enumerate(sound)]
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
        return path

    return make


def codes(report: IngestReport) -> list[str]:
    return [refusal.code for refusal in report.refused]


def columns(root: Path) -> dict[str, int]:
    state = LakeStates(root).latest()
    assert state is not None
    return dict(state.columns)


def test_a_new_column_is_carried_as_text(tmp_path: Path, till: Callable[..., Path], take: Take, tables: Tables) -> None:
    first = take(tmp_path / "lake", till(200610))
    report = take(tmp_path / "lake", till(200611, "Discount"))
    assert (first.new_columns, report.new_columns) == ((), ("DISCOUNT",))
    assert columns(tmp_path / "lake") == {"DISCOUNT": 200611}
    silver = tables(tmp_path / "lake")["silver"].sort_by([("BASKET_ID", "ascending"), ("PROD_CODE", "ascending")])
    values: dict[int, list[str | None]] = {week: [] for week in (200610, 200611)}
    for row in silver.to_pylist():
        values[row["SHOP_WEEK"]].append(row["DISCOUNT"])
    assert set(values[200610]) == {None}
    assert sorted((value for value in values[200611] if value), key=int) == [str(i) for i in range(24) if i % 3]
    assert values[200611].count(None) == 8
    again = take(tmp_path / "lake", till(200612, "DISCOUNT"))
    assert (codes(again), again.new_columns) == ([], ())


def test_files_with_and_without_it_in_one_call(
    tmp_path: Path, till: Callable[..., Path], take: Take, tables: Tables
) -> None:
    report = take(tmp_path / "lake", till(200610), till(200611, "DISCOUNT"), till(200612, "BONUS", "DISCOUNT"))
    assert (codes(report), report.new_columns) == ([], ("BONUS", "DISCOUNT"))
    silver = tables(tmp_path / "lake")["silver"].to_pylist()
    filled = {name: {row["SHOP_WEEK"] for row in silver if row[name]} for name in ("BONUS", "DISCOUNT")}
    assert filled == {"BONUS": {200612}, "DISCOUNT": {200611, 200612}}


def test_the_way_of_the_rows_does_not_matter(
    tmp_path: Path, till: Callable[..., Path], take: Take, content: Content
) -> None:
    files = [till(200610), till(200611, "DISCOUNT"), till(200612, "DISCOUNT")]
    take(tmp_path / "once", *files)
    for file in files:
        take(tmp_path / "steps", file)
    assert content(tmp_path / "once") == content(tmp_path / "steps")


def test_rows_in_quarantine_show_it_too(tmp_path: Path, till: Callable[..., Path], take: Take, tables: Tables) -> None:
    file = till(200610, "DISCOUNT")
    lines = file.read_text().splitlines()
    lines[5] += "%"
    lines[6] = lines[6].replace("STORE0", "SHOP0")
    file.write_text("\n".join(lines) + "\n")
    assert take(tmp_path / "lake", file).reasons == {"R_DOMAIN_STORE_CODE": 1}
    (row,) = tables(tmp_path / "lake")["quarantine"].to_pylist()
    assert (row["row_number"], row["text"]) == (7, lines[6])
    assert lines[5].split(",")[-1] in tables(tmp_path / "lake")["silver"]["DISCOUNT"].to_pylist(), "any text is carried"


def test_a_column_that_goes_is_missed(tmp_path: Path, till: Callable[..., Path], take: Take) -> None:
    take(tmp_path / "lake", till(200611, "DISCOUNT", "BONUS"))
    report = take(tmp_path / "lake", till(200612, "BONUS"))
    assert (codes(report), report.refused[0].reason) == (
        ["REMOVED_COLUMN"],
        "it lacks columns that earlier weeks have: DISCOUNT",
    )
    assert codes(take(tmp_path / "lake", till(200611, baskets=7))) == ["REMOVED_COLUMN"], "a correction must have it"
    assert codes(take(tmp_path / "lake", till(200610))) == [], "weeks before it did not have it"


def test_a_column_whose_going_is_accepted_is_missed_no_longer(
    tmp_path: Path, till: Callable[..., Path], take: Take, tables: Tables
) -> None:
    take(tmp_path / "lake", till(200611, "DISCOUNT"))
    accepted = take(tmp_path / "lake", till(200612), accept=["REMOVED_COLUMN"])
    assert ([a.code for a in accepted.accepted], columns(tmp_path / "lake")) == (["REMOVED_COLUMN"], {})
    assert codes(take(tmp_path / "lake", till(200613))) == []
    silver = tables(tmp_path / "lake")["silver"].to_pylist()
    assert {row["SHOP_WEEK"] for row in silver if row["DISCOUNT"]} == {200611}, "what was carried stays"


@pytest.mark.parametrize(
    "names", [["SOURCE"], ["spend"], ["SEG_1"], ["a", "A"], ["9th"], ["a b"], ["x" * 64], [f"c{i}" for i in range(21)]]
)
def test_names_that_no_table_can_carry_are_refused(
    names: Sequence[str], tmp_path: Path, till: Callable[..., Path], take: Take
) -> None:
    assert codes(take(tmp_path / "lake", till(200610, *names))) == ["UNKNOWN_HEADER"]


def test_a_column_of_an_unpublished_writer_is_taken_back(
    tmp_path: Path, till: Callable[..., Path], take: Take, content: Content
) -> None:
    take(tmp_path / "lake", till(200610))
    widen(open_table(tmp_path / "lake", "silver"), ["LEFTOVER"])
    for root in ("lake", "undisturbed"):
        take(tmp_path / root, till(200610), till(200611, "DISCOUNT"))
    assert content(tmp_path / "lake") == content(tmp_path / "undisturbed")
