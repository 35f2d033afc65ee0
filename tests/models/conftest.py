"""A small shop whose labels follow the products by the rule of the real data, and a model that has learned it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from retail_forecast.domain.basket import Basket, Line
from retail_forecast.domain.settings import TrainSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.lines import Baskets, baskets_from_rows
from retail_forecast.models.fitting import Fitted, fit_model
from retail_forecast.models.learners import learner

Shop = tuple[Baskets, NDArray[np.int8]]

BASKETS = 1500
CLASSES = np.repeat([0, 1, 2, 3], [12, 16, 8, 4])
"""Class of each product: LA, MM, UM or XX."""

FORMATS, MISSIONS = ("LS", "MS", "SS"), ("Fresh", "Grocery", "Mixed")


def _basket(number: int, rng: np.random.Generator) -> tuple[Basket, int]:
    group = np.flatnonzero((CLASSES == 3) == (rng.random() < 0.05))
    products = rng.choice(group, min(int(rng.integers(1, 7)), len(group)), replace=False)
    classes = CLASSES[products]
    balance = float((classes == 2).mean() - (classes == 0).mean())
    label = 3 if (classes == 3).any() else 1 + int(balance > 0.2) - int(balance < -0.2)
    lines = (Line(int(rng.integers(1, 4)), 1.0, prod_code=f"PRD{p:07d}", prod_code_30="G00001") for p in products)
    anonymous = number % 5 == 0
    basket = Basket(
        tuple(lines),
        basket_id=f"{994100000000000 + number}",
        customer=None if anonymous else f"CUST{number % 90:010d}",
        store_format=FORMATS[number % 3],
        store_region="E01",
        seg_1=None if anonymous else ("AZ", "BG")[number % 2],
        mission=MISSIONS[int(rng.integers(3))],
    )
    return basket, label


@pytest.fixture(scope="session")
def shop() -> Shop:
    """1,500 baskets and their labels, positions in LABELS."""
    rng = np.random.default_rng(11)
    rows, labels = zip(*(_basket(number, rng) for number in range(BASKETS)), strict=True)
    return baskets_from_rows(rows), np.array(labels, np.int8)


@pytest.fixture(scope="session")
def model(shop: Shop) -> Fitted:
    """A logistic regression that has learned the shop."""
    return fit_model(Task.BASKET, learner("logistic"), *shop, TrainSettings(), 1)
