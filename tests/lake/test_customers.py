"""Customers as of a week: sums of what gold holds up to it, whatever came later and in whatever order."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from retail_forecast.cli.main import run
from retail_forecast.domain.errors import UsageError
from retail_forecast.lake.accounts import IngestReport
from retail_forecast.lake.customers import KNOWN_CUSTOMERS, customers_of, read_customers
from retail_forecast.lake.refine import Refined
from retail_forecast.lake.state import LakeState, LakeStates
from retail_forecast.lake.tables import PATHS

Row = dict[str, str]
MakeRows = Callable[..., list[Row]]
Write = Callable[..., Path]
Take = Callable[..., IngestReport]
Tables = Callable[[Path], dict[str, pa.Table]]
WEEKS = (200650, 200652, 200701)


def state_of(root: Path) -> LakeState:
    state = LakeStates(root).latest()
    assert state is not None
    return state


def known(root: Path, week: int) -> dict[str, dict[str, Any]]:
    return {row["customer"]: row for row in read_customers(root, state_of(root), week).to_pylist()}


def expected(rows: list[Row], week: int) -> dict[str, dict[str, Any]]:
    """The same, counted row by row."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["CUST_CODE"] and int(row["SHOP_WEEK"]) <= week:
            one = found.setdefault(row["CUST_CODE"], {"spend": Decimal(0), "baskets": {}, "weeks": set()})
            one["spend"] += Decimal(row["SPEND"])
            one["baskets"][row["BASKET_ID"]] = row["BASKET_PRICE_SENSITIVITY"]
            one["weeks"].add(int(row["SHOP_WEEK"]))
    return found


@pytest.fixture
def rows(make_rows: MakeRows) -> list[Row]:
    return [row for i, week in enumerate(WEEKS) for row in make_rows(week, baskets=7 + i)]


@pytest.fixture
def lake(tmp_path: Path, rows: list[Row], write: Write, take: Take) -> Path:
    """Weeks that came in another order than theirs."""
    for week in (WEEKS[2], WEEKS[0], WEEKS[1]):
        part = [row for row in rows if row["SHOP_WEEK"] == str(week)]
        take(tmp_path / "lake", write(tmp_path / f"{week}.csv", part))
    return tmp_path / "lake"


@pytest.mark.parametrize("week", WEEKS)
def test_customers_are_what_their_baskets_up_to_the_week_say(lake: Path, rows: list[Row], week: int) -> None:
    found, wanted = known(lake, week), expected(rows, week)
    assert list(found) == sorted(wanted)
    for code, one in wanted.items():
        row = found[code]
        assert (row["baskets"], row["spend_gbp"]) == (len(one["baskets"]), one["spend"])
        assert (row["first_week"], row["last_week"]) == (min(one["weeks"]), max(one["weeks"]))
        for label in ("LA", "MM", "UM", "XX"):
            share = sum(held == label for held in one["baskets"].values()) / len(one["baskets"])
            assert row[f"share_{label}"] == share


def test_recency_is_counted_in_weeks_of_the_calendar(lake: Path) -> None:
    assert {row["recency_weeks"] for row in known(lake, 200650).values()} == {0}
    later = known(lake, 200701)
    assert {row["recency_weeks"] for row in later.values()} == {0}
    assert read_customers(lake, state_of(lake), 200701).schema == KNOWN_CUSTOMERS


def test_a_customer_who_stayed_away(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    take(tmp_path / "lake", write(tmp_path / "a.csv", make_rows(200650, baskets=4) + make_rows(200702, baskets=1)))
    found = known(tmp_path / "lake", 200702)
    assert {code[-1]: row["recency_weeks"] for code, row in found.items()} == {"0": 0, "2": 4, "3": 4}


def test_a_corrected_week_corrects_its_customers(
    lake: Path, tmp_path: Path, rows: list[Row], make_rows: MakeRows, write: Write, take: Take
) -> None:
    before = state_of(lake)
    corrected = make_rows(WEEKS[1], baskets=5)
    take(lake, write(tmp_path / "corrected.csv", corrected))
    now = [row for row in rows if row["SHOP_WEEK"] != str(WEEKS[1])] + corrected
    assert {code: row["baskets"] for code, row in known(lake, WEEKS[2]).items()} == {
        code: len(one["baskets"]) for code, one in expected(now, WEEKS[2]).items()
    }
    old = read_customers(lake, before, WEEKS[2])
    assert sum(old["baskets"].to_pylist()) == sum(len(one["baskets"]) for one in expected(rows, WEEKS[2]).values())


def test_a_week_that_is_not_there_cannot_be_asked_for(lake: Path) -> None:
    with pytest.raises(UsageError, match="200651 is not in the lake, which holds 200650 to 200701"):
        read_customers(lake, state_of(lake), 200651)


def test_anonymous_baskets_and_rows_in_quarantine_are_nobodys(
    make_rows: MakeRows, refined: Callable[..., Refined]
) -> None:
    rows = make_rows(baskets=3)
    rows[0] |= {"SPEND": "x"}
    found = customers_of(refined(rows).gold).to_pylist()
    assert [row["customer"][-1] for row in found] == ["0", "2"]
    assert found[0]["spend_gbp"] == sum(Decimal(row["SPEND"]) for row in rows[1:4])


def test_a_lake_without_the_table_is_read_from_gold_and_given_it_by_the_next_ingest(
    lake: Path, tmp_path: Path, rows: list[Row], make_rows: MakeRows, write: Write, take: Take, tables: Tables
) -> None:
    state = state_of(lake)
    older = msgspec.structs.replace(
        state, number=4, tables={name: v for name, v in state.tables.items() if name != "customers"}
    )
    LakeStates(lake).publish(older)
    assert read_customers(lake, older, WEEKS[2]) == read_customers(lake, state, WEEKS[2])
    take(lake, write(tmp_path / "corrected.csv", make_rows(WEEKS[0], baskets=6)))
    now = [row for row in rows if row["SHOP_WEEK"] != str(WEEKS[0])] + make_rows(WEEKS[0], baskets=6)
    assert {code: row["baskets"] for code, row in known(lake, WEEKS[2]).items()} == {
        code: len(one["baskets"]) for code, one in expected(now, WEEKS[2]).items()
    }
    assert set(tables(lake)) == set(PATHS)


def test_the_verb(lake: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["customers", "--workspace", str(tmp_path), "--json", "--as-of-week"]
    assert run([*command, "200652", "--output", str(tmp_path / "c.parquet")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["customers"] == pq.read_metadata(tmp_path / "c.parquet").num_rows == len(known(lake, 200652))
    assert run([*command, "200652", "--output", str(tmp_path / "c.xlsx")]) == 2
    assert run([*command, "200651", "--output", str(tmp_path / "c.csv")]) == 2
