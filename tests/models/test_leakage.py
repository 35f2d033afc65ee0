"""The leakage guard finds planted leaks, and finds none in the features that the models are trained on."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from retail_forecast.domain.basket import Basket, Line
from retail_forecast.features.leanings import learn_table, out_of_fold_features
from retail_forecast.kernel.features import BASKET_FEATURES, basket_features
from retail_forecast.kernel.lines import Baskets, baskets_from_rows
from retail_forecast.models.leakage import leaking_features

FOLDS, PENALTY, SEED = 3, 0.05, 7

Compute = Callable[[NDArray[np.int8]], NDArray[np.float32]]


@pytest.fixture(scope="module")
def data() -> tuple[Baskets, NDArray[np.int8]]:
    rng = np.random.default_rng(SEED)
    products = rng.integers(0, 30, (300, 4))
    rows = [Basket(tuple(Line(1, 1.0, prod_code=f"PRD{p:07d}") for p in sorted(set(basket)))) for basket in products]
    return baskets_from_rows(rows), rng.integers(0, 3, 300).astype(np.int8)


def out_of_fold(baskets: Baskets) -> Compute:
    def compute(label: NDArray[np.int8]) -> NDArray[np.float32]:
        features = np.zeros((len(baskets), len(BASKET_FEATURES)), np.float32)
        for rows, values in out_of_fold_features(baskets, label, PENALTY, FOLDS, np.random.default_rng(SEED)):
            features[rows] = values
        return features

    return compute


def first_fold(baskets: Baskets, label: NDArray[np.int8]) -> NDArray[np.intp]:
    return next(iter(out_of_fold_features(baskets, label, PENALTY, FOLDS, np.random.default_rng(SEED))))[0]


def test_out_of_fold_features_hold_nothing_of_their_own_label(data: tuple[Baskets, NDArray[np.int8]]) -> None:
    baskets, label = data
    assert leaking_features(out_of_fold(baskets), label, first_fold(baskets, label), BASKET_FEATURES) == ()


def test_a_label_planted_among_the_features_is_caught(data: tuple[Baskets, NDArray[np.int8]]) -> None:
    baskets, label = data
    honest = out_of_fold(baskets)

    def planted(labels: NDArray[np.int8]) -> NDArray[np.float32]:
        return np.column_stack([honest(labels), labels]).astype(np.float32)

    names = (*BASKET_FEATURES, "basket_price_sensitivity")
    assert leaking_features(planted, label, first_fold(baskets, label), names) == ("basket_price_sensitivity",)


def test_leanings_learned_in_fold_are_caught(data: tuple[Baskets, NDArray[np.int8]]) -> None:
    baskets, label = data

    def in_fold(labels: NDArray[np.int8]) -> NDArray[np.float32]:
        return basket_features(baskets, learn_table(baskets, labels, PENALTY))

    caught = leaking_features(in_fold, label, first_fold(baskets, label), BASKET_FEATURES)
    assert {"mean_lean_la", "mean_lean_um", "mean_share_la"} <= set(caught)
    assert {"lines", "quantity", "spend_gbp"}.isdisjoint(caught)
