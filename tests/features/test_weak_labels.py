"""Labels made from prices and from a file of customers."""

from pathlib import Path

import numpy as np
import pytest

from retail_forecast.domain.basket import Basket, Line
from retail_forecast.domain.errors import DataError
from retail_forecast.domain.labels import LABELS, Label
from retail_forecast.features.weak_labels import (
    UNLABELLED,
    customer_labels,
    price_labels,
    product_tiers,
    read_customers,
)
from retail_forecast.kernel.lines import Baskets, baskets_from_rows


def line(number: int, pence: int, group: str = "CL00001", quantity: int = 1, department: str = "DEP00001") -> Line:
    return Line(quantity, quantity * pence / 100, f"PRD{number:07d}", group, department, "G00001")


def baskets(*rows: list[Line], customers: tuple[str | None, ...] = ()) -> Baskets:
    named = customers or (None,) * len(rows)
    return baskets_from_rows([Basket(tuple(row), customer=who) for row, who in zip(rows, named, strict=True)])


SHELF = [line(1, 50), line(2, 79), line(3, 100, quantity=3), line(4, 124), line(5, 130)]
"""A category of five products, at a median of 1.00 GBP."""


def names(label: np.ndarray) -> list[str]:
    return [LABELS[i].value if i != UNLABELLED else "" for i in label]


def test_prices_are_judged_within_the_category() -> None:
    tiers = product_tiers(baskets(SHELF, [line(9 + i, 1000 + i, "CL00002") for i in range(5)]))
    assert [tiers[f"PRD{i:07d}"] for i in range(1, 6)] == [-1, -1, 0, 0, 1]
    assert {tiers[f"PRD{9 + i:07d}"] for i in range(5)} == {0}


def test_a_small_category_is_judged_within_the_next_one() -> None:
    lonely = line(6, 300, "CL00003")
    assert product_tiers(baskets([*SHELF, lonely]))["PRD0000006"] == 1
    assert product_tiers(baskets([lonely]))["PRD0000006"] == 0


def test_the_price_is_that_of_one_item_over_all_sales() -> None:
    cheaper_later = [line(5, 130), line(5, 90, quantity=3)]
    assert product_tiers(baskets(SHELF[:4], *([one] for one in cheaper_later)))["PRD0000005"] == 0


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [([1, 2, 3], "LA"), ([1, 3, 3, 4], "MM"), ([5], "UM"), ([1, 5], "MM"), ([77], "MM"), ([], "")],
)
def test_a_basket_follows_the_balance_of_its_products(numbers: list[int], expected: str) -> None:
    tiers = product_tiers(baskets(SHELF))
    assert names(price_labels(baskets([line(n, 100) for n in numbers]), tiers)) == [expected]


def test_labels_do_not_hang_on_the_order_of_lines_or_baskets() -> None:
    tiers = product_tiers(baskets(SHELF))
    rows = [SHELF, SHELF[:2], SHELF[3:]]
    label = price_labels(baskets(*rows), tiers)
    turned = price_labels(baskets(*(row[::-1] for row in rows[::-1])), tiers)
    assert label.tolist() == turned[::-1].tolist()


def test_customers_give_their_tier_to_their_baskets(tmp_path: Path) -> None:
    file = tmp_path / "customers.csv"
    file.write_text("customer,tier\nCUST0000000001,UM\nCUST0000000002,LA\n")
    tiers = read_customers(file)
    assert tiers == {"CUST0000000001": Label.UM, "CUST0000000002": Label.LA}
    some = baskets(SHELF, SHELF, SHELF, customers=("CUST0000000002", None, "CUST0000000009"))
    assert names(customer_labels(some, tiers)) == ["LA", "", ""]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("customer,class\nA,LA\n", "no column"),
        ("customer,tier\n", "no line"),
        ("customer,tier\nA,XX\n", "line 2: 'XX'"),
        ("customer,tier\nA,LA\n,UM\n", "line 3"),
        ("customer,tier\nA,LA\nA,UM\n", "two tiers"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "customers.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=said):
        read_customers(file)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_customers(tmp_path / "none.csv")
