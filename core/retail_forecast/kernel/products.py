"""The product table: what a model has learned about each product, and what it falls back to for products it never saw.

A line is looked up by PROD_CODE; when that is unknown, by PROD_CODE_10, then _20, then _30; when all are unknown it
gets the last row of the table, the average product. Values are multiples of 2**-16 of moderate size, so that float64
sums of them are exact: a basket's features do not depend on the order of its lines, on the platform or on how many
baskets are computed at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail_forecast.kernel.lines import LEVELS, Baskets

__all__ = ["LIMIT", "PRICE_VALUES", "QUANTUM", "VALUES", "ProductTable", "quantise"]

QUANTUM = 2.0**-16
LIMIT = 64.0

VALUES = (
    "lean_la",
    "lean_um",
    "squash_la",
    "squash_um",
    "square_la",
    "square_um",
    "share_la",
    "share_mm",
    "share_um",
    "is_la",
    "is_mm",
    "is_um",
    "is_xx",
)
"""Columns of a table of leanings: leanings (log-odds against MM), the same squashed by tanh(x / 2), their squares, the
shares of a basket of that product alone, and its likeliest class. Other tables hold learned vectors; the last column of
each is `is_xx`."""

PRICE_VALUES = (*VALUES[:-1], "doubt", VALUES[-1])
"""Columns of a table of price keys: the same, where classes are shares of the products behind the key, and the variance
of the balance (UM 1, LA -1, else 0) of one line with that key."""


def quantise(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to multiples of 2**-16 within +-64, shape kept. There is no negative zero among them: which of two zeros is
    the larger would depend on the order of lines."""
    return np.clip(np.round(values / QUANTUM) * QUANTUM, -LIMIT, LIMIT) + 0.0


@dataclass(frozen=True, slots=True)
class ProductTable:
    """Learned values of products and product groups.

    Attributes
    ----------
    products : product -> row
    groups : code of PROD_CODE_10, _20 or _30 -> row (their prefixes differ, so that they share one namespace)
    values : float64 array of shape (rows + 1, len(columns)), quantised; the last row is the average product
    columns : names of the values; the last is "is_xx"
    """

    products: Mapping[str, int]
    groups: Mapping[str, int]
    values: NDArray[np.float64]
    columns: tuple[str, ...] = VALUES

    def rows(self, baskets: Baskets) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
        """Row of each line, and whether its product itself is known; two arrays of shape (m,)."""
        rows = baskets.prod_code.lookup(self.products)
        known = rows >= 0
        if not known.all():
            missing = np.flatnonzero(~known)
            for level in LEVELS[1:]:
                rows[missing] = getattr(baskets, level).take(missing).lookup(self.groups)
                missing = missing[rows[missing] < 0]
            rows[missing] = len(self.values) - 1
        return rows, known
