"""Every rule that holds without exception in the real data, on whatever retailer is simulated."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_forecast.domain.basket import basket_size
from retail_forecast.domain.calendar import shop_week, shop_weekday, week_ordinal
from retail_forecast.domain.columns import COLUMNS, Column, Level
from retail_forecast.simulation.spec import TillSpec

Simulated = Callable[[TillSpec, Path], pd.DataFrame]
Rule = Callable[[pd.DataFrame], bool]

LABEL, TYPE, MISSION = "BASKET_PRICE_SENSITIVITY", "BASKET_TYPE", "BASKET_DOMINANT_MISSION"
TREE = ["PROD_CODE", "PROD_CODE_10", "PROD_CODE_20", "PROD_CODE_30", "PROD_CODE_40"]


def _constant(frame: pd.DataFrame, key: str, columns: list[str]) -> bool:
    return bool((frame.groupby(key)[columns].nunique(dropna=False) == 1).all(axis=None))


def _domains(frame: pd.DataFrame) -> bool:
    return all(_in_domain(frame[column.name], column) for column in COLUMNS if column.nullable or column.name in frame)


def _in_domain(values: pd.Series, column: Column) -> bool:
    known = values.dropna()
    fits = np.ones(len(known), bool)
    if column.pattern:
        fits &= known.astype(str).str.fullmatch(column.pattern).to_numpy(bool)
    if column.values:
        fits &= known.isin(column.values).to_numpy(bool)
    if column.minimum is not None:
        fits &= known.ge(column.minimum).to_numpy(bool)
    return bool(fits.all()) and (column.nullable or not values.isna().any())


def _calendar(frame: pd.DataFrame) -> bool:
    days = frame[["SHOP_WEEK", "SHOP_DATE", "SHOP_WEEKDAY"]].drop_duplicates()
    dates = pd.to_datetime(days["SHOP_DATE"].astype(str)).dt.date
    rows = zip(dates, days["SHOP_WEEK"], days["SHOP_WEEKDAY"], strict=True)
    return all((shop_week(day), shop_weekday(day)) == (week, weekday) for day, week, weekday in rows)


def _sizes(frame: pd.DataFrame) -> bool:
    items = frame.groupby("BASKET_ID")["QUANTITY"].transform("sum").map(basket_size)
    return bool((items == frame["BASKET_SIZE"]).all())


def _basket_numbers(frame: pd.DataFrame) -> bool:
    week = frame["SHOP_WEEK"].map(lambda w: str(9_941_000 + week_ordinal(w) - 5))
    return bool((frame["BASKET_ID"].str[:7] == week).all())


def _xx_is_a_product_class(frame: pd.DataFrame) -> bool:
    """Products of XX baskets stand in other baskets too, but no other basket holds nothing else."""
    unclassified = set(frame.loc[frame[LABEL] == "XX", "PROD_CODE"])
    others = frame[frame[LABEL] != "XX"]
    only = others["PROD_CODE"].isin(unclassified).groupby(others["BASKET_ID"]).all()
    return not bool(only.any())


RULES: dict[str, Rule] = {
    "codes, bounds and categories of the contract": _domains,
    "fiscal week and weekday follow from the date": _calendar,
    "hours of trade": lambda f: bool(f["SHOP_HOUR"].between(8, 22).all()),
    "quantity two never happens": lambda f: bool((f["QUANTITY"] != 2).all()),
    "the product tree is strict": lambda f: all(_constant(f, a, [b]) for a, b in pairwise(TREE)),
    "a store has one format and region": lambda f: _constant(f, "STORE_CODE", ["STORE_FORMAT", "STORE_REGION"]),
    "a customer has one pair of segments": lambda f: (
        _constant(f.dropna(subset="CUST_CODE"), "CUST_CODE", ["seg_1", "seg_2"])
        if f["CUST_CODE"].notna().any()
        else True
    ),
    "basket columns are constant": lambda f: _constant(
        f,
        "BASKET_ID",
        [c.name for c in COLUMNS if c.level not in (Level.LINE, Level.PRODUCT) and c.name != "BASKET_ID"],
    ),
    "size follows from the quantities": _sizes,
    "type XX is mission XX": lambda f: bool(((f[TYPE] == "XX") == (f[MISSION] == "XX")).all()),
    "XX baskets are baskets of XX products": _xx_is_a_product_class,
    "no customer, no segment": lambda f: (
        bool((f["CUST_CODE"].isna() == f["seg_1"].isna()).all())
        and bool(f.loc[f["CUST_CODE"].isna(), "seg_2"].isna().all())
    ),
    "one line a product and basket": lambda f: not f.duplicated(["BASKET_ID", "PROD_CODE"]).any(),
    "the basket number embeds the week": _basket_numbers,
    "money is whole pence": lambda f: bool(np.isclose(f["SPEND"] * 100, np.rint(f["SPEND"] * 100)).all()),
}

SPECS = st.builds(
    TillSpec,
    weeks=st.integers(1, 2),
    baskets_per_week=st.integers(1, 300),
    products=st.integers(100, 700),
    customers=st.integers(1, 300),
    stores=st.integers(1, 40),
    label_noise=st.floats(0, 1),
    drift=st.floats(0, 20),
    seed=st.integers(0, 2**63 - 1),
    start_week=st.sampled_from([190001, 200601, 200617, 200652, 201652, 299952]),
    plain=st.booleans(),
)


@settings(max_examples=25, deadline=None)
@given(spec=SPECS)
def test_rules_hold_for_any_retailer(simulated: Simulated, spec: TillSpec) -> None:
    with TemporaryDirectory() as folder:
        frame = simulated(spec, Path(folder))
    assert frame["BASKET_ID"].nunique() == spec.weeks * spec.baskets_per_week
    # Whether a product is XX shows in enough baskets only; the rest needs none.
    broken = [name for name, rule in RULES.items() if rule is not _xx_is_a_product_class and not rule(frame)]
    assert broken == []


def test_rules_hold_for_a_retailer_with_many_baskets(small: pd.DataFrame) -> None:
    assert [name for name, rule in RULES.items() if not rule(small)] == []


def _set(frame: pd.DataFrame, column: str, value: "str | float | Callable[[pd.Series], int] | None") -> pd.DataFrame:
    """The frame with one line of a basket of several lines, of a customer seen before, changed."""
    several = frame["BASKET_ID"].duplicated() & frame["CUST_CODE"].duplicated() & frame["seg_1"].notna()
    row = frame.index[several & (frame[TYPE] != "XX")][0]
    changed = frame.copy()
    changed[column] = changed[column].astype(object)
    changed.loc[row, column] = value(frame.loc[row]) if callable(value) else value
    return changed


DAMAGES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "codes, bounds and categories of the contract": lambda f: _set(f, "PROD_CODE_20", "DEP1"),
    "fiscal week and weekday follow from the date": lambda f: _set(
        f, "SHOP_WEEKDAY", lambda r: r["SHOP_WEEKDAY"] % 7 + 1
    ),
    "hours of trade": lambda f: _set(f, "SHOP_HOUR", 7),
    "quantity two never happens": lambda f: _set(f, "QUANTITY", 2),
    "the product tree is strict": lambda f: _set(f, "PROD_CODE_30", "G00099"),
    "a store has one format and region": lambda f: _set(f, "STORE_REGION", "E09"),
    "a customer has one pair of segments": lambda f: _set(f, "seg_1", "ZZ"),
    "basket columns are constant": lambda f: _set(f, "SHOP_HOUR", 3),
    "size follows from the quantities": lambda f: _set(f, "QUANTITY", 100).assign(BASKET_SIZE="S"),
    "type XX is mission XX": lambda f: _set(f, TYPE, "XX"),
    "XX baskets are baskets of XX products": lambda f: f.assign(**{LABEL: f[LABEL].where(f[LABEL] != "XX", "MM")}).pipe(
        lambda g: g.assign(
            **{LABEL: g[LABEL].where(g["BASKET_ID"] != f.loc[f[LABEL] == "XX", "BASKET_ID"].iloc[0], "XX")}
        )
    ),
    "no customer, no segment": lambda f: _set(f, "CUST_CODE", None),
    "one line a product and basket": lambda f: pd.concat([f, f.head(1)]),
    "the basket number embeds the week": lambda f: _set(f, "BASKET_ID", "994100000000001"),
    "money is whole pence": lambda f: _set(f, "SPEND", 1.234).astype({"SPEND": float}),
}


@pytest.mark.parametrize("name", RULES)
def test_each_rule_can_fail(small: pd.DataFrame, name: str) -> None:
    assert not RULES[name](DAMAGES[name](small))
