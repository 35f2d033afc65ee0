"""The decision rule: how probabilities become a label.

Where the likeliest label is nearly always the same, macro F1 is low however good the probabilities are. A task may then
weigh them first; the weights are chosen for macro F1 on the validation window by a model that has not learned from it
(thresholds of each class: Lipton, Elkan and Narayanaswamy, 2014, "Optimal Thresholding of Classifiers to Maximize F1
Measure"), and stand in the bundle and in the card.
"""

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.errors import DataError
from retail_forecast.domain.labels import LABELS, TIERS, Label
from retail_forecast.domain.tasks import Task
from retail_forecast.models.confusion import confusion_counts, rates

__all__ = ["LIKELIEST", "WEIGHTED_TASKS", "Weights", "choose_weights"]

Weights = tuple[float, float, float, float]
"""Of the probabilities, in the order of LABELS."""

LIKELIEST: Weights = (1.0, 1.0, 1.0, 1.0)

WEIGHTED_TASKS = (Task.FLAT, Task.ARRIVAL)

_STEPS = tuple(float(2.0 ** (step / 8)) for step in range(-8, 21))
"""Candidates for the weight of LA and of UM, from 1/2 to 5.7, a twelfth apart; MM and XX have 1."""


def choose_weights(label: NDArray[np.int8], probabilities: NDArray[np.float64]) -> Weights:
    """The weights of best macro F1 over the baskets labelled LA, MM or UM; of equals, those nearest to 1.

    Parameters
    ----------
    label : positions in LABELS, shape (n,)
    probabilities : shape (n, 4), order of LABELS

    Raises
    ------
    DataError : no basket is labelled LA, MM or UM
    """
    rows = label < len(TIERS)
    if not rows.any():
        raise DataError("no basket labelled LA, MM or UM to choose by", mend="choose weeks that hold labelled baskets")
    truth, chances = label[rows], probabilities[rows]
    pairs = [(la, um) for la in _STEPS for um in _STEPS]
    pairs.sort(key=lambda pair: sum(abs(np.log(weight)) for weight in pair))
    tables = np.stack([_counts(truth, chances, _weights(*pair)) for pair in pairs])
    return _weights(*pairs[int(rates(tables).macro_f1.argmax())])


def _counts(label: NDArray[np.int8], probabilities: NDArray[np.float64], weights: Weights) -> NDArray[np.float64]:
    answer = (probabilities * weights).argmax(axis=1).astype(np.int8)
    return confusion_counts(label, answer, len(TIERS)).astype(np.float64)


def _weights(la: float, um: float) -> Weights:
    named = {Label.LA: la, Label.UM: um}
    first, second, third, fourth = (named.get(name, 1.0) for name in LABELS)
    return first, second, third, fourth
