"""How far a model's confidence can be taken at its word: the reliability curve and the expected calibration error.

Bins hold equal shares of the baskets, not equal ranges of confidence: a good model is sure of most baskets, and equal
ranges would leave all bins but one nearly empty (Nguyen and O'Connor, 2015, "Posterior calibration and exploratory
analysis for natural language processing models").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BINS", "ReliabilityBin", "expected_calibration_error", "reliability_curve"]

BINS = 15
"""Bins of a curve, as in Guo et al., 2017, "On Calibration of Modern Neural Networks"."""


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Baskets of similar confidence.

    Attributes
    ----------
    confidence : mean probability that the model gave to its answers
    accuracy : share of the answers that were right
    count : baskets in the bin
    """

    confidence: float
    accuracy: float
    count: int


def reliability_curve(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[ReliabilityBin, ...]:
    """At most `BINS` bins of equal mass, by rising confidence.

    Equal confidences share a bin, so that the curve does not depend on the order of the rows; with many of them
    bins are fewer and unequal.

    Parameters
    ----------
    confidence : probability of each answer, shape (n,), n > 0
    right : whether each answer was right, shape (n,)
    """
    _, distinct, equals = np.unique(confidence, return_inverse=True, return_counts=True)
    middle_rank = np.cumsum(equals) - equals / 2
    number = np.floor(middle_rank * BINS / len(confidence)).astype(np.int64)[distinct]
    count = np.bincount(number, minlength=BINS)
    mean, hits = (np.bincount(number, weights, BINS) for weights in (confidence, right))
    return tuple(
        ReliabilityBin(float(mean[b] / count[b]), float(hits[b] / count[b]), int(count[b]))
        for b in np.flatnonzero(count)
    )


def expected_calibration_error(curve: Sequence[ReliabilityBin]) -> float:
    """Mean distance of confidence and accuracy over the bins of `curve`, weighted by their counts."""
    total = sum(b.count for b in curve)
    return sum(b.count * abs(b.confidence - b.accuracy) for b in curve) / total
