"""Ingest: sums that hold, files that are known, weeks that are replaced, and one result whatever the way the rows
came.
"""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from retail_forecast.domain.columns import COLUMNS
from retail_forecast.domain.errors import DataError
from retail_forecast.lake.accounts import IngestReport, read_report
from retail_forecast.lake.ledger import Ledger
from retail_forecast.lake.state import LakeStates
from retail_forecast.lake.tables import open_table

Row = dict[str, str]
MakeRows = Callable[..., list[Row]]
Write = Callable[..., Path]
Take = Callable[..., IngestReport]
Content = Callable[[Path], dict[str, list[str]]]
Tables = Callable[[Path], dict[str, pa.Table]]

WEEKS = (200652, 200701, 200703)


@pytest.fixture
def weekly(tmp_path: Path, make_rows: MakeRows, write: Write) -> list[Path]:
    """One file for each of `WEEKS`, the second with two bad rows and a broken line."""
    files = []
    for week in WEEKS:
        rows = make_rows(week, baskets=8)
        broken: tuple[str, ...] = ()
        if week == WEEKS[1]:
            rows[5] = rows[5] | {"SPEND": "free"}
            rows[9] = rows[9] | {"SHOP_WEEK": "199901"}
            broken = ("one,two",)
        files.append(write(tmp_path / "in" / f"transactions_{week}.csv.gz", rows, extra=broken))
    return files


def test_the_report_and_the_state_tell_the_same_sums(
    tmp_path: Path, weekly: list[Path], take: Take, tables: Tables
) -> None:
    report = take(tmp_path, *weekly)
    assert (report.files, report.rows_read, report.rows_silver, report.rows_quarantined) == (3, 97, 94, 3)
    assert (report.baskets, report.weeks, report.replaced) == (24, WEEKS, ())
    assert report.reasons == {"R_FIELDS": 1, "R_TYPE_SPEND": 1, "R_WEEK": 1}
    found = tables(tmp_path)
    rows = {name: len(table) for name, table in found.items()}
    assert rows == {"silver": 94, "gold": 24, "customers": 15, "quarantine": 3}
    state = LakeStates(tmp_path).latest()
    assert state is not None
    assert {week: (w.rows_silver, w.rows_quarantined, w.baskets) for week, w in state.weeks.items()} == {
        200652: (32, 0, 8),
        200701: (30, 3, 8),
        200703: (32, 0, 8),
    }
    assert report.versions == state.tables
    assert read_report(tmp_path, 1) == json.loads(json.dumps(report.to_dict()))


def test_the_document_for_scripts(tmp_path: Path, weekly: list[Path], take: Take) -> None:
    document = take(tmp_path, *weekly).to_dict()
    assert {"files", "rows_read", "rows_silver", "rows_quarantined", "baskets", "refused", "versions"} <= set(document)
    assert set(document["versions"]) == {"silver", "gold", "customers", "quarantine"}
    assert json.loads(json.dumps(document)) == document


def test_silver_holds_the_contract_and_the_source(
    tmp_path: Path, weekly: list[Path], take: Take, tables: Tables
) -> None:
    take(tmp_path, *weekly)
    silver = tables(tmp_path)["silver"]
    assert set(silver.column_names) == {*(c.name for c in COLUMNS), "SOURCE"}
    types = {field.name: str(field.type) for field in silver.schema}
    assert (types["SHOP_DATE"], types["SPEND"], types["QUANTITY"], types["BASKET_ID"]) == (
        "date32[day]",
        "decimal128(9, 2)",
        "int32",
        "string",
    )
    state = LakeStates(tmp_path).latest()
    assert state is not None
    assert set(silver["SOURCE"].to_pylist()) == {digest[:16] for digest in state.sources}
    assert open_table(tmp_path, "silver").metadata().partition_columns == ["STORE_REGION", "BASKET_TYPE"]


