"""Features against a reference in plain Python; alone, in a batch and in any order they are the same to the bit."""

import random
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_forecast.domain.basket import Basket, Line, basket_size
from retail_forecast.kernel.features import (
    BASKET_FEATURES,
    COARSE_FEATURES,
    FLAT_CATEGORIES,
    FLAT_FEATURES,
    basket_features,
    flat_features,
    look_up,
)
from retail_forecast.kernel.lines import baskets_from_rows
from retail_forecast.kernel.prices import by_price_key
from retail_forecast.kernel.products import PRICE_VALUES, VALUES, ProductTable, quantise

KNOWN = [f"PRD{n:07d}" for n in range(6)]
GROUPS = ["CL00001", "DEP00001", "G00001"]


def _table() -> ProductTable:
    rng = np.random.default_rng(3)
    values = quantise(rng.normal(0, 2, (len(KNOWN) + len(GROUPS) + 1, len(VALUES))))
    values[2] = 0.0
    groups = {code: len(KNOWN) + row for row, code in enumerate(GROUPS)}
    return ProductTable({code: row for row, code in enumerate(KNOWN)}, groups, values)


TABLE = _table()
VOCABULARIES = {name: {"a": 0, "b": 1, "DEP00001": 2, "DEP00002": 3, "G00001": 4} for name in FLAT_CATEGORIES}

lines = st.builds(
    Line,
    quantity=st.integers(1, 1_000_000),
    spend_gbp=st.integers(0, 999_999_900).map(lambda pence: pence / 100),
    prod_code=st.sampled_from([*KNOWN, "PRD0009999", None]),
    prod_code_10=st.sampled_from(["CL00001", "CL00002", None]),
    prod_code_20=st.sampled_from(["DEP00001", "DEP00002", None]),
    prod_code_30=st.sampled_from(["G00001", None]),
)
words = st.sampled_from(["a", "b", "z", None])
baskets = st.builds(Basket, lines=st.lists(lines, max_size=9).map(tuple), type=words, mission=words, store_format=words)


def _features(rows: Sequence[Basket]) -> np.ndarray:
    return basket_features(baskets_from_rows(rows), TABLE)


def _row_of(line: Line) -> int:
    rows = {**TABLE.products, **TABLE.groups}
    for code in (line.prod_code, line.prod_code_10, line.prod_code_20, line.prod_code_30):
        if code and code in rows:
            return rows[code]
    return len(TABLE.values) - 1


def _reference(basket: Basket) -> list[float]:
    """The features of one basket, with exact fractions and no arrays."""
    n = len(basket.lines)
    if not n:
        return [0.0] * len(BASKET_FEATURES)
    rows = [[Fraction(float(v)) for v in TABLE.values[_row_of(line)]] for line in basket.lines]
    means = [float(sum(column)) / n for column in zip(*rows, strict=True)]
    extremes = [float(side(row[i] for row in rows)) for side in (max, min) for i in (0, 1)]
    balance = means[VALUES.index("is_um")] - means[VALUES.index("is_la")]
    unknown = sum(line.prod_code not in TABLE.products for line in basket.lines) / n
    pence = sum(round(line.spend_gbp * 100) for line in basket.lines)
    return [*means, *extremes, balance, n, unknown, sum(line.quantity for line in basket.lines), pence / 100]


def _flat_reference(basket: Basket) -> list[float]:
    quantity = sum(line.quantity for line in basket.lines)
    pence = [round(line.spend_gbp * 100) for line in basket.lines]
    main = min(
        basket.lines,
        key=lambda line: (-round(line.spend_gbp * 100), line.prod_code_20 or "", line.prod_code_30 or ""),
        default=None,
    )

    def number(name: str, code: str | None) -> int:
        return VOCABULARIES[name].get(code, -1) if code else -1

    header = [number(n, getattr(basket, n)) for n in FLAT_CATEGORIES[:4]]
    groups = [number(n, getattr(main, n) if main else None) for n in FLAT_CATEGORIES[4:]]
    return ["SML".index(basket_size(quantity)), sum(pence) / 100, quantity, *header, *groups]


@given(baskets)
def test_features_are_those_of_the_reference(basket: Basket) -> None:
    expected = np.array([_reference(basket)], np.float32)
    assert _features([basket]).tobytes() == expected.tobytes()


@settings(max_examples=50)
@given(st.lists(baskets, max_size=12))
def test_a_basket_alone_has_the_features_it_has_in_a_batch(rows: list[Basket]) -> None:
    together = _features(rows)
    assert together.shape == (len(rows), len(BASKET_FEATURES))
    assert together.tobytes() == b"".join(_features([row]).tobytes() for row in rows)


