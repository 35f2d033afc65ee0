"""An order of rows in which neighbours take the same turns in a model's trees.

ONNX Runtime walks a tree by branches, which the processor has to guess: among rows in any order it errs so often that
they take twice the time. What a row is answered does not depend on its neighbours.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEW", "ORDER", "alike"]

ORDER = "order"
"""Key in the metadata of a model made of trees: a JSON list of the inputs whose splits gain most, two at most."""

FEW = 16
"""Rows below which putting them in order costs more than it saves."""

_PART = 256


def alike(features: NDArray[np.float32], columns: Sequence[int]) -> NDArray[np.intp]:
    """Positions of the n rows by the first of `columns`, and within 256 of them by the second; shape (n,)."""
    order = features[:, columns[0]].argsort()
    if len(order) > _PART and len(columns) > 1:
        second = features[:, columns[1]]
        for first in range(0, len(order), _PART):
            part = order[first : first + _PART]
            part[:] = part[second[part].argsort()]
    return order
