"""What has held without exception is told when it does not: customers' segments, and the products of XX baskets."""

from collections.abc import Callable
from pathlib import Path

from retail_forecast.lake.accounts import IngestReport
from retail_forecast.lake.misfits import unclassified_baskets
from retail_forecast.lake.refine import Refined

Row = dict[str, str]
MakeRows = Callable[..., list[Row]]
Write = Callable[..., Path]
Take = Callable[..., IngestReport]


def with_segment(rows: list[Row], **values: str) -> list[Row]:
    """The same rows with other segments for the customers of baskets 0 and 2."""
    return [row | values if row["BASKET_ID"][-1] in "02" else row for row in rows]


def moved(report: IngestReport) -> dict[int, int]:
    return dict(report.misfits.get("CUSTOMER_SEGMENT", {}))


def test_customers_who_keep_their_segments(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    for week in (200610, 200612):
        assert moved(take(tmp_path / "lake", write(tmp_path / f"{week}.csv", make_rows(week)))) == {}


def test_customers_who_change_theirs(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    take(tmp_path / "lake", write(tmp_path / "a.csv", make_rows(200610)))
    changed = with_segment(make_rows(200612), seg_1="DY")
    assert moved(take(tmp_path / "lake", write(tmp_path / "b.csv", changed))) == {200612: 2}
    after = with_segment(make_rows(200613), seg_1="DY")
    assert moved(take(tmp_path / "lake", write(tmp_path / "c.csv", after))) == {}, "told once"
    lost = with_segment(after, seg_2="")
    lost = [row | {"SHOP_HOUR": "9"} for row in lost]
    assert moved(take(tmp_path / "lake", write(tmp_path / "d.csv", lost))) == {200613: 1}, "of basket 2 it was empty"


def test_a_change_within_a_call_is_told(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    rows = make_rows(200610) + with_segment(make_rows(200611), seg_2="FN")
    assert moved(take(tmp_path / "lake", write(tmp_path / "a.csv", rows))) == {200611: 2}


def products(rows: list[Row], basket: str, like: str) -> list[Row]:
    """The same rows, the products of `basket` replaced by those of basket `like`."""
    names = [name for name in rows[0] if name.startswith("PROD_")]
    given = iter([{name: row[name] for name in names} for row in rows if row["BASKET_ID"].endswith(like)])
    return [row | next(given) if row["BASKET_ID"].endswith(basket) else row for row in rows]


def test_baskets_of_unclassified_products_alone(make_rows: MakeRows, refined: Callable[..., Refined]) -> None:
    rows = make_rows(200610, baskets=6)
    labels = {row["BASKET_ID"][-1]: row["BASKET_PRICE_SENSITIVITY"] for row in rows}
    assert (labels["3"], labels["1"]) == ("XX", "MM")
    assert unclassified_baskets(refined(rows).gold) == {}
    same = products(rows, "1", like="3")
    assert unclassified_baskets(refined(same).gold) == {200610: 1}
    assert unclassified_baskets(refined([row for row in same if row["BASKET_ID"][-1] != "3"]).gold) == {}
    lost = [row | {"SPEND": "x"} if row is same[5] else row for row in same]
    assert unclassified_baskets(refined(lost).gold) == {}, "the lost line may have classified it"
    one_other = [row | {"PROD_CODE": "PRD0999999"} if row is same[5] else row for row in same]
    assert unclassified_baskets(refined(one_other).gold) == {}


def test_only_the_week_itself_tells_what_is_unclassified(
    tmp_path: Path, make_rows: MakeRows, write: Write, take: Take
) -> None:
    rows = products(make_rows(200610), "1", like="3")
    other = [row for row in products(make_rows(200611), "1", like="3") if row["BASKET_ID"][-1] != "3"]
    report = take(tmp_path / "lake", write(tmp_path / "a.csv", rows + other))
    assert report.misfits == {"XX_PRODUCTS": {200610: 1}}
