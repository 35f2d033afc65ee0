"""Segments through the command line: one row a customer, from nothing later than the week asked for."""

import csv
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

Fixture = tuple[Callable[..., tuple[int, dict[str, Any]]], Path, dict[str, Any]]


@pytest.fixture
def champion(cli: Fixture) -> Fixture:
    """The workspace with a champion."""
    assert cli[0]("promote", cli[2]["run_id"])[0] == 0
    return cli


def weeks_of(workspace: Path) -> list[int]:
    return sorted(int(path.name[13:19]) for path in (workspace / "simulated").glob("*.csv.gz"))


def till_lines(workspace: Path, last_week: int) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for path in (workspace / "simulated").glob("*.csv.gz"):
        with gzip.open(path, "rt", newline="") as file:
            rows += [row for row in csv.DictReader(file) if int(row["SHOP_WEEK"]) <= last_week]
    return rows


def test_one_row_a_customer_with_what_was_known_by_then(champion: Fixture, tmp_path: Path) -> None:
    verb, workspace, document = champion
    week, output = weeks_of(workspace)[-4], tmp_path / "segments.parquet"
    code, shown = verb("segments", "--as-of-week", str(week), "--output", str(output))
    assert code == 0
    rows = pq.read_table(output).to_pylist()
    lines = [line for line in till_lines(workspace, week) if line["CUST_CODE"]]
    assert [row["customer"] for row in rows] == sorted({line["CUST_CODE"] for line in lines})
    one = rows[0]
    own = [line for line in lines if line["CUST_CODE"] == one["customer"]]
    assert one["spend_gbp"] == pytest.approx(sum(float(line["SPEND"]) for line in own))
    assert one["baskets"] == len({line["BASKET_ID"] for line in own})
    assert one["last_week"] == max(int(line["SHOP_WEEK"]) for line in own)
    assert one["model_version"] == document["run_id"]
    assert all(row["recency_weeks"] >= 0 and row["why"] and row["as_of_week"] == week for row in rows)
    assert shown["customers"] == len(rows) == sum(tier["customers"] for tier in shown["tiers"].values())


def test_later_weeks_change_nothing(champion: Fixture, tmp_path: Path) -> None:
    verb, workspace, _ = champion
    week = weeks_of(workspace)[-4]
    asked = ("segments", "--as-of-week", str(week), "--output")
    verb(*asked, str(tmp_path / "before.csv"))
    later = max((workspace / "simulated").glob("*.csv.gz"))
    with gzip.open(later, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    changed = tmp_path / later.name.removesuffix(".gz")
    with changed.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | {"SPEND": "99.00"} for row in rows)
    assert verb("ingest", str(changed))[0] == 0
    verb(*asked, str(tmp_path / "after.csv"))
    assert (tmp_path / "before.csv").read_bytes() == (tmp_path / "after.csv").read_bytes()
    newest = str(weeks_of(workspace)[-1])
    verb("segments", "--as-of-week", newest, "--output", str(tmp_path / "newest.csv"))
    spend = [pyarrow.csv.read_csv(tmp_path / f"{name}.csv")["spend_gbp"].to_pylist() for name in ("after", "newest")]
    assert sum(spend[1]) > sum(spend[0]) + 99


def test_the_report_shows_the_segments(champion: Fixture, tmp_path: Path) -> None:
    verb, workspace, _ = champion
    absent = Path(verb("report")[1]["report"]).read_text()
    assert "No segments of customers have been written" in absent
    _, shown = verb("segments", "--as-of-week", str(weeks_of(workspace)[2]), "--output", str(tmp_path / "s.csv"))
    page = Path(verb("report")[1]["report"]).read_text()
    assert f"{shown['customers']:,} customers known as of week" in page
    assert "later than those baskets" in page
    assert f"{shown['tiers']['MM']['spend_gbp']:,.2f}" in page


@pytest.mark.parametrize(("week", "name"), [("200552", "s.csv"), ("200901", "s.csv"), ("200610", "s.txt")])
def test_what_cannot_be_told_is_refused(champion: Fixture, tmp_path: Path, week: str, name: str) -> None:
    output = tmp_path / name
    code, refused = champion[0]("segments", "--as-of-week", week, "--output", str(output))
    assert (code, "error" in refused, output.exists()) == (2, True, False)