def test_gold_holds_baskets_with_sorted_lines(tmp_path: Path, weekly: list[Path], take: Take, tables: Tables) -> None:
    take(tmp_path, *weekly)
    found = tables(tmp_path)
    baskets = {row["basket_id"]: row for row in found["gold"].to_pylist()}
    lines: dict[str, list[dict[str, object]]] = {}
    for row in found["silver"].to_pylist():
        lines.setdefault(row["BASKET_ID"], []).append(row)
    assert set(baskets) == set(lines)
    for name, rows in lines.items():
        rows.sort(key=lambda row: str(row["PROD_CODE"]))
        basket = baskets[name]
        assert [(x["prod_code"], x["prod_code_40"], x["quantity"], x["spend_gbp"]) for x in basket["lines"]] == [
            (r["PROD_CODE"], r["PROD_CODE_40"], r["QUANTITY"], r["SPEND"]) for r in rows
        ]
        assert (basket["shop_week"], basket["label"], basket["store_code"], basket["customer"], basket["mission"]) == (
            rows[0]["SHOP_WEEK"],
            rows[0]["BASKET_PRICE_SENSITIVITY"],
            rows[0]["STORE_CODE"],
            rows[0]["CUST_CODE"],
            rows[0]["BASKET_DOMINANT_MISSION"],
        )
    assert sorted(name for name, basket in baskets.items() if not basket["complete"]) == [
        "994200701000001",
        "994200701000002",
    ]


def test_quarantine_shows_rows_as_they_came(tmp_path: Path, weekly: list[Path], take: Take, tables: Tables) -> None:
    take(tmp_path, *weekly)
    rows = sorted(tables(tmp_path)["quarantine"].to_pylist(), key=lambda row: int(row["row_number"]))
    assert [row["row_number"] for row in rows] == [7, 11, 34]
    assert [row["reasons"] for row in rows] == [["R_TYPE_SPEND"], ["R_WEEK"], ["R_FIELDS"]]
    assert [row["shop_week_text"] for row in rows] == ["200701", "199901", None]
    assert {row["shop_week"] for row in rows} == {200701}
    assert {row["file"] for row in rows} == {"transactions_200701.csv.gz"}
    assert rows[2]["text"] == "one,two"
    assert ",free,PRD" in rows[0]["text"]
    assert rows[0]["basket_id"] == "994200701000001"


def test_raw_keeps_the_bytes_and_a_manifest(tmp_path: Path, weekly: list[Path], take: Take) -> None:
    take(tmp_path / "lake", *weekly)
    kept = {path.name: path for path in tmp_path.glob("lake/raw/*/*.gz")}
    assert {name: path.read_bytes() for name, path in kept.items()} == {path.name: path.read_bytes() for path in weekly}
    manifest = json.loads((kept[weekly[1].name].parent / "manifest.json").read_text())
    assert manifest["sha256"] == kept[weekly[1].name].parent.name
    assert (manifest["rows"], manifest["weeks"], manifest["bytes"]) == (33, [200701], weekly[1].stat().st_size)


def test_nothing_is_left_lying_about(tmp_path: Path, weekly: list[Path], take: Take) -> None:
    take(tmp_path / "lake", *weekly)
    assert sorted(path.name for path in (tmp_path / "lake").iterdir()) == [
        ".writer",
        "gold",
        "profiles",
        "quarantine",
        "raw",
        "reports",
        "silver",
        "states",
    ]


def test_the_same_file_changes_nothing(tmp_path: Path, weekly: list[Path], take: Take, content: Content) -> None:
    first = take(tmp_path / "lake", *weekly)
    before = content(tmp_path / "lake")
    renamed = weekly[0].rename(tmp_path / "other name.txt")
    again = take(tmp_path / "lake", renamed, *weekly[1:])
    assert (again.files, again.rows_read, len(again.unchanged), again.state) == (0, 0, 3, first.state)
    assert again.versions == first.versions
    assert content(tmp_path / "lake") == before


def test_a_file_given_twice_under_two_names_counts_once(tmp_path: Path, weekly: list[Path], take: Take) -> None:
    copy = tmp_path / "copy.csv"
    copy.write_bytes(weekly[0].read_bytes())
    report = take(tmp_path / "lake", weekly[0], copy)
    assert (report.files, report.unchanged, report.rows_silver) == (1, (str(copy),), 32)


