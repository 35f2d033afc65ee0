"""The decision rule: weights that were chosen for macro F1, and for nothing else."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from retail_forecast.domain.errors import DataError
from retail_forecast.models.deciding import LIKELIEST, choose_weights
from retail_forecast.models.evaluation import evaluate

SEED = 5


def _macro_f1(label: NDArray[np.int8], probabilities: NDArray[np.float64], weights: tuple[float, ...]) -> float:
    answer = (probabilities * weights).argmax(axis=1).astype(np.int8)
    return evaluate(label, probabilities, answer).macro_f1


def _timid(n: int = 4000) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Labels, and calibrated probabilities of which MM is nearly always the likeliest."""
    rng = np.random.default_rng(SEED)
    tilt = rng.normal(0, 0.5, n)
    scores = np.stack([tilt - 1, np.zeros(n), -tilt - 1.2, np.full(n, -9.0)], axis=1)
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    label = (probabilities.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).astype(np.int8)
    return label, probabilities


def test_the_weights_are_better_than_the_likeliest_label_and_than_other_weights() -> None:
    label, probabilities = _timid()
    chosen = choose_weights(probabilities)
    reached = _macro_f1(label, probabilities, chosen)
    assert reached > _macro_f1(label, probabilities, LIKELIEST) + 0.05
    for la, um in product((0.5, 1.0, 2.0, 4.0), repeat=2):
        assert reached >= _macro_f1(label, probabilities, (la, 1.0, um, 1.0)) - 0.003, "the labels' own chance"


def test_they_hold_for_baskets_that_they_were_not_chosen_by() -> None:
    label, probabilities = _timid()
    half = len(label) // 2
    chosen = choose_weights(probabilities[:half])
    later = label[half:], probabilities[half:]
    assert _macro_f1(*later, chosen) > _macro_f1(*later, LIKELIEST) + 0.05


def test_where_the_model_is_sure_nothing_is_weighed() -> None:
    label = np.tile(np.array([0, 1, 2, 3], np.int8), 50)
    assert choose_weights(np.eye(4)[label]) == LIKELIEST


def test_without_a_basket_there_is_nothing_to_choose_by() -> None:
    with pytest.raises(DataError, match="no basket to choose"):
        choose_weights(np.zeros((0, 4)))
