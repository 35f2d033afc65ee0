"""Profiles count the baskets of each week by value, and the newest of each week is found whatever wrote it."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from retail_forecast.lake.accounts import IngestReport
from retail_forecast.lake.profiles import PROFILED, profile, read_profiles
from retail_forecast.lake.refine import Refined

Row = dict[str, str]
MakeRows = Callable[..., list[Row]]
Write = Callable[..., Path]
Take = Callable[..., IngestReport]


def test_baskets_are_counted_by_value(make_rows: MakeRows, refined: Callable[..., Refined]) -> None:
    rows = make_rows(200610, baskets=7)
    heads = list({row["BASKET_ID"]: row for row in rows}.values())
    found = profile(refined(rows).gold)
    assert set(found) == {200610}
    assert tuple(found[200610]) == PROFILED
    for name in ("BASKET_PRICE_SENSITIVITY", "STORE_REGION", "seg_1", "SHOP_HOUR", "BASKET_TYPE"):
        assert found[200610][name] == Counter(head[name] for head in heads), name
    assert "" in found[200610]["seg_1"], "anonymous baskets"


def test_sizes_of_baskets_are_counted_in_classes(make_rows: MakeRows, refined: Callable[..., Refined]) -> None:
    rows = make_rows(baskets=1, lines=1) + make_rows(baskets=3, lines=4)[4:]
    rows = [row | {"SPEND": "39.99" if row["BASKET_ID"].endswith("1") else "0.50"} for row in rows]
    found = profile(refined(rows).gold)[200607]
    assert found["lines a basket"] == {"below 2": 1, "4 to below 8": 2}
    assert found["spend a basket [GBP]"] == {"below 2": 1, "2 to below 5": 1, "from 80": 1}


def test_the_newest_profile_of_each_week_is_read(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    take(tmp_path / "lake", write(tmp_path / "a.csv", make_rows(200610, baskets=6) + make_rows(200611, baskets=5)))
    take(tmp_path / "lake", write(tmp_path / "b.csv", make_rows(200610, baskets=4)))

    def baskets(state: int) -> dict[int, int]:
        found = read_profiles(tmp_path / "lake", state, [200610, 200611, 200612])
        return {week: sum(one["SHOP_HOUR"].values()) for week, one in found.items()}

    assert baskets(2) == {200610: 4, 200611: 5}
    assert baskets(1) == {200610: 6, 200611: 5}
    assert baskets(0) == {}
