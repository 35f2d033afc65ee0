"""The product table: where a line is looked up, and why its sums are exact."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_forecast.domain.basket import Basket, Line
from retail_forecast.kernel.lines import baskets_from_rows
from retail_forecast.kernel.products import LIMIT, QUANTUM, VALUES, ProductTable, quantise

TABLE = ProductTable(
    {"PRD0000001": 0}, {"CL00001": 1, "DEP00001": 2, "G00001": 3}, np.zeros((5, len(VALUES)), np.float64)
)


@pytest.mark.parametrize(
    ("line", "row", "known"),
    [
        (Line(1, 1.0, "PRD0000001", "CL00001"), 0, True),
        (Line(1, 1.0, "PRD0000002", "CL00001", "DEP00001", "G00001"), 1, False),
        (Line(1, 1.0, None, "CL00001"), 1, False),
        (Line(1, 1.0, "PRD0000002", "CL00009", "DEP00001", "G00001"), 2, False),
        (Line(1, 1.0, "PRD0000002", None, None, "G00001"), 3, False),
        (Line(1, 1.0, "PRD0000002", "CL00009"), 4, False),
        (Line(1, 1.0), 4, False),
    ],
)
def test_fall_back_from_product_to_groups_to_the_average(line: Line, row: int, known: bool) -> None:
    rows, found = TABLE.rows(baskets_from_rows([Basket((line,))]))
    assert (rows.tolist(), found.tolist()) == ([row], [known])


def test_lines_fall_back_one_by_one() -> None:
    lines = (Line(1, 1.0), Line(1, 1.0, "PRD0000001"), Line(1, 1.0, None, None, "DEP00001"))
    assert TABLE.rows(baskets_from_rows([Basket(lines)]))[0].tolist() == [4, 0, 2]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.randoms(use_true_random=False))
def test_sums_of_quantised_values_do_not_depend_on_their_order(values: list[float], chance: random.Random) -> None:
    small = quantise(np.array(values))
    shuffled = small[chance.sample(range(len(small)), len(small))]
    assert small.sum() == shuffled.sum() == np.add.reduceat(shuffled, [0])[0]
    assert (np.abs(small) <= LIMIT).all()
    assert (small / QUANTUM == np.round(small / QUANTUM)).all()


def test_no_negative_zero_is_left() -> None:
    assert not np.signbit(quantise(np.array([-1e-9, -0.0, 1e-9]))).any()
