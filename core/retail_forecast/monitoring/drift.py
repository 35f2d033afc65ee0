"""Drift of a distribution against a reference, by the population stability index."""

from collections.abc import Mapping

import numpy as np

from retail_forecast.domain.errors import DataError

__all__ = ["STABLE", "UNSTABLE", "stability_index"]

STABLE, UNSTABLE = 0.1, 0.25
"""Customary reading of the index (Siddiqi, 2006, "Credit Risk Scorecards"): below the first nothing has moved, above
the second much."""

_SMOOTHING = 0.5


def stability_index(reference: Mapping[str, int], current: Mapping[str, int]) -> float:
    """Population stability index: sum over the categories of (p - q) ln(p / q), p and q the shares in `current` and
    `reference`.

    Half a count is added to every category, so that one which is missing on a side weighs much, but not infinitely.

    Parameters
    ----------
    reference, current : counts by category

    Raises
    ------
    DataError : a side holds no count at all

    >>> round(stability_index({"LA": 260, "MM": 470, "UM": 270}, {"LA": 220, "MM": 550, "UM": 230}), 3)
    0.026
    >>> stability_index({"LA": 10, "MM": 30}, {"LA": 10, "MM": 30})
    0.0
    """
    names = sorted({*reference, *current})
    sides = [np.array([counts.get(name, 0) for name in names], np.float64) for counts in (current, reference)]
    if any(side.sum() <= 0 for side in sides):
        raise DataError("nothing to compare: one side is empty", mend="choose weeks that hold baskets")
    p, q = ((side + _SMOOTHING) / (side + _SMOOTHING).sum() for side in sides)
    return float(((p - q) * np.log(p / q)).sum())
