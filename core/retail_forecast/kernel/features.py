"""Baskets to features: the only place where a feature is computed.

`basket_features` serves the tasks `basket` and `coarse`; `flat_features` serves `flat`, the nine columns of the
specification. Both are deterministic to the bit: sums are exact (see `products`), and what is rounded, a division, a
square root and a cast, is rounded alike everywhere (IEEE 754).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail_forecast.kernel.lines import Baskets, Codes
from retail_forecast.kernel.products import PRICE_VALUES, VALUES, ProductTable

__all__ = [
    "BASKET_FEATURES",
    "COARSE_FEATURES",
    "FLAT_CATEGORIES",
    "FLAT_FEATURES",
    "TOTALS",
    "Lookup",
    "basket_features",
    "feature_names",
    "flat_features",
    "look_up",
]

_CHUNK = 1 << 16

TOTALS = ("lines", "unknown_share", "quantity", "spend_gbp")
"""Features of a basket beside those of its products."""

_EXTREMES = tuple(f"{side}_{name}" for side in ("max", "min") for name in ("lean_la", "lean_um"))

BASKET_FEATURES = (*(f"mean_{name}" for name in VALUES), *_EXTREMES, "balance", *TOTALS)
"""Names of the columns of `basket_features` over leanings. `balance` is mean(is_um) - mean(is_la)."""

COARSE_FEATURES = (
    *(f"mean_{name}" for name in PRICE_VALUES), *_EXTREMES, "balance", "net_balance", "net_error", *TOTALS
)  # fmt: skip
"""Names of the columns of `basket_features` over price keys. `net_balance` is the expected balance of the lines that
are not XX, and `net_error` its standard deviation, as products are drawn independently behind their keys."""

FLAT_CATEGORIES = ("type", "mission", "store_region", "store_format", "prod_code_20", "prod_code_30")
"""Categories among the nine columns; each becomes its position in a vocabulary learned from training baskets, -1 when
unknown."""

FLAT_FEATURES = ("basket_size", "spend_gbp", "quantity", *FLAT_CATEGORIES)
"""Names of the columns of `flat_features`: the nine columns, each once."""

_LA, _UM = VALUES.index("is_la"), VALUES.index("is_um")
_DOUBT, _XX = PRICE_VALUES.index("doubt"), PRICE_VALUES.index("is_xx")
_OF_LEANINGS = {VALUES: BASKET_FEATURES, PRICE_VALUES: COARSE_FEATURES}
_LEAST_LINES = 2.0**-6
"""Lines that are not XX, at least: baskets of XX alone divide by it."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """The lines of baskets, looked up in a product table.

    Attributes
    ----------
    rows : int32 array of shape (m,), row of the table
    unknown : int64 array of shape (n,), lines of each basket whose product is unknown
    """

    rows: NDArray[np.int32]
    unknown: NDArray[np.int64]


def look_up(baskets: Baskets, table: ProductTable) -> Lookup:
    """Look every line up once."""
    rows, known = table.rows(baskets)
    if known.all():
        return Lookup(rows, np.zeros(len(baskets), np.int64))
    return Lookup(rows, _totals((~known).astype(np.int64), baskets.offsets))


def feature_names(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the columns of `basket_features` over a table of `columns`: the means of learned vectors need no more
    beside them than the totals."""
    return _OF_LEANINGS.get(columns) or (*(f"mean_{name}" for name in columns), *TOTALS)


def basket_features(baskets: Baskets, table: ProductTable, lookup: Lookup | None = None) -> NDArray[np.float32]:
    """Features of finished baskets.

    Returns
    -------
    float32 array of shape (n, len(feature_names(table.columns))); a basket without lines has zeros
    """
    found = lookup or look_up(baskets, table)
    counts = baskets.line_counts
    filled = counts > 0
    if filled.all():
        return _of_filled(baskets, table, found.rows, found.unknown, baskets.offsets)
    features = np.zeros((len(baskets), _width(table)), np.float32)
    bounds = np.append(baskets.offsets[:-1][filled], baskets.offsets[-1])
    features[filled] = _of_filled(baskets, table, found.rows, found.unknown[filled], bounds)
    return features


