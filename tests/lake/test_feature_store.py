"""The feature store out of a lake: what stands for whom since when, what was known by then, and what corrections do."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_forecast.cli.main import run
from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.sqlite_records import SqliteRecords
from retail_forecast.domain.records import FeatureGroup
from retail_forecast.domain.settings import FeatureSettings, Settings
from retail_forecast.features.groups import event_time
from retail_forecast.features.materialization import Materialized, materialize
from retail_forecast.features.offline import append, current, history, join_as_of, schema_of
from retail_forecast.lake.accounts import IngestReport
from retail_forecast.pipeline.features import features_as_of

Row = dict[str, str]
MakeRows = Callable[..., list[Row]]
Write = Callable[..., Path]
Take = Callable[..., IngestReport]
CUSTOMER, STORE, PRODUCT = FeatureGroup.CUSTOMER, FeatureGroup.STORE, FeatureGroup.PRODUCT
WEEKS = (200650, 200652, 200701)
ARRIVAL = datetime(2008, 7, 7, 6, tzinfo=UTC)
NOW = datetime(2008, 8, 1, tzinfo=UTC)
DAY = timedelta(1)
ANNA = "CUST0000000000"


def bring(root: Path, **changes: Any) -> Materialized:
    online = SqliteRecords(root.parent / "features" / "online.sqlite")
    return materialize(root, online, Settings(), clock=lambda: NOW, **changes)


def online_of(root: Path, group: FeatureGroup, *ids: str) -> dict[str, Any]:
    found = SqliteRecords(root.parent / "features" / "online.sqlite").get(group, ids, NOW)
    return {record_id: dict(record.values) for record_id, record in found.items()}


def known(root: Path, group: FeatureGroup, record_id: str, at: datetime) -> dict[str, Any] | None:
    found = features_as_of(root.parent, group, [record_id], at)
    return dict(found[0].values) if found else None


def expected(rows: list[Row], column: str, week: int) -> dict[str, dict[str, Any]]:
    """Counts up to `week` of whoever was seen in it, counted row by row."""
    seen = {row[column] for row in rows if int(row["SHOP_WEEK"]) == week and row[column]}
    found: dict[str, dict[str, Any]] = {}
    for code in seen:
        own = [row for row in rows if row[column] == code and int(row["SHOP_WEEK"]) <= week]
        labels = {row["BASKET_ID"]: row["BASKET_PRICE_SENSITIVITY"] for row in own}
        found[code] = {
            "first_week": min(int(row["SHOP_WEEK"]) for row in own),
            "baskets": len(labels),
            "spend_gbp": round(sum(round(float(row["SPEND"]) * 100) for row in own) / 100, 2),
            **{f"baskets_{tier}": list(labels.values()).count(tier) for tier in ("LA", "MM", "UM", "XX")},
        }
    return found


@pytest.fixture
def rows(make_rows: MakeRows) -> list[Row]:
    return [row for i, week in enumerate(WEEKS) for row in make_rows(week, baskets=7 + i)]


@pytest.fixture
def lake(tmp_path: Path, rows: list[Row], write: Write, take: Take) -> Path:
    take(tmp_path / "lake", write(tmp_path / "a.csv", rows))
    return tmp_path / "lake"


@pytest.mark.parametrize(("group", "column"), [(CUSTOMER, "CUST_CODE"), (STORE, "STORE_CODE")])
def test_what_stands_is_what_the_rows_up_to_the_week_say(
    lake: Path, rows: list[Row], group: FeatureGroup, column: str
) -> None:
    bring(lake)
    held = current(lake, group, 0).to_pylist()
    for week in WEEKS:
        wanted = expected(rows, column, week)
        found = {one["record_id"]: one for one in held if one["shop_week"] == week}
        assert set(found) == set(wanted)
        for code, one in wanted.items():
            assert {name: float(found[code][name]) for name in one} == {name: float(v) for name, v in one.items()}
            assert found[code]["event_time"] == event_time(week)
            assert found[code]["known_time"] == event_time(week) + DAY
            assert found[code]["write_time"] == NOW


def test_the_catalogue_stands_from_the_first_week_on(lake: Path, rows: list[Row]) -> None:
    bring(lake)
    held = current(lake, PRODUCT, 0).to_pylist()
    first = {row["PROD_CODE"]: row for row in reversed(rows)}
    assert {one["record_id"]: one["shop_week"] for one in held} == {
        code: int(row["SHOP_WEEK"]) for code, row in first.items()
    }
    for one in held:
        assert one["prod_code_20"] == first[one["record_id"]]["PROD_CODE_20"]


def test_online_holds_the_newest_record_of_every_id(lake: Path) -> None:
    done = bring(lake)
    held = current(lake, CUSTOMER, 0).to_pylist()
    newest = {one["record_id"]: one for one in sorted(held, key=lambda one: one["event_time"])}
    found = online_of(lake, CUSTOMER, *newest)
    assert done.online["customer"] == len(newest) == len(found)
    assert {code: one["baskets"] for code, one in found.items()} == {c: one["baskets"] for c, one in newest.items()}


def test_only_what_is_new_is_written(lake: Path, tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    first = bring(lake)
    assert (first.weeks, first.corrected) == (WEEKS, ())
    again = bring(lake)
    assert (again.weeks, set(again.offline.values()), set(again.online.values())) == ((), {0}, {0})
    take(lake, write(tmp_path / "b.csv", make_rows(200702, baskets=4)))
    later = bring(lake)
    assert (later.weeks, later.corrected, later.offline["product"]) == ((200702,), (), 0)
    assert later.offline["customer"] == later.online["customer"] == 3
    assert {one["shop_week"] for one in history(lake, CUSTOMER, [ANNA]).to_pylist()} == {*WEEKS, 200702}


def test_an_interrupted_one_ends_with_the_same_records(lake: Path) -> None:
    bring(lake)
    before = {group: history(lake, group, [ANNA, "STORE00001"]) for group in FeatureGroup}
    shutil.rmtree(lake / "features" / "marks")
    shutil.rmtree(lake / "features" / "store")
    (lake.parent / "features" / "online.sqlite").unlink()
    again = bring(lake)
    assert (again.offline["customer"], again.offline["product"]) == (0, 0)
    assert {group: history(lake, group, [ANNA, "STORE00001"]) for group in FeatureGroup} == before
    assert online_of(lake, CUSTOMER, ANNA)[ANNA]["shop_week"] == WEEKS[-1]


def test_a_new_online_store_is_filled(lake: Path) -> None:
    bring(lake)
    held = online_of(lake, STORE, "STORE00001")
    (lake.parent / "features" / "online.sqlite").unlink()
    assert bring(lake, refill=True).online["store"] == 3
    assert online_of(lake, STORE, "STORE00001") == held


@pytest.mark.parametrize("before", [True, False], ids=["materialised before", "materialised afterwards only"])
def test_a_correction_is_known_from_its_arrival_on(
    lake: Path, tmp_path: Path, rows: list[Row], make_rows: MakeRows, write: Write, take: Take, before: bool
) -> None:
    if before:
        bring(lake)
    corrected = [row for row in make_rows(WEEKS[1], baskets=8) if row["CUST_CODE"] != ANNA]
    take(lake, write(tmp_path / "b.csv", corrected))
    done = bring(lake)
    assert done.corrected == (WEEKS[1],)
    assert done.weeks == (WEEKS[1],) if before else WEEKS
    now = [row for row in rows if row["SHOP_WEEK"] != str(WEEKS[1])] + corrected
    for code in {row["CUST_CODE"] for row in rows if row["CUST_CODE"]}:
        for at, world in ((ARRIVAL - DAY, rows), (ARRIVAL, now)):
            stood = [one[code] for one in (expected(world, "CUST_CODE", week) for week in WEEKS) if code in one]
            told = known(lake, CUSTOMER, code, at)
            assert told is not None
            assert {name: told[name] for name in stood[-1]} == stood[-1]


def test_who_a_correction_takes_away_is_deleted_and_history_keeps_it(
    lake: Path, tmp_path: Path, make_rows: MakeRows, write: Write, take: Take
) -> None:
    only = "CUST0000000008"
    assert only not in {row["record_id"] for row in current(lake, CUSTOMER, 0).to_pylist()}
    bring(lake)
    assert online_of(lake, CUSTOMER, only)
    take(lake, write(tmp_path / "b.csv", make_rows(WEEKS[2], baskets=6)))
    bring(lake)
    assert online_of(lake, CUSTOMER, only) == {}
    assert [one["deleted"] for one in history(lake, CUSTOMER, [only]).to_pylist()] == [False, True]
    assert known(lake, CUSTOMER, only, ARRIVAL) is None
    assert known(lake, CUSTOMER, only, ARRIVAL - DAY) is not None


def test_nothing_is_known_before_the_files_come(lake: Path) -> None:
    bring(lake)
    there = event_time(WEEKS[0]) + DAY
    assert known(lake, CUSTOMER, ANNA, there - timedelta(microseconds=1)) is None
    told = known(lake, CUSTOMER, ANNA, there)
    assert told is not None
    assert told["shop_week"] == WEEKS[0]


def test_a_lake_in_a_cloud_has_the_same(
    cloud_place: Callable[[str], Address], lake: Path, tmp_path: Path, take: Take
) -> None:
    root = cloud_place("lake")
    take(root, tmp_path / "a.csv")
    online = SqliteRecords(tmp_path / "other.sqlite")
    done = materialize(root, online, Settings(), clock=lambda: NOW)
    assert done == bring(lake)
    assert materialize(root, online, Settings(), clock=lambda: NOW).weeks == ()
    by = [("record_id", "ascending"), ("event_time", "ascending")]
    for group in FeatureGroup:
        assert current(root, group, 0).sort_by(by) == current(lake, group, 0).sort_by(by)


def test_an_empty_lake_has_no_features(tmp_path: Path) -> None:
    done = bring(tmp_path / "lake")
    assert (done.state, done.weeks) == (None, ())
    assert known(tmp_path / "lake", CUSTOMER, ANNA, NOW) is None


def test_a_record_expires_online_as_the_settings_say(lake: Path) -> None:
    online = SqliteRecords(lake.parent / "features" / "online.sqlite")
    materialize(lake, online, Settings(features=FeatureSettings(ttl_days=5)), clock=lambda: NOW)
    end = event_time(WEEKS[-1]) + 5 * DAY
    assert online.get(CUSTOMER, [ANNA], end - DAY)
    assert not online.get(CUSTOMER, [ANNA], end)


records = st.lists(
    st.tuples(st.sampled_from(["P1", "P2"]), st.integers(0, 5), st.integers(0, 9), st.booleans()), max_size=12
)
questions = st.lists(st.tuples(st.sampled_from(["P1", "P2", "P3"]), st.integers(0, 10)), max_size=6)


@settings(max_examples=12)
@given(records, questions)
def test_the_join_gives_the_greatest_event_known_by_then(
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[tuple[str, int, int, bool]],
    asked: list[tuple[str, int]],
) -> None:
    root = tmp_path_factory.mktemp("records")
    rows: list[dict[str, Any]] = [
        {
            "record_id": code,
            "event_time": ARRIVAL + event * DAY,
            "known_time": ARRIVAL + (event + late) * DAY,
            "write_time": ARRIVAL + number * DAY,
            "deleted": deleted,
            "shop_week": event,
            "first_week": number,
        }
        for number, (code, event, late, deleted) in enumerate(drawn)
    ]
    append(root, PRODUCT, pa.Table.from_pylist(rows, schema_of(PRODUCT)), 1)
    times = pa.table(
        {
            "record_id": pa.array([c for c, _ in asked], pa.string()),
            "time": pa.array([ARRIVAL + d * DAY for _, d in asked], pa.timestamp("us", tz="UTC")),
        }
    )
    found = join_as_of(root, PRODUCT, times).to_pylist()
    assert len(found) == len(asked)
    for (code, day), one in zip(asked, found, strict=True):
        by_then = [row for row in rows if row["record_id"] == code and row["known_time"] <= ARRIVAL + day * DAY]
        wanted = max(by_then, key=lambda row: (row["event_time"], row["known_time"], row["write_time"]), default=None)
        assert one["found"] == (wanted is not None and not wanted["deleted"])
        if wanted is not None and one["found"]:
            assert one["first_week"] == wanted["first_week"]


def test_the_verbs(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(*words: str) -> Any:  # noqa: ANN401 - whatever it prints
        assert run(["features", *words, "--workspace", str(lake.parent), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert told("materialize")["weeks"] == list(WEEKS)
    (found,) = told("get", "customer", ANNA, "CUST9999999999")["records"]
    assert (found["record_id"], found["features"]["shop_week"], found["expires_at"]) == (ANNA, WEEKS[-1], None)
    (before,) = told("get", "customer", ANNA, "--as-of", "2007-02-20")["records"]
    assert before["features"]["shop_week"] == WEEKS[0]
    assert [r["features"]["shop_week"] for r in told("history", "customer", ANNA)["records"]] == list(WEEKS)
    for words in (["get", "store", "STORE00001"], ["history", "product", "PRD0900000"], ["materialize", "--refill"]):
        assert run(["features", *words, "--workspace", str(lake.parent)]) == 0
    shown = capsys.readouterr().out
    assert "STORE00001" in shown
    assert "PRD0900000" in shown
    assert "no record" not in shown
    assert run(["features", "get", "store", "STORE00001", "STORE99999", "--workspace", str(lake.parent)]) == 0
    shown = capsys.readouterr().out
    assert "STORE99999  no record" in shown
    assert "materialize" not in shown
    assert run(["features", "history", "store", "STORE99999", "--workspace", str(lake.parent)]) == 0
    assert "features materialize" in capsys.readouterr().out
    assert run(["features", "get", "shop", "X", "--workspace", str(lake.parent)]) == 2
