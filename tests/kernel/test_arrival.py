"""Features of an arriving basket: named, shrunk towards the parent's mean, and the same alone and in a batch."""

from datetime import date
from math import sqrt

import numpy as np
import pytest
from numpy.typing import NDArray

from retail_forecast.domain.basket import Basket
from retail_forecast.kernel.arrival import (
    ARRIVAL_COLUMNS,
    ARRIVAL_FEATURES,
    GROUPS,
    LONGEST_ABSENCE,
    NEVER,
    SEEN,
    SEGMENT_FEATURES,
    History,
    Table,
    arrival_features,
    group_codes,
    table_rows,
)
from retail_forecast.kernel.lines import Baskets, baskets_from_rows

NAMES = (*ARRIVAL_FEATURES, *SEGMENT_FEATURES)
BY_NAME = {group.name: group for group in GROUPS}
WEEK = 30

KNOWN = Basket(
    (), customer="CUST0000000001", store_code="STORE00001", store_region="E01", store_format="LS", seg_1="AZ",
    seg_2="DI", shop_date=date(2006, 10, 3), shop_hour=9,
)  # fmt: skip
NEW = Basket((), customer="CUST0000000009", store_code="STORE00001", shop_date=date(2006, 10, 4), shop_hour=21)
ANONYMOUS = Basket((), store_code="STORE00001", shop_date=date(2006, 10, 8))
BARE = Basket(())
ROWS = (KNOWN, NEW, ANONYMOUS, BARE)


def _history(last: int = WEEK - 2) -> History:
    """Every key of KNOWN has the sums 3, 4, 5.. and the weight 6; nothing else was ever seen."""
    baskets = baskets_from_rows([KNOWN])
    tables = []
    for group in GROUPS:
        shape = (len(group.half_lives), len(group.values))
        sums = np.zeros((2, *shape))
        sums[0] = 3 + np.arange(shape[0] * shape[1]).reshape(shape)
        weight = np.zeros((2, shape[0]))
        weight[0] = 6
        keys = dict.fromkeys(group_codes(baskets, group).values, 0)
        tables.append(Table(keys, sums, weight, np.array([last, NEVER], np.int32)))
    return History(WEEK, tuple(tables))


def _features(baskets: Baskets, history: History) -> dict[str, list[float]]:
    found = arrival_features(baskets, history)
    assert found.shape == (len(baskets), len(NAMES))
    assert found.dtype == np.float32
    return {name: found[:, column].tolist() for column, name in enumerate(NAMES)}


def test_names_are_distinct_and_hidden_groups_have_none() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert NAMES[SEEN] == "customer_baskets_ever"
    assert not any(name.startswith("all_") for name in NAMES)
    assert {name.split("_")[0] for name in SEGMENT_FEATURES} == {"segment", "stage"}
    assert not any(name.startswith(("segment_", "stage_")) for name in ARRIVAL_FEATURES)


def test_parents_stand_before_their_children_and_have_all_that_these_ask_for() -> None:
    for position, group in enumerate(GROUPS):
        if group.parent is not None:
            parent = BY_NAME[group.parent]
            assert GROUPS.index(parent) < position
            assert set(group.half_lives) <= set(parent.half_lives)
            assert set(group.values) <= set(parent.values)
            assert group.per == parent.per


def test_no_line_of_the_basket_is_looked_at() -> None:
    assert set(ARRIVAL_COLUMNS) == {
        "customer", "store_code", "store_region", "store_format", "shop_hour", "shop_day", "seg_1", "seg_2",
    }  # fmt: skip
    few, every = (baskets_from_rows(ROWS, columns) for columns in (ARRIVAL_COLUMNS, (*ARRIVAL_COLUMNS, "type")))
    np.testing.assert_array_equal(arrival_features(few, _history()), arrival_features(every, _history()))


def test_time_is_told_and_missing_time_is_minus_one() -> None:
    found = _features(baskets_from_rows(ROWS), _history())
    assert found["hour"] == [9, 21, -1, -1]
    assert found["weekday"] == [1, 2, 6, -1]
    assert found["anonymous"] == [0, 0, 1, 1]


