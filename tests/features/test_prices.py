"""What price keys tell: whose lines they are, new ones before old ones, and in which store another product is meant."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from retail_forecast.clouds.hosts import Alone, Number, Progress
from retail_forecast.domain.basket import Basket, Line
from retail_forecast.features.leanings import out_of_fold_features
from retail_forecast.features.prices import lay_out_by_price
from retail_forecast.kernel.features import COARSE_FEATURES
from retail_forecast.kernel.lines import Baskets, baskets_from_rows
from retail_forecast.kernel.prices import by_price_key
from retail_forecast.kernel.products import PRICE_VALUES, QUANTUM, VALUES, ProductTable

DAY = date(2007, 6, 4)
CODES = ("PRD0000001", "PRD0000002", "PRD0000003")
"""LA, UM and XX; all are sold at 1.00 in group CL00001, unless a line says otherwise."""

OWN = np.zeros((3, len(VALUES)))
OWN[0, VALUES.index("is_la")] = OWN[1, VALUES.index("is_um")] = OWN[2, VALUES.index("is_xx")] = 1


def _sold(
    product: int, count: int, store: str | None = "STORE00001", price: float = 1.0, weeks: int = 0
) -> list[Basket]:
    """`count` baskets of one line each, `weeks` before DAY."""
    line = Line(1, price, CODES[product], "CL00001", "DEP00001", "G00001")
    return [Basket((line,), shop_date=DAY - timedelta(weeks=weeks), store_code=store)] * count


def _table(*sold: list[Basket]) -> ProductTable:
    return lay_out_by_price(baskets_from_rows([basket for each in sold for basket in each]), CODES, OWN)


def _share(table: ProductTable, key: str, name: str) -> float:
    return float(table.values[table.products[key], PRICE_VALUES.index(name)])


def test_a_key_has_the_shares_of_the_products_behind_it() -> None:
    table = _table(_sold(0, 30), _sold(1, 10))
    assert table.columns == PRICE_VALUES
    assert set(table.products) == {"CL00001@100"}
    assert _share(table, "CL00001@100", "is_la") == pytest.approx(0.75)
    assert _share(table, "CL00001@100", "is_um") == pytest.approx(0.25)


def test_the_doubt_is_the_variance_of_the_balance_of_a_line() -> None:
    table = _table(_sold(0, 30), _sold(1, 10), _sold(1, 20, price=2.0))
    balances = np.repeat([-1.0, 1.0], [30, 10])
    assert _share(table, "CL00001@100", "doubt") == pytest.approx(balances.var(), abs=0.05)
    assert _share(table, "CL00001@200", "doubt") < 0.1


def test_few_lines_are_drawn_towards_the_group_and_many_are_not() -> None:
    table = _table(_sold(0, 200), _sold(1, 1, price=2.0), _sold(1, 100, price=3.0))
    assert 0.6 < _share(table, "CL00001@200", "is_um") < 0.9
    assert _share(table, "CL00001@300", "is_um") > 0.99


def test_a_line_counts_half_after_its_half_life() -> None:
    table = _table(_sold(0, 200), _sold(1, 200, weeks=28))
    assert _share(table, "CL00001@100", "is_la") == pytest.approx(2 / 3, abs=0.01)
    undated = [Basket(basket.lines, store_code=basket.store_code) for basket in _sold(1, 200)]
    assert _share(_table(_sold(0, 200), undated), "CL00001@100", "is_la") == pytest.approx(1 / 2, abs=0.01)


def test_a_store_that_sells_otherwise_has_a_row_of_its_own() -> None:
    table = _table(_sold(0, 50, "STORE00001"), _sold(1, 50, "STORE00002"), _sold(1, 50, None))
    assert set(table.products) == {"CL00001@100", "CL00001@100#STORE00001", "CL00001@100#STORE00002"}
    assert _share(table, "CL00001@100#STORE00001", "is_la") > 0.95
    assert _share(table, "CL00001@100#STORE00002", "is_um") > 0.95


def test_a_store_that_sells_as_all_do_has_none() -> None:
    each = [_sold(product, 40, store) for product in (0, 1) for store in ("STORE00001", "STORE00002")]
    assert set(_table(*each).products) == {"CL00001@100"}


def test_keys_of_one_class_need_no_stores() -> None:
    assert set(_table(_sold(0, 500, "STORE00001"), _sold(1, 1, "STORE00002")).products) == {"CL00001@100"}


def test_lines_of_an_unknown_key_fall_back_to_the_group() -> None:
    table = _table(_sold(0, 30), _sold(1, 10, "STORE00002", 2.0))
    other = by_price_key(baskets_from_rows(_sold(0, 1, "STORE00001", 9.99)), table.products)
    rows, known = table.rows(other)
    assert (rows.tolist(), known.tolist()) == ([table.groups["CL00001"]], [False])


class _Together(Alone):
    """One of several hosts that are threads of this process: sums by a shared board, between two barriers."""

    def __init__(self, rank: int, board: list[NDArray[Any]], barrier: Barrier) -> None:
        self.rank, self.size = rank, len(board)
        self._board, self._barrier = board, barrier

    def total(self, values: NDArray[Number], progress: Progress | None = None) -> NDArray[Number]:  # noqa: ARG002
        self._board[self.rank] = values
        self._barrier.wait()
        total: NDArray[Number] = np.sum(self._board, axis=0, dtype=values.dtype)
        self._barrier.wait()
        return total


def test_hosts_lay_out_together_what_one_lays_out_alone() -> None:
    stores = ("STORE00001", "STORE00002")
    sold = [_sold(n % 2, 3 + n, stores[n // 2 % 2], 1.0 + n % 3, n) for n in range(12)] + [_sold(2, 4, price=9.0)]
    rows = [basket for each in sold for basket in each]
    board: list[NDArray[Any]] = [np.zeros(0)] * 2
    barrier = Barrier(2, timeout=60)

    def part(rank: int) -> ProductTable:
        return lay_out_by_price(baskets_from_rows(rows[rank::2]), CODES, OWN, _Together(rank, board, barrier))

    with ThreadPoolExecutor(2) as hosts:
        first, second = hosts.map(part, range(2))
    alone = _table(rows)
    assert any("#" in key for key in alone.products)
    for table in (first, second):
        assert (table.products, table.groups) == (alone.products, alone.groups)
        np.testing.assert_allclose(table.values, alone.values, atol=2 * QUANTUM)


def _world() -> tuple[Baskets, NDArray[np.int8]]:
    """Two products, LA and UM, of one key, one in each of two stores; baskets hold what their store sells."""
    label = np.random.default_rng(5).choice([0, 2], 400).astype(np.int8)

    def rows() -> Iterator[Basket]:
        for tier in label.tolist():
            lines = (Line(1, 1.0, CODES[tier // 2], "CL00001"), Line(1, 3.0, "PRD0000009", "CL00002"))
            yield Basket(lines, shop_date=DAY, store_code=f"STORE0000{tier}")

    return baskets_from_rows(list(rows())), label


def test_features_tell_the_stores_apart() -> None:
    baskets, label = _world()
    features = np.full((len(baskets), len(COARSE_FEATURES)), np.nan, np.float32)
    for rows, values in out_of_fold_features(baskets, label, 0.05, 3, np.random.default_rng(0), coarse=True):
        features[rows] = values
    net = features[:, COARSE_FEATURES.index("net_balance")]
    assert net[label == 0].max() < net[label == 2].min()


def test_changing_a_label_does_not_change_the_features_of_its_row() -> None:
    baskets, label = _world()
    changed = label.copy()
    changed[7] = 1

    def features(labels: NDArray[np.int8]) -> NDArray[np.float32]:
        parts = list(out_of_fold_features(baskets, labels, 0.05, 3, np.random.default_rng(0), coarse=True))
        return np.concatenate([values for _, values in parts])[np.argsort(np.concatenate([rows for rows, _ in parts]))]

    before, after = features(label), features(changed)
    assert before[7].tobytes() == after[7].tobytes()
    assert before.tobytes() != after.tobytes()
