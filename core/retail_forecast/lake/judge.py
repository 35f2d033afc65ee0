"""Judge the rows of a batch by the rules that look beyond one row: at its basket, its product's group, its store."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from retail_forecast.domain.basket import basket_size
from retail_forecast.domain.columns import COLUMNS, Level
from retail_forecast.lake.batch import Batch
from retail_forecast.lake.fields import Field
from retail_forecast.lake.links import Accepted, strangers
from retail_forecast.lake.rules import BASKET_FIELD_BITS, Faults, flagged

__all__ = ["Evidence", "Verdict", "judge"]

_SHARED = tuple(
    c.name for c in COLUMNS if c.level not in {Level.LINE, Level.PRODUCT} and c.name not in {"SHOP_WEEK", "BASKET_ID"}
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What only all files together, and the lake, could tell.

    Attributes
    ----------
    accepted : parents of the children that are in question
    spanning : ids of baskets that lie in several weeks
    wounded : ids of baskets of which some row has a fault of its own
    """

    accepted: Accepted
    spanning: pa.StringArray
    wounded: pa.StringArray


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found in a batch of n rows.

    Attributes
    ----------
    faults : fault bits of each row
    basket : int64 array of shape (n,), number of the row's basket in the batch, ascending; -1 where it belongs to none
    complete : bool array with one entry a basket: whether no row of it is at fault
    """

    faults: Faults
    basket: NDArray[np.int64]
    complete: NDArray[np.bool_]


def judge(batch: Batch, evidence: Evidence) -> Verdict:
    """All faults of the batch's rows."""
    basket = _number_baskets(batch)
    ids = batch.fields["BASKET_ID"]
    faults = batch.faults | strangers(batch.fields, evidence.accepted) | _duplicates(batch, basket)
    faults |= _disagreeing(batch, basket) | flagged(batch.placed & _among(ids, evidence.spanning), "R_SPAN")
    first = np.flatnonzero(np.diff(basket, prepend=-1))
    wounded = _among(ids, evidence.wounded)[first]
    sound = ~wounded & (np.bitwise_or.reduceat(faults, first) == 0) if len(first) else wounded
    missized = _missized(batch.fields, first) & sound
    faults |= flagged(np.append(missized, False)[basket], "R_SIZE")
    return Verdict(faults, basket, sound & ~missized)


def _number_baskets(batch: Batch) -> NDArray[np.int64]:
    ids = batch.fields["BASKET_ID"].index
    fresh = (
        (np.diff(ids, prepend=-2) != 0)
        | (np.diff(batch.booked, prepend=-1) != 0)
        | ~np.insert(batch.placed, 0, False)[:-1]
    )
    numbers = np.cumsum(fresh & batch.placed) - 1
    return np.where(batch.placed, numbers, -1)


def _duplicates(batch: Batch, basket: NDArray[np.int64]) -> Faults:
    product = batch.fields["PROD_CODE"].index
    same = (np.diff(basket, prepend=-1) == 0) & (np.diff(product, prepend=-2) == 0)
    return flagged(same & (basket >= 0) & (product >= 0), "R_DUPLICATE")


def _disagreeing(batch: Batch, basket: NDArray[np.int64]) -> Faults:
    rows = np.flatnonzero(batch.placed & ((batch.faults & BASKET_FIELD_BITS) == 0))
    if not len(rows):
        return np.zeros(len(batch), np.uint64)
    differs = np.zeros(len(rows) - 1, bool)
    for name in _SHARED:
        differs |= np.diff(batch.fields[name].index[rows]) != 0
    numbers = basket[rows]
    split = numbers[1:][differs & (np.diff(numbers) == 0)]
    return (
        flagged((basket >= 0) & np.isin(basket, split), "R_BASKET") if len(split) else np.zeros(len(batch), np.uint64)
    )


def _among(ids: Field, chosen: pa.StringArray) -> NDArray[np.bool_]:
    flags = np.asarray(pc.is_in(ids.values, chosen))
    found: NDArray[np.bool_] = np.append(flags, False)[ids.index]
    return found


def _missized(fields: Mapping[str, Field], first: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Whether each basket's BASKET_SIZE does not fit its quantity; means nothing where a row is at fault."""
    if not len(first):
        return np.zeros(0, bool)
    items = np.add.reduceat(fields["QUANTITY"].decoded(0).astype(np.int64), first)
    totals, position = np.unique(items, return_inverse=True)
    sizes = fields["BASKET_SIZE"]
    numbers = {word: i for i, word in enumerate(sizes.values.to_pylist())}
    expected = np.asarray([numbers.get(basket_size(int(total)), -2) for total in totals])[position]
    wrong: NDArray[np.bool_] = expected != sizes.index[first]
    return wrong