def flat_features(baskets: Baskets, vocabularies: Mapping[str, Mapping[str, int]]) -> NDArray[np.float32]:
    """The specification's nine columns of each basket.

    Parameters
    ----------
    vocabularies : for each of FLAT_CATEGORIES, code -> position

    Returns
    -------
    float32 array of shape (n, 9); BASKET_SIZE is 0 (S), 1 (M) or 2 (L), SPEND and QUANTITY are totals, PROD_CODE_20 and
    _30 are those of the line with the largest spend (of the first code in alphabetical order, when spends are equal)
    """
    quantity = _totals(baskets.quantity, baskets.offsets)
    main = _main_lines(baskets)
    columns = [np.digitize(quantity, [3, 10]), _totals(baskets.spend_pence, baskets.offsets) / 100, quantity]
    for name in FLAT_CATEGORIES:
        numbers = getattr(baskets, name).lookup(vocabularies[name])
        columns.append(
            np.where(main >= 0, np.append(numbers, np.int32(-1))[main], -1) if name.startswith("prod_code") else numbers
        )
    return np.stack(columns, axis=1).astype(np.float32)


def _of_filled(
    baskets: Baskets,
    table: ProductTable,
    rows: NDArray[np.int32],
    unknown: NDArray[np.int64],
    bounds: NDArray[np.int64],
) -> NDArray[np.float32]:
    """Features of the k baskets that have lines, of which basket i's are `bounds[i]:bounds[i + 1]`.

    Written for few calls into numpy, which is what the features of one basket cost.
    """
    starts, counts = bounds[:-1], bounds[1:] - bounds[:-1]
    features = np.empty((len(counts), _width(table)), np.float32)
    of_products = _of_leanings if table.columns in _OF_LEANINGS else _of_vectors
    for first in range(0, len(counts), _CHUNK):
        part = slice(first, first + _CHUNK)
        begin, end = bounds[part][0], bounds[min(first + _CHUNK, len(counts))]
        values = table.values.take(rows[begin:end], axis=0)
        of_products(values, starts[part] - begin, counts[part], features[part])
    features[:, -4] = counts
    features[:, -3] = unknown / counts
    if len(counts):
        features[:, -2] = np.add.reduceat(baskets.quantity, starts)
        features[:, -1] = np.add.reduceat(baskets.spend_pence, starts) / 100
    return features


def _of_vectors(
    values: NDArray[np.float64], starts: NDArray[np.int64], counts: NDArray[np.int64], features: NDArray[np.float32]
) -> None:
    """Write the means of all columns into `features`."""
    features[:, : values.shape[1]] = np.add.reduceat(values, starts, axis=0) / counts[:, None]


def _of_leanings(
    values: NDArray[np.float64], starts: NDArray[np.int64], counts: NDArray[np.int64], features: NDArray[np.float32]
) -> None:
    """Write the means of all columns, the extremes of the leanings and the balance into `features`; of price keys the
    net balance and its error as well."""
    width = values.shape[1]
    sums = np.add.reduceat(values, starts, axis=0)
    means = sums / counts[:, None]
    features[:, :width] = means
    features[:, width : width + 2] = np.maximum.reduceat(values[:, :2], starts, axis=0)
    features[:, width + 2 : width + 4] = np.minimum.reduceat(values[:, :2], starts, axis=0)
    features[:, width + 4] = means[:, _UM] - means[:, _LA]
    if width == len(PRICE_VALUES):
        lines = np.maximum(counts - sums[:, _XX], _LEAST_LINES)
        features[:, width + 5] = (sums[:, _UM] - sums[:, _LA]) / lines
        features[:, width + 6] = np.sqrt(sums[:, _DOUBT]) / lines


def _width(table: ProductTable) -> int:
    names = _OF_LEANINGS.get(table.columns)
    return len(names) if names else len(table.columns) + len(TOTALS)


def _totals(values: NDArray[np.int64], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum of integers over each basket's lines, int64 of shape (n,)."""
    running = np.zeros(len(values) + 1, np.int64)
    values.cumsum(out=running[1:])
    at = running[offsets]
    totals: NDArray[np.int64] = at[1:] - at[:-1]
    return totals


def _main_lines(baskets: Baskets) -> NDArray[np.int64]:
    """Line with the largest spend of each basket, -1 where there is none; int64 of shape (n,)."""
    basket = np.repeat(np.arange(len(baskets)), baskets.line_counts)
    order = np.lexsort((_ranks(baskets.prod_code_30), _ranks(baskets.prod_code_20), -baskets.spend_pence, basket))
    filled = baskets.line_counts > 0
    main = np.full(len(baskets), -1, np.int64)
    main[filled] = order[baskets.offsets[:-1][filled]]
    return main


def _ranks(codes: Codes) -> NDArray[np.int32]:
    """Alphabetical rank of each code, so that a tie does not depend on the order of appearance."""
    return codes.lookup({value: rank for rank, value in enumerate(sorted(codes.values))})
