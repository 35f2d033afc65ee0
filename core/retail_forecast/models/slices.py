"""Where a model is weak: its figures per kind of basket.

Baskets are sliced by what is known beside their products. A slice's figures are the main ones of `evaluation`, over
baskets labelled LA, MM or UM. Small slices are shown but never called the weakest: their figures are chance.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.labels import TIERS
from retail_forecast.kernel.lines import Baskets
from retail_forecast.models.confusion import confusion_counts, rates
from retail_forecast.models.findings import Slice

__all__ = ["ANONYMOUS", "MINIMUM", "slice_figures", "weakest"]

MINIMUM = 200
"""Baskets below which a slice is too small to be called weak: macro F1 then moves by several points by chance."""

ANONYMOUS = "anonymous"

_SIZES = ("S", "M", "L")
_SIZE_BOUNDS = (3, 10)
_LINES = ("1", "2-3", "4-6", "7-12", "13 and more")
_LINE_BOUNDS = (2, 4, 7, 13)


def slice_figures(baskets: Baskets, label: NDArray[np.int8], answer: NDArray[np.int8]) -> tuple[Slice, ...]:
    """Figures by store format, region, customer group, basket size and number of lines.

    Parameters
    ----------
    baskets, label, answer : n baskets, their labels and the model's answers (positions in LABELS, shape (n,))

    Returns
    -------
    slices that hold baskets, each kind of slice in the order of its values
    """
    tiers = np.flatnonzero(label < len(TIERS))
    found = []
    for by, (values, index) in _kinds(baskets).items():
        for number in sorted(range(len(values)), key=lambda i: (by not in _ORDERED and values[i], i)):
            rows = tiers[index[tiers] == number]
            if len(rows):
                found.append(_figures(by, values[number], label[rows], answer[rows]))
    return tuple(found)


def weakest(slices: Sequence[Slice]) -> Slice | None:
    """The slice of least macro F1 among those of at least MINIMUM baskets; None when all are smaller."""
    large = [each for each in slices if each.n >= MINIMUM]
    return min(large, key=lambda each: (each.macro_f1, each.by, each.value), default=None)


_ORDERED = ("basket size", "lines")


def _kinds(baskets: Baskets) -> dict[str, tuple[Sequence[str], NDArray[np.intp]]]:
    """For each kind of slice its values, and each basket's position among them."""
    running = np.concatenate([np.zeros(1, np.int64), np.cumsum(baskets.quantity)])
    quantity = running[baskets.offsets[1:]] - running[baskets.offsets[:-1]]
    codes = {
        "store format": (baskets.store_format, "not given"),
        "region": (baskets.store_region, "not given"),
        "customer group": (baskets.seg_1, ANONYMOUS),
    }
    kinds: dict[str, tuple[Sequence[str], NDArray[np.intp]]] = {
        by: ((*column.values, absent), column.index.astype(np.intp) % (len(column.values) + 1))
        for by, (column, absent) in codes.items()
    }
    kinds["basket size"] = (_SIZES, np.digitize(quantity, _SIZE_BOUNDS))
    kinds["lines"] = (_LINES, np.digitize(baskets.line_counts, _LINE_BOUNDS))
    return kinds


def _figures(by: str, value: str, label: NDArray[np.int8], answer: NDArray[np.int8]) -> Slice:
    counts = confusion_counts(label, answer, len(TIERS))
    rate = rates(counts)
    there = counts.sum(axis=1) + counts.sum(axis=0)[: len(TIERS)] > 0
    return Slice(by, value, len(label), float(rate.accuracy), float(rate.f1[there].mean()))
