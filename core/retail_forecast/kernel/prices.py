"""Price keys: a product group with a unit price, which is nearly a product's fingerprint.

Most products keep one unit price for years, so (PROD_CODE_10, unit price) tells much of a line whose product is not
given, or was never seen. Where several products share a key, the store tells more: few stores sell all of them.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from retail_forecast.kernel.lines import Baskets, Codes

__all__ = ["by_price_key", "coarser_key", "finest_keys", "price_keys", "store_keys"]

_BITS = 40
_MASK = (1 << _BITS) - 1
_NOTHING: Mapping[str, int] = MappingProxyType({})


def price_keys(baskets: Baskets) -> Codes:
    """Key of each line, such as "CL00155@101" for 1.01 GBP; missing where the group is.

    The unit price is spend over quantity, rounded half up to whole pence.
    """
    quantity, spend = np.maximum(baskets.quantity, 1), baskets.spend_pence
    price = (2 * spend + quantity) // (2 * quantity)
    groups = baskets.prod_code_10
    pairs, index = _pairs(groups.index, price)
    return Codes(tuple(f"{groups.values[group]}@{pence}" for group, pence in pairs), index)


def store_keys(baskets: Baskets, keys: Codes) -> Codes:
    """Key of each line in its store, such as "CL00155@101#STORE00001"; missing where its price key or the store is.

    Parameters
    ----------
    keys : price keys of the lines
    """
    stores = baskets.store_code
    pairs, index = _pairs(keys.index, np.repeat(stores.index.astype(np.int64), baskets.line_counts))
    return Codes(tuple(f"{keys.values[key]}#{stores.values[store]}" for key, store in pairs), index)


def coarser_key(key: str) -> str:
    """What a key falls back to: the price key of a key in a store, the group of a price key.

    >>> coarser_key("CL00155@101#STORE00001"), coarser_key("CL00155@101")
    ('CL00155@101', 'CL00155')
    """
    return key.rpartition("#" if "#" in key else "@")[0]


def finest_keys(keys: Codes, in_stores: Codes, kept: Mapping[str, int]) -> Codes:
    """Key of each line: that in its store where it is among `kept`, else its price key.

    Parameters
    ----------
    keys, in_stores : price keys of the lines, and their keys in their stores
    kept : keys that something is known of
    """
    finer = in_stores.lookup(kept) >= 0
    index = np.where(finer, in_stores.index + np.int32(len(keys.values)), keys.index)
    return Codes((*keys.values, *in_stores.values), index)


def by_price_key(baskets: Baskets, kept: Mapping[str, int] = _NOTHING) -> Baskets:
    """The same baskets with price keys in the place of products: all that the task `coarse` may look at.

    Parameters
    ----------
    kept : keys that something is known of, as in `finest_keys`
    """
    keys = price_keys(baskets)
    return replace(baskets, prod_code=finest_keys(keys, store_keys(baskets, keys), kept) if kept else keys)


def _pairs(first: NDArray[np.int32], second: NDArray[np.int64]) -> tuple[list[tuple[int, int]], NDArray[np.int32]]:
    """The distinct pairs of numbers, and which of them each line has: -1 where one of the two is negative."""
    both = (first >= 0) & (second >= 0)
    found, index = np.unique(np.where(both, (first.astype(np.int64) << _BITS) | second, -1), return_inverse=True)
    absent = int(len(found) > 0 and found[0] == -1)
    numbers = found[absent:]
    pairs = list(zip((numbers >> _BITS).tolist(), (numbers & _MASK).tolist(), strict=True))
    return pairs, (index - absent).astype(np.int32)