def test_means_are_drawn_towards_the_parents() -> None:
    found = {name: values[0] for name, values in _features(baskets_from_rows(ROWS), _history()).items()}
    for value, position in (("la", 0), ("um", 1)):
        root = (3 + 2 * 5 + position) / (6 + 1)
        store = (3 + 2 * 5 + position + 30 * root) / (6 + 30)
        customer = (3 + 2 * 5 + position + 4 * store) / (6 + 4)
        visit = (3 + 1 * 3 + position + 4 * customer) / (6 + 4)
        assert found[f"store_{value}_ever"] == pytest.approx(store)
        assert found[f"customer_{value}_ever"] == pytest.approx(customer)
        assert found[f"visit_{value}_ever"] == pytest.approx(visit)
        assert found[f"segment_{value}_ever"] == pytest.approx((3 + position + 100 * root) / (6 + 100))


def test_who_was_never_seen_is_given_the_parents_means() -> None:
    found = _features(baskets_from_rows(ROWS), _history())
    for value in ("la", "um", "size"):
        for span in ("26w", "ever"):
            customer, store = found[f"customer_{value}_{span}"], found[f"store_{value}_{span}"]
            assert customer[1:] == pytest.approx(store[1:])
            assert customer[0] != pytest.approx(store[0])
    assert found["taste_lean_la_ever"][1:] == [0, 0, 0]
    assert found["taste_lean_la_ever"][0] > 0


def test_activity_counts_baskets_and_weeks() -> None:
    found = _features(baskets_from_rows(ROWS), _history())
    for group in ("customer", "visit"):
        assert found[f"{group}_baskets_ever"] == pytest.approx([sqrt(6), 0, 0, 0])
        assert found[f"{group}_absence"] == [2, LONGEST_ABSENCE, LONGEST_ABSENCE, LONGEST_ABSENCE]


@pytest.mark.parametrize(("weeks", "counted"), [(0, 0), (103, 103), (104, 104), (105, 104)])
def test_absence_is_counted_up_to_the_longest(weeks: int, counted: int) -> None:
    assert _features(baskets_from_rows([KNOWN]), _history(WEEK - weeks))["customer_absence"] == [counted]


def test_a_key_is_missing_where_a_part_of_it_is() -> None:
    baskets = baskets_from_rows(ROWS)
    assert group_codes(baskets, BY_NAME["all"]).to_list() == [""] * 4
    assert group_codes(baskets, BY_NAME["customer"]).to_list() == [KNOWN.customer, NEW.customer, None, None]
    assert group_codes(baskets, BY_NAME["visit"]).to_list() == [
        "CUST0000000001 STORE00001", "CUST0000000009 STORE00001", None, None,
    ]  # fmt: skip
    assert group_codes(baskets, BY_NAME["store"]).to_list() == [
        "STORE00001 named", "STORE00001 named", "STORE00001 anonymous", None,
    ]  # fmt: skip
    assert group_codes(baskets, BY_NAME["store_hour"]).to_list() == ["STORE00001 9", "STORE00001 21", None, None]


def test_rows_of_keys_never_seen_are_the_empty_one() -> None:
    rows = dict(zip(BY_NAME, table_rows(baskets_from_rows(ROWS), _history().tables), strict=True))
    assert rows["all"].tolist() == [0, 0, 0, 0]
    assert rows["customer"].tolist() == [0, -1, -1, -1]
    assert rows["store"].tolist() == [0, 0, -1, -1]
    assert rows["store_hour"].tolist() == [0, -1, -1, -1]


def test_alone_in_a_batch_and_in_any_order_features_are_the_same_to_the_bit() -> None:
    batch = arrival_features(baskets_from_rows(ROWS), _history())
    alone: NDArray[np.float32] = np.concatenate([arrival_features(baskets_from_rows([r]), _history()) for r in ROWS])
    turned = arrival_features(baskets_from_rows(ROWS[::-1]), _history())
    np.testing.assert_array_equal(alone, batch)
    np.testing.assert_array_equal(turned[::-1], batch)


def test_no_baskets_have_no_features() -> None:
    assert arrival_features(baskets_from_rows([]), _history()).shape == (0, len(NAMES))


def test_a_span_is_named_by_its_half_life() -> None:
    assert BY_NAME["taste"].features[0] == "taste_is_la_26w"
    assert BY_NAME["taste"].features[-1] == "taste_lean_um_ever"
