"""Confusion counts of labels against answers, and the rates that follow from them.

One definition for a single table of counts and for a stack of bootstrap draws: every rate works on the last two axes. A
rate whose denominator is zero (a class that was never answered, or never there) is 0, as in scikit-learn with
`zero_division=0`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.labels import LABELS

__all__ = ["Rates", "confusion_counts", "rates"]


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of confusion counts of shape (..., k, 4).

    Attributes
    ----------
    accuracy, macro_f1 : shape (...,); macro F1 is the unweighted mean of the k classes' F1
    precision, recall, f1 : shape (..., k), one value per true class
    """

    accuracy: NDArray[np.float64]
    macro_f1: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]


def confusion_counts(label: NDArray[np.int8], answer: NDArray[np.int8], classes: int) -> NDArray[np.int64]:
    """Baskets by true class (rows) and answered class (columns).

    Parameters
    ----------
    label, answer : positions in LABELS, shape (n,)
    classes : the first `classes` of LABELS are counted; rows of a later label must have been left out

    Returns
    -------
    int64 array of shape (classes, 4): a basket may be answered XX whatever its label is
    """
    cells = label.astype(np.int64) * len(LABELS) + answer
    return np.bincount(cells, minlength=classes * len(LABELS)).reshape(classes, len(LABELS))


def rates(counts: NDArray[np.int64] | NDArray[np.float64]) -> Rates:
    """Rates of `counts`, an array of shape (..., k, 4) as `confusion_counts` gives it, weighted or not."""
    table = np.asarray(counts, np.float64)
    classes = table.shape[-2]
    hits = np.diagonal(table, axis1=-2, axis2=-1)
    there, answered = table.sum(axis=-1), table.sum(axis=-2)[..., :classes]
    f1 = _ratio(2 * hits, there + answered)
    return Rates(
        accuracy=_ratio(hits.sum(axis=-1), there.sum(axis=-1)),
        macro_f1=f1.mean(axis=-1),
        precision=_ratio(hits, answered),
        recall=_ratio(hits, there),
        f1=f1,
    )


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)