@given(baskets, st.randoms(use_true_random=False))
def test_the_order_of_lines_does_not_matter(basket: Basket, chance: random.Random) -> None:
    shuffled = list(basket.lines)
    chance.shuffle(shuffled)
    other = Basket(tuple(shuffled), type=basket.type, mission=basket.mission, store_format=basket.store_format)
    assert _features([basket]).tobytes() == _features([other]).tobytes()
    first, second = (flat_features(baskets_from_rows([b]), VOCABULARIES) for b in (basket, other))
    assert first.tobytes() == second.tobytes()


@given(baskets)
def test_flat_features_are_those_of_the_reference(basket: Basket) -> None:
    found = flat_features(baskets_from_rows([basket]), VOCABULARIES)
    assert found.shape == (1, len(FLAT_FEATURES))
    assert found.tolist() == np.array([_flat_reference(basket)], np.float32).tolist()


def test_a_product_bought_twice_counts_twice() -> None:
    once, twice = Line(1, 1.0, KNOWN[0]), Line(1, 1.0, KNOWN[1])
    features = _features([Basket((once, twice)), Basket((once, once, twice))])
    assert features[0, 0] != features[1, 0]
    assert features[:, BASKET_FEATURES.index("lines")].tolist() == [2, 3]


def test_unknown_lines_are_counted() -> None:
    rows = [Basket((Line(1, 1.0, KNOWN[0]), Line(1, 1.0, "PRD0009999"), Line(1, 1.0))), Basket(())]
    assert look_up(baskets_from_rows(rows), TABLE).unknown.tolist() == [2, 0]


def test_batches_larger_than_a_chunk() -> None:
    rows = [Basket((Line(1, 1.0, KNOWN[n % 6]),) * (n % 3)) for n in range(66_000)]
    features = _features(rows)
    assert features[-30:].tobytes() == _features(rows[-30:]).tobytes()
    assert features[65_520:65_550].tobytes() == _features(rows[65_520:65_550]).tobytes()


STORES = ("STORE00001", "STORE00002")
KEYS = ["CL00001@100", "CL00001@200", "CL00002@100", "CL00001@100#STORE00001", "CL00002@100#STORE00002"]


def _price_table() -> ProductTable:
    rng = np.random.default_rng(4)
    values = np.abs(quantise(rng.normal(0, 2, (len(KEYS) + len(GROUPS) + 1, len(PRICE_VALUES)))))
    values[:, PRICE_VALUES.index("is_xx")] %= 1
    groups = {code: len(KEYS) + row for row, code in enumerate(GROUPS)}
    return ProductTable({key: row for row, key in enumerate(KEYS)}, groups, values, PRICE_VALUES)


PRICES = _price_table()
priced = st.builds(
    Line,
    quantity=st.just(1),
    spend_gbp=st.sampled_from([1.0, 2.0, 3.0]),
    prod_code_10=st.sampled_from(["CL00001", "CL00002", None]),
    prod_code_20=st.sampled_from(["DEP00001", None]),
)
visits = st.builds(Basket, lines=st.lists(priced, max_size=9).map(tuple), store_code=st.sampled_from([*STORES, None]))


def _by_price(rows: Sequence[Basket]) -> np.ndarray:
    return basket_features(by_price_key(baskets_from_rows(rows), PRICES.products), PRICES)


@settings(max_examples=50)
@given(st.lists(visits, max_size=12), st.randoms(use_true_random=False))
def test_by_price_a_basket_has_the_same_features_alone_and_in_any_order(
    rows: list[Basket], chance: random.Random
) -> None:
    shuffled = [Basket(tuple(chance.sample(row.lines, len(row.lines))), store_code=row.store_code) for row in rows]
    together = _by_price(rows)
    assert together.shape == (len(rows), len(COARSE_FEATURES))
    assert together.tobytes() == b"".join(_by_price([row]).tobytes() for row in shuffled)


def test_the_net_balance_and_its_error_leave_xx_out() -> None:
    values = np.zeros((3, len(PRICE_VALUES)))
    columns = [PRICE_VALUES.index(name) for name in ("is_la", "is_um", "doubt", "is_xx")]
    values[0, columns] = 0.25, 0.75, 0.75, 0
    values[1, columns] = 0, 0, 0, 1
    table = ProductTable({"CL00001@100": 0, "CL00001@200": 1}, {}, values, PRICE_VALUES)
    leaning, unclassified = (Line(1, price, prod_code_10="CL00001") for price in (1.0, 2.0))
    rows = [Basket((leaning,)), Basket((leaning, leaning, unclassified)), Basket((unclassified,))]
    features = basket_features(by_price_key(baskets_from_rows(rows), table.products), table)
    net, error = (features[:, COARSE_FEATURES.index(name)] for name in ("net_balance", "net_error"))
    assert net.tolist() == [0.5, 0.5, 0.0]
    np.testing.assert_allclose(error, [0.75**0.5, 1.5**0.5 / 2, 0.0])