def test_another_file_replaces_its_week_in_all_tables(
    tmp_path: Path, weekly: list[Path], make_rows: MakeRows, write: Write, take: Take, content: Content
) -> None:
    take(tmp_path / "lake", *weekly)
    corrected = write(tmp_path / "corrected.csv", make_rows(200701, baskets=7))
    report = take(tmp_path / "lake", corrected)
    assert (report.replaced, report.rows_quarantined, report.state) == ((200701,), 0, 2)
    take(tmp_path / "fresh", weekly[0], corrected, weekly[2])
    assert content(tmp_path / "lake") == content(tmp_path / "fresh")
    state, fresh = LakeStates(tmp_path / "lake").latest(), LakeStates(tmp_path / "fresh").latest()
    assert state is not None
    assert fresh is not None
    assert state.weeks == fresh.weeks
    assert len(state.sources) == 4, "the superseded file stays known"


def test_a_superseded_file_does_not_come_back(
    tmp_path: Path, weekly: list[Path], make_rows: MakeRows, write: Write, take: Take, content: Content
) -> None:
    take(tmp_path / "lake", *weekly)
    take(tmp_path / "lake", write(tmp_path / "corrected.csv", make_rows(200701, baskets=7)))
    before = content(tmp_path / "lake")
    assert take(tmp_path / "lake", *weekly).files == 0
    assert content(tmp_path / "lake") == before


def test_an_older_state_is_still_readable(
    tmp_path: Path, weekly: list[Path], make_rows: MakeRows, write: Write, take: Take
) -> None:
    take(tmp_path / "lake", *weekly)
    take(tmp_path / "lake", write(tmp_path / "corrected.csv", make_rows(200701, baskets=7)))
    first = LakeStates(tmp_path / "lake").read(1)
    assert open_table(tmp_path / "lake", "gold", first.tables["gold"]).to_pyarrow_table().num_rows == 24


def test_new_files_of_one_week_are_one_week_together(
    tmp_path: Path, make_rows: MakeRows, write: Write, take: Take, content: Content
) -> None:
    rows = make_rows(200610, baskets=8)
    parts = [write(tmp_path / f"part{i}.csv", rows[i::3]) for i in range(3)]
    report = take(tmp_path / "parts", *parts)
    take(tmp_path / "whole", write(tmp_path / "whole.csv", rows))
    assert (report.rows_silver, report.baskets, report.rows_quarantined) == (32, 8, 0)
    assert content(tmp_path / "parts")["gold"] == content(tmp_path / "whole")["gold"]


def _without_source(rows: list[str]) -> list[str]:
    return sorted(row.split(", 'SOURCE'")[0] for row in rows)


