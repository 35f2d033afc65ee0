"""Why this basket: what each line contributed to the answer.

A line's contribution is what the answer loses without it: log-odds of the answered label for the whole basket, minus
those for the basket without the line, both by the bundle's own scorer. It is exact for what it says (nothing is
approximated), but contributions do not add up: two lines that say the same cover for each other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail_forecast.bundle.scorer import Bundle, Predictions
from retail_forecast.kernel.lines import Baskets

__all__ = ["Explained", "explain"]

_LEAST = 1e-6
"""Probabilities are held this far from 0 and 1, so that log-odds stay finite: within +-13.8."""

_LINES_AT_ONCE = 1 << 17


@dataclass(frozen=True, slots=True)
class Explained:
    """The answers for n baskets with m lines, and why.

    Attributes
    ----------
    answers : for the whole baskets
    contributions : float64 array of shape (m,) [log-odds of the basket's answered label]; above 0 the line spoke for
        the answer, below 0 against it
    """

    answers: Predictions
    contributions: NDArray[np.float64]


def explain(bundle: Bundle, baskets: Baskets) -> Explained:
    """Answer for every basket, and weigh every line."""
    answers = bundle.predict(baskets)
    contributions = np.zeros(len(baskets.quantity))
    for row, label in enumerate(answers.label):
        lines = np.arange(baskets.offsets[row], baskets.offsets[row + 1])
        without = np.concatenate([np.zeros(0), *(p[:, label] for p in _without_each(bundle, baskets, row, lines))])
        contributions[lines] = _log_odds(answers.probabilities[row, [label]]) - _log_odds(without)
    return Explained(answers, contributions)


def _without_each(bundle: Bundle, baskets: Baskets, row: int, lines: NDArray[np.int64]) -> list[NDArray[np.float64]]:
    """Probabilities of basket `row` without each of its `lines` in turn; parts of shape (k, 4), m rows in all."""
    count = len(lines)
    step = max(1, _LINES_AT_ONCE // max(count, 1))
    found = []
    for first in range(0, count, step):
        left_out = np.arange(first, min(first + step, count))
        kept = np.tile(lines, (len(left_out), 1))[np.arange(count) != left_out[:, None]]
        offsets = np.arange(len(left_out) + 1, dtype=np.int64) * (count - 1)
        found.append(bundle.predict(baskets.compose(np.full(len(left_out), row), offsets, kept)).probabilities)
    return found


def _log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    held = np.clip(probability, _LEAST, 1 - _LEAST)
    odds: NDArray[np.float64] = np.log(held / (1 - held))
    return odds
