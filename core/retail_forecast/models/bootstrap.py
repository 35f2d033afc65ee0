"""Clustered bootstrap: how far a figure may be chance.

Baskets of one customer resemble each other, so whole customers are drawn (anonymous baskets one by one) with
replacement, as often as there are (Cameron, Gelbach and Miller, 2008, "Bootstrap-Based Improvements for Inference with
Clustered Errors": the pairs cluster bootstrap). A draw needs no basket again, only each cluster's confusion counts and
how often it was drawn. Intervals are percentile intervals. Figures are the main ones of `evaluation`: over baskets
labelled LA, MM or UM.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.errors import DataError
from retail_forecast.domain.labels import LABELS, TIERS
from retail_forecast.models.confusion import rates

__all__ = ["Interval", "PairedBound", "basket_clusters", "intervals", "paired_bound"]

_CELLS = len(TIERS) * len(LABELS)
_BATCH_CELLS = 1 << 20  # weights held at a time: 8 MB, whatever the number of clusters and draws


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a figure lies.

    Attributes
    ----------
    lower, upper : ends of the two-sided interval
    bound : one-sided lower bound, which is above `lower`
    confidence : of both, the interval and the bound
    """

    lower: float
    upper: float
    bound: float
    confidence: float


@dataclass(frozen=True, slots=True)
class PairedBound:
    """Macro F1 of a candidate minus that of the champion, on the same baskets.

    Attributes
    ----------
    difference : on the baskets as they are
    bound : one-sided lower bound of it
    confidence, draws : of the bound
    baskets, clusters : compared, and drawn from
    """

    difference: float
    bound: float
    confidence: float
    draws: int
    baskets: int
    clusters: int


def basket_clusters(customer: NDArray[np.int32]) -> NDArray[np.int64]:
    """Cluster of each basket: its customer, or itself where it is anonymous.

    Parameters
    ----------
    customer : codes of the customers, shape (n,), -1 for an anonymous basket

    Returns
    -------
    numbers from 0 without gaps, shape (n,)

    >>> basket_clusters(np.array([7, -1, 7, -1], np.int32)).tolist()
    [0, 1, 0, 2]
    """
    names = customer.astype(np.int64)
    anonymous = names < 0
    names[anonymous] = names.max(initial=0) + 1 + np.arange(anonymous.sum())
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def intervals(
    label: NDArray[np.int8],
    answer: NDArray[np.int8],
    cluster: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    draws: int = 1000,
    confidence: float = 0.95,
) -> dict[str, Interval]:
    """Intervals of accuracy, macro_f1 and, as `precision.LA` and so on, of precision, recall and F1 per tier.

    Parameters
    ----------
    label, answer : true and answered labels, positions in LABELS, shape (n,)
    cluster : cluster of each basket, as `basket_clusters` gives it, shape (n,)
    rng : source of the draws
    draws, confidence : how many, and the share of them that an interval holds

    Raises
    ------
    DataError : no basket is labelled LA, MM or UM
    """
    drawn = rates(np.concatenate(list(_resampled(_cluster_counts(label, (answer,), cluster), draws, rng)))[:, 0])
    found = {"accuracy": _interval(drawn.accuracy, confidence), "macro_f1": _interval(drawn.macro_f1, confidence)}
    for name, values in (("precision", drawn.precision), ("recall", drawn.recall), ("f1", drawn.f1)):
        found |= {f"{name}.{tier}": _interval(values[:, i], confidence) for i, tier in enumerate(TIERS)}
    return found


def paired_bound(
    label: NDArray[np.int8],
    candidate: NDArray[np.int8],
    champion: NDArray[np.int8],
    cluster: NDArray[np.int64],
    rng: np.random.Generator,
    *,
    draws: int = 1000,
    confidence: float = 0.95,
) -> PairedBound:
    """One-sided lower bound of macro F1(candidate) - macro F1(champion); both are figured on the same draws.

    Parameters
    ----------
    label, candidate, champion : true labels and both models' answers, positions in LABELS, shape (n,)
    cluster, rng, draws, confidence : as in `intervals`

    Raises
    ------
    DataError : no basket is labelled LA, MM or UM
    """
    counts = _cluster_counts(label, (candidate, champion), cluster)
    drawn = rates(np.concatenate(list(_resampled(counts, draws, rng)))).macro_f1
    whole = rates(counts.sum(axis=0).reshape(2, len(TIERS), len(LABELS))).macro_f1
    return PairedBound(
        difference=float(whole[0] - whole[1]),
        bound=float(np.quantile(drawn[:, 0] - drawn[:, 1], 1 - confidence)),
        confidence=confidence,
        draws=draws,
        baskets=int(counts[:, 0].sum()),
        clusters=len(counts),
    )


def _cluster_counts(
    label: NDArray[np.int8], answers: tuple[NDArray[np.int8], ...], cluster: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Confusion counts of each cluster, shape (clusters, answers, 12): 3 labels x 4 answers; XX labels are left out."""
    rows = label < len(TIERS)
    if not rows.any():
        raise DataError("no basket labelled LA, MM or UM to draw from", mend="choose weeks that hold labelled baskets")
    number = np.unique(cluster[rows], return_inverse=True)[1]
    size = int(number.max()) + 1
    start = (number * len(TIERS) + label[rows]) * len(LABELS)
    tables = [np.bincount(start + answer[rows], minlength=size * _CELLS).reshape(size, _CELLS) for answer in answers]
    return np.stack(tables, axis=1).astype(np.float64)


def _resampled(counts: NDArray[np.float64], draws: int, rng: np.random.Generator) -> Iterator[NDArray[np.float64]]:
    """Confusion counts of `draws` resamples, in batches of shape (b, models, 3, 4)."""
    size, models = len(counts), counts.shape[1]
    flat = counts.reshape(size, models * _CELLS)
    step = max(1, _BATCH_CELLS // size)
    for first in range(0, draws, step):
        batch = min(step, draws - first)
        # Drawing and counting clusters gives the same multinomial weights as rng.multinomial, several times faster.
        weights = np.stack([np.bincount(rng.integers(size, size=size), minlength=size) for _ in range(batch)])
        yield (weights.astype(np.float64) @ flat).reshape(batch, models, len(TIERS), len(LABELS))


def _interval(values: NDArray[np.float64], confidence: float) -> Interval:
    outside = 1 - confidence
    lower, upper, bound = np.quantile(values, [outside / 2, 1 - outside / 2, outside])
    return Interval(float(lower), float(upper), float(bound), confidence)