@pytest.mark.parametrize("batch_mb", [128, 900])
def test_one_file_of_all_weeks_equals_weekly_files(
    batch_mb: int,
    tmp_path: Path,
    make_rows: MakeRows,
    write: Write,
    take: Take,
    content: Content,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("retail_forecast.lake.ingest._ROWS_A_MB", 0.3)
    weeks = [row for week in WEEKS for row in make_rows(week, baskets=9)]
    weeks[40] = weeks[40] | {"SHOP_HOUR": "99"}
    mixed = weeks[1::2] + weeks[::2]
    take(tmp_path / "one", write(tmp_path / "transactions.csv", mixed), memory_limit_mb=batch_mb)
    parts = [
        write(tmp_path / f"{week}.csv", [row for row in mixed if row["SHOP_WEEK"] == str(week)]) for week in WEEKS[::-1]
    ]
    take(tmp_path / "many", *parts, memory_limit_mb=900)
    one, many = content(tmp_path / "one"), content(tmp_path / "many")
    assert one["gold"] == many["gold"]
    assert _without_source(one["silver"]) == _without_source(many["silver"])
    assert len(one["quarantine"]) == len(many["quarantine"]) == 1


def test_weeks_may_come_in_any_order_and_one_at_a_time(
    tmp_path: Path, weekly: list[Path], take: Take, content: Content
) -> None:
    for file in reversed(weekly):
        take(tmp_path / "steps", file)
    take(tmp_path / "once", *weekly)
    assert content(tmp_path / "steps") == content(tmp_path / "once")


def test_a_basket_in_two_weeks_goes_to_quarantine(
    tmp_path: Path, make_rows: MakeRows, write: Write, take: Take
) -> None:
    first, second = make_rows(200610, baskets=3), make_rows(200611, baskets=3)
    second = [row | {"BASKET_ID": first[0]["BASKET_ID"]} if i < 4 else row for i, row in enumerate(second)]
    report = take(tmp_path / "lake", write(tmp_path / "a.csv", first), write(tmp_path / "b.csv", second))
    assert (report.rows_quarantined, report.reasons) == (8, {"R_SPAN": 8})


def test_a_basket_that_the_lake_has_in_another_week_goes_to_quarantine(
    tmp_path: Path, make_rows: MakeRows, write: Write, take: Take
) -> None:
    first, second = make_rows(200610, baskets=3), make_rows(200611, baskets=3)
    second = [row | {"BASKET_ID": first[0]["BASKET_ID"]} if i < 4 else row for i, row in enumerate(second)]
    take(tmp_path / "lake", write(tmp_path / "a.csv", first))
    report = take(tmp_path / "lake", write(tmp_path / "b.csv", second))
    assert (report.rows_quarantined, report.reasons) == (4, {"R_SPAN": 4})


def test_the_catalogue_of_the_lake_decides_over_later_files(
    tmp_path: Path, make_rows: MakeRows, write: Write, take: Take
) -> None:
    take(tmp_path / "lake", write(tmp_path / "a.csv", make_rows(200610)))
    moved = [row | {"STORE_REGION": "W01"} for row in make_rows(200611) if row["STORE_CODE"] == "STORE00001"]
    report = take(tmp_path / "lake", write(tmp_path / "b.csv", moved))
    assert report.reasons == {"R_STORE_REGION": len(moved)}
    replaced = [
        row | {"SHOP_HOUR": "9", "STORE_REGION": "W01"}
        for row in make_rows(200610)
        if row["STORE_CODE"] == "STORE00001"
    ]
    again = take(tmp_path / "lake", write(tmp_path / "c.csv", replaced), accept=["SHRUNK_WEEK"])
    assert again.reasons == {}, "a replaced week has no say"


def test_a_file_without_any_sound_week_is_kept_aside(
    tmp_path: Path, make_rows: MakeRows, write: Write, take: Take, tables: Tables
) -> None:
    rows = [row | {"SHOP_WEEK": "week 7"} for row in make_rows()]
    report = take(tmp_path / "lake", write(tmp_path / "a.csv", rows, extra=("broken",)), accept=["FAULTY_ROWS"])
    assert (report.rows_read, report.rows_silver, report.rows_quarantined, report.weeks) == (25, 0, 25, ())
    assert set(tables(tmp_path / "lake")["quarantine"]["shop_week"].to_pylist()) == {None}


def test_a_stray_row_of_another_week_does_not_replace_that_week(
    tmp_path: Path, make_rows: MakeRows, write: Write, take: Take
) -> None:
    take(tmp_path / "lake", write(tmp_path / "a.csv", make_rows(200610)))
    stray = make_rows(200611)
    stray[0] |= {"SHOP_WEEK": "200610"}
    report = take(tmp_path / "lake", write(tmp_path / "b.csv", stray))
    assert (report.weeks, report.replaced, report.reasons) == ((200611,), (), {"R_WEEK": 1})


def test_rows_that_get_lost_stop_everything() -> None:
    ledger = Ledger()
    ledger.silver[200607] = 9
    ledger.quarantined[0] = 1
    ledger.check(10)
    with pytest.raises(DataError, match="11 rows were read, but 10"):
        ledger.check(11)


def test_many_appends_are_compacted(
    tmp_path: Path, make_rows: MakeRows, write: Write, take: Take, monkeypatch: pytest.MonkeyPatch, content: Content
) -> None:
    monkeypatch.setattr("retail_forecast.lake.tables._FILES_A_PARTITION", 1)
    files = [write(tmp_path / f"{week}.csv", make_rows(week, baskets=12)) for week in WEEKS]
    for file in files:
        take(tmp_path / "lake", file)
    paths = [Path(uri).parent for uri in open_table(tmp_path / "lake", "gold").file_uris()]
    assert len(paths) == len(set(paths))
    take(tmp_path / "once", *files)
    assert content(tmp_path / "lake") == content(tmp_path / "once")
