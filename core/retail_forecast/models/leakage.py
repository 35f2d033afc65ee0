"""Leakage guard: a basket's features must not move when its own label does.

Whatever a feature is made of, this is the property that an honest one has: the label of the basket itself is not in it.
The guard changes the labels of some baskets, computes all features again, and names the columns in which those baskets
differ.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.labels import TIERS

__all__ = ["leaking_features"]


def leaking_features(
    compute: Callable[[NDArray[np.int8]], NDArray[np.float32]],
    label: NDArray[np.int8],
    rows: NDArray[np.intp],
    names: tuple[str, ...],
) -> tuple[str, ...]:
    """Names of the features of the baskets at `rows` that depend on those baskets' own labels.

    Parameters
    ----------
    compute : labels of all n baskets -> features of all n baskets, shape (n, len(names)); deterministic
    label : labels as they are, positions in LABELS, shape (n,)
    rows : baskets whose labels are changed together; for out-of-fold features, one fold
    names : of the features, in order
    """
    changed = label.copy()
    changed[rows] = np.where(label[rows] < len(TIERS), (label[rows] + 1) % len(TIERS), label[rows])
    moved = (compute(label)[rows] != compute(changed)[rows]).any(axis=0)
    return tuple(name for name, moves in zip(names, moved, strict=True) if moves)
