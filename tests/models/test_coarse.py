"""The task `coarse`: products behind price keys, told apart by the store, alike in a batch and in one request."""

from dataclasses import replace

import numpy as np
import pytest

from retail_forecast.domain.basket import Basket, Line
from retail_forecast.domain.settings import TrainSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.lines import baskets_from_rows
from retail_forecast.models.fitting import Fitted, fit_model
from retail_forecast.models.learners import learner

STORES = tuple(f"STORE{number:05d}" for number in range(6))
BASKETS = 900


def _visit(rng: np.random.Generator) -> tuple[Basket, int]:
    """Groups are sold at one price, whichever of their three products it is; a store has one product of each group."""
    store, groups = int(rng.integers(len(STORES))), rng.integers(0, 12, int(rng.integers(1, 6)))
    classes = (groups + store) % 3
    balance = float((classes == 2).mean() - (classes == 0).mean())
    lines = (
        Line(int(rng.integers(1, 4)), 0.0, f"PRD{group * 3 + kind:07d}", f"CL{group:05d}")
        for group, kind in zip(groups.tolist(), classes.tolist(), strict=True)
    )
    return Basket(tuple(lines), store_code=STORES[store]), 1 + int(balance > 0.2) - int(balance < -0.2)


@pytest.fixture(scope="module")
def visits() -> tuple[list[Basket], np.ndarray]:
    rng = np.random.default_rng(2)
    rows, labels = zip(*(_visit(rng) for _ in range(BASKETS)), strict=True)
    return list(rows), np.array(labels, np.int8)


@pytest.fixture(scope="module")
def model(visits: tuple[list[Basket], np.ndarray]) -> Fitted:
    rows, label = visits
    baskets = baskets_from_rows(rows[:600])
    return fit_model(Task.COARSE, learner("logistic"), baskets, label[:600], TrainSettings(folds=2), 1)


def test_the_store_tells_products_of_one_key_apart(model: Fitted, visits: tuple[list[Basket], np.ndarray]) -> None:
    rows, label = visits
    held_out, bundle = rows[600:], model.bundle()
    nowhere = [Basket(row.lines) for row in held_out]
    right = (bundle.predict(baskets_from_rows(held_out)).label == label[600:]).mean()
    blind = (bundle.predict(baskets_from_rows(nowhere)).label == label[600:]).mean()
    assert right > 0.9
    assert blind < 0.6


def test_products_are_not_looked_at(model: Fitted, visits: tuple[list[Basket], np.ndarray]) -> None:
    baskets, bundle = baskets_from_rows(visits[0]), model.bundle()
    unnamed = replace(baskets, prod_code=replace(baskets.prod_code, index=np.full_like(baskets.prod_code.index, -1)))
    assert bundle.features(unnamed).tobytes() == bundle.features(baskets).tobytes()


def test_one_request_is_answered_as_in_a_batch(model: Fitted, visits: tuple[list[Basket], np.ndarray]) -> None:
    rows, bundle = visits[0][:50], model.bundle()
    together = bundle.predict(baskets_from_rows(rows))
    alone = [bundle.predict_rows([row]) for row in rows]
    assert np.concatenate([answer.label for answer in alone]).tolist() == together.label.tolist()
    np.testing.assert_allclose(np.concatenate([a.probabilities for a in alone]), together.probabilities, atol=1e-6)
    assert (together.unknown_share == 0).all()
