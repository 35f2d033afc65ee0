"""The decision rule: how probabilities become a label.

Where the likeliest label is nearly always the same, macro F1 is low however good the probabilities are. A task may then
weigh them first (thresholds of each class: Lipton, Elkan and Narayanaswamy, 2014, "Optimal Thresholding of Classifiers
to Maximize F1 Measure"). The weights are those of best macro F1 as calibrated probabilities themselves foretell it (on
measured and on expected F-measures: Ye, Chai, Lee and Chieu, 2012, "Optimizing F-measures: A Tale of Two Approaches"):
labels of a few weeks would add their chance to the choice. They stand in the bundle and in the card.
"""

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.errors import DataError
from retail_forecast.domain.labels import LABELS, TIERS, Label
from retail_forecast.domain.tasks import Task
from retail_forecast.models.confusion import rates

__all__ = ["LIKELIEST", "WEIGHTED_TASKS", "Weights", "choose_weights"]

Weights = tuple[float, float, float, float]
"""Of the probabilities, in the order of LABELS."""

LIKELIEST: Weights = (1.0, 1.0, 1.0, 1.0)

WEIGHTED_TASKS = (Task.FLAT, Task.ARRIVAL)

_STEPS = tuple(float(2.0 ** (step / 8)) for step in range(-8, 21))
"""Candidates for the weight of LA and of UM, from 1/2 to 5.7, a twelfth apart; MM and XX have 1."""


def choose_weights(probabilities: NDArray[np.float64]) -> Weights:
    """The weights of best expected macro F1 over LA, MM and UM; of equals, those nearest to 1.

    Parameters
    ----------
    probabilities : calibrated, of baskets that the model has not learned from, shape (n, 4), order of LABELS

    Raises
    ------
    DataError : there is no basket
    """
    if not len(probabilities):
        raise DataError("no basket to choose the decision rule by", mend="choose weeks that hold baskets")
    pairs = [(la, um) for la in _STEPS for um in _STEPS]
    pairs.sort(key=lambda pair: sum(abs(np.log(weight)) for weight in pair))
    tables = np.stack([_expected_counts(probabilities, _weights(*pair)) for pair in pairs])
    return _weights(*pairs[int(rates(tables).macro_f1.argmax())])


def _expected_counts(probabilities: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    """How many baskets of each tier are expected to be given each answer, float64 of shape (3, 4)."""
    answer = (probabilities * weights).argmax(axis=1)
    return np.stack([np.bincount(answer, chance, len(LABELS)) for chance in probabilities.T[: len(TIERS)]])


def _weights(la: float, um: float) -> Weights:
    named = {Label.LA: la, Label.UM: um}
    first, second, third, fourth = (named.get(name, 1.0) for name in LABELS)
    return first, second, third, fourth
