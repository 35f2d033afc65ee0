"""Baskets in columns."""

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from retail_forecast.domain.basket import Basket, Line
from retail_forecast.kernel.lines import HEADER, LEVELS, MISSING, MOMENTS, baskets_from_rows, concatenate, encode

ROWS = (
    Basket((Line(1, 0.29, "PRD0000002", "CL00001"), Line(3, 1.15, "PRD0000001")), basket_id="a", type="Top Up"),
    Basket((), basket_id="b", customer="CUST0000000001", shop_date=date(2006, 3, 1), shop_hour=9),
    Basket((Line(2, 4.35, "PRD0000002", prod_code_30="G00001"),), basket_id="c"),
)

words = st.lists(st.sampled_from(["a", "b", "c", None]))


@given(words)
def test_encoding_loses_nothing(values: list[str | None]) -> None:
    codes = encode(values)
    assert codes.to_list() == values
    assert list(codes.values) == list(dict.fromkeys(v for v in values if v is not None))


@given(words)
def test_lookup_is_minus_one_for_missing_and_unknown(values: list[str | None]) -> None:
    table = {"a": 7, "c": 0}
    assert encode(values).lookup(table).tolist() == [table.get(v, -1) if v else -1 for v in values]


def test_rows_become_columns() -> None:
    baskets = baskets_from_rows(ROWS)
    assert len(baskets) == 3
    assert baskets.offsets.tolist() == [0, 2, 2, 3]
    assert baskets.line_counts.tolist() == [2, 0, 1]
    assert baskets.quantity.tolist() == [1, 3, 2]
    assert baskets.spend_pence.tolist() == [29, 115, 435]
    assert baskets.prod_code.to_list() == ["PRD0000002", "PRD0000001", "PRD0000002"]
    assert baskets.prod_code_30.to_list() == [None, None, "G00001"]
    assert baskets.basket_id.to_list() == ["a", "b", "c"]
    assert baskets.customer.to_list() == [None, "CUST0000000001", None]
    assert baskets.shop_day.tolist() == [MISSING, 2, MISSING]
    assert baskets.shop_hour.tolist() == [MISSING, 9, MISSING]


def test_every_price_is_its_pence() -> None:
    lines = tuple(Line(1, pence / 100) for pence in range(0, 200_000, 7))
    assert baskets_from_rows([Basket(lines)]).spend_pence.tolist() == list(range(0, 200_000, 7))


def test_columns_not_asked_for_are_missing() -> None:
    baskets = baskets_from_rows(ROWS, ("prod_code", "type"))
    assert baskets.prod_code.to_list() == ["PRD0000002", "PRD0000001", "PRD0000002"]
    assert baskets.type.to_list() == ["Top Up", None, None]
    others = [n for n in (*LEVELS, *HEADER) if n not in {"prod_code", "type"}]
    assert {v for n in others for v in getattr(baskets, n).to_list()} == {None}
    assert {v for n in MOMENTS for v in getattr(baskets, n).tolist()} == {MISSING}


def test_no_baskets() -> None:
    assert len(baskets_from_rows([])) == 0


def test_taking_baskets_takes_their_lines() -> None:
    taken = baskets_from_rows(ROWS).take(np.array([2, 0, 2]))
    assert taken.offsets.tolist() == [0, 1, 3, 4]
    assert taken.spend_pence.tolist() == [435, 29, 115, 435]
    assert taken.basket_id.to_list() == ["c", "a", "c"]
    assert taken.prod_code.to_list() == ["PRD0000002", "PRD0000002", "PRD0000001", "PRD0000002"]


def test_parts_joined_are_the_whole() -> None:
    whole = baskets_from_rows(ROWS)
    joined = concatenate([baskets_from_rows(ROWS[2:]), baskets_from_rows(ROWS[:2])])
    again = joined.take(np.array([1, 2, 0]))
    assert again.offsets.tolist() == whole.offsets.tolist()
    assert again.quantity.tolist() == whole.quantity.tolist()
    for name in (*LEVELS, *HEADER):
        assert getattr(again, name).to_list() == getattr(whole, name).to_list(), name
    for name in MOMENTS:
        assert getattr(again, name).tolist() == getattr(whole, name).tolist(), name
