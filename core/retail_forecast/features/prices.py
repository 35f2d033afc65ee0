"""What price keys tell of the products behind them: the table that the task `coarse` looks lines up in.

A key's row is the mean of the products that are sold under it, over the lines of the training baskets. Old lines count
less, for prices move and ranges change. Where products of several classes share a key, each store that sells otherwise
than the whole has a row of its own. Few lines tell little: a row is drawn towards the coarser one, as if that had been
seen in a line more (shrinkage as in Efron and Morris, 1973, "Stein's estimation rule and its competitors").
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retail_forecast.clouds.hosts import ALONE, Hosts, union
from retail_forecast.features.products import lay_out, sums_by_code
from retail_forecast.kernel.lines import MISSING, Baskets, Codes
from retail_forecast.kernel.prices import coarser_key, finest_keys, price_keys, store_keys
from retail_forecast.kernel.products import PRICE_VALUES, VALUES, ProductTable, quantise

__all__ = ["lay_out_by_price"]

_HALF_LIFE_DAYS = 196
"""Age at which a line counts half. Chosen on the validation window, as the numbers below (docs/adr/0003)."""

_OF_GROUP, _OF_KEY = 0.5, 1.0
"""Lines that the row of the group weighs in that of a key, and the row of a key in that of its stores."""

_PURE = 0.99
"""Share of its likeliest class from which a key needs no rows of stores."""

_APART = 0.05
"""Difference in the share of a class from which a store has a row of its own; fewer rows, and no loss."""

_CLASSES = slice(VALUES.index("is_la"), VALUES.index("is_xx") + 1)


@dataclass(frozen=True, slots=True)
class _Lines:
    """The m lines of the training baskets: what each is worth.

    Attributes
    ----------
    rows : int32 array of shape (m,), row of each line in `own`
    own : float64 array of shape (p, len(VALUES)), of the p products
    weight : float64 array of shape (m,)
    """

    rows: NDArray[np.int32]
    own: NDArray[np.float64]
    weight: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows by name; values of shape (k, len(VALUES))."""

    names: tuple[str, ...]
    values: NDArray[np.float64]

    def of(self, names: tuple[str, ...]) -> NDArray[np.float64]:
        """The values of `names`, in their order."""
        numbers = {name: row for row, name in enumerate(self.names)}
        return self.values[[numbers[name] for name in names]]

    def kept(self, mask: NDArray[np.bool_]) -> "_Rows":
        """Those where `mask` is true."""
        return _Rows(tuple(self.names[i] for i in np.flatnonzero(mask)), self.values[mask])


def lay_out_by_price(
    baskets: Baskets, codes: tuple[str, ...], own: NDArray[np.float64], hosts: Hosts = ALONE
) -> ProductTable:
    """The table for baskets seen `by_price_key`, with columns PRICE_VALUES.

    Parameters
    ----------
    baskets : the training baskets, with their products
    codes, own : the p products and their values, shape (p, len(VALUES)), not yet quantised
    """
    rows = baskets.prod_code.lookup({code: row for row, code in enumerate(codes)})
    lines = _Lines(rows, own, _weights(baskets, hosts))
    groups = _means(baskets.prod_code_10, lines, None, 0.0, hosts)
    names = price_keys(baskets)
    keys = _means(names, lines, groups, _OF_GROUP, hosts)
    contested = keys.kept(keys.values[:, _CLASSES].max(axis=1) < _PURE)
    in_stores = store_keys(baskets, _only(names, contested.names))
    stores = _means(in_stores, lines, keys, _OF_KEY, hosts)
    coarser = keys.of(tuple(map(coarser_key, stores.names)))
    stores = stores.kept(np.abs(stores.values - coarser)[:, _CLASSES].max(axis=1, initial=0.0) >= _APART)
    found = (*keys.names, *stores.names)
    seen = replace(baskets, prod_code=finest_keys(names, in_stores, dict.fromkeys(stores.names, 0)))
    return _with_doubt(lay_out(seen, found, np.concatenate([keys.values, stores.values]), VALUES, hosts))


def _weights(baskets: Baskets, hosts: Hosts) -> NDArray[np.float64]:
    """How much each line counts: half as much for every half-life that it is older than the newest one. Without a date
    it counts as new."""
    newest = max(map(int, union(hosts, [str(baskets.shop_day.max(initial=MISSING))])))
    age = np.where(baskets.shop_day == MISSING, 0, newest - baskets.shop_day.astype(np.int64))
    return np.repeat(0.5 ** (age / _HALF_LIFE_DAYS), baskets.line_counts)


def _means(codes: Codes, lines: _Lines, coarser: _Rows | None, strength: float, hosts: Hosts) -> _Rows:
    """Mean of the lines of each code, drawn towards the coarser row as if that were `strength` lines more."""
    names, sums = sums_by_code(codes, lines.rows, lines.own, hosts, lines.weight)
    present = np.flatnonzero(sums[:, -1])
    found = tuple(names[i] for i in present)
    sums, counts = sums[present, :-1], sums[present, -1:]
    if coarser is None:
        return _Rows(found, sums / counts)
    return _Rows(found, (sums + strength * coarser.of(tuple(map(coarser_key, found)))) / (counts + strength))


def _only(codes: Codes, kept: tuple[str, ...]) -> Codes:
    """The codes, missing where they are not among `kept`."""
    wanted = codes.lookup(dict.fromkeys(kept, 0)) >= 0
    return Codes(codes.values, np.where(wanted, codes.index, -1).astype(np.int32))


def _with_doubt(table: ProductTable) -> ProductTable:
    """The table with the variance of the balance of one line, from the shares of the classes in its row."""
    la, um = table.values[:, VALUES.index("is_la")], table.values[:, VALUES.index("is_um")]
    doubt = quantise(la + um - (um - la) ** 2)
    return replace(table, values=np.insert(table.values, -1, doubt, axis=1), columns=PRICE_VALUES)
