"""Baskets in columns: the one input of the kernel, whether it came from gold, a file or a request.

`offsets` marks where each basket's lines begin, as in an Arrow list column: the lines of basket i are
`offsets[i]:offsets[i + 1]`. Codes are dictionary-encoded, so that a product is looked up once per distinct code.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, repeat

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.basket import Basket
from retail_forecast.domain.calendar import EPOCH

__all__ = [
    "HEADER",
    "LEVELS",
    "MISSING",
    "MOMENTS",
    "Baskets",
    "Codes",
    "baskets_from_rows",
    "concatenate",
    "encode",
]

LEVELS = ("prod_code", "prod_code_10", "prod_code_20", "prod_code_30")
"""Levels of the product tree from the product up, as far as features look."""

MOMENTS = ("shop_day", "shop_hour")
"""When a basket was paid: numbers, not codes."""

MISSING = np.iinfo(np.int32).min
"""Stands for a day or an hour that is not given."""


@dataclass(frozen=True, slots=True)
class Codes:
    """A dictionary-encoded column of n codes.

    Attributes
    ----------
    values : the distinct codes
    index : int32 array of shape (n,), positions in `values`; -1 where the code is missing
    """

    values: tuple[str, ...]
    index: NDArray[np.int32]

    def lookup(self, table: Mapping[str, int]) -> NDArray[np.int32]:
        """Each code's number in `table`, -1 where it has none. Returns int32 of shape (n,)."""
        numbers = np.array([*map(table.get, self.values, repeat(-1)), -1], np.int32)
        found: NDArray[np.int32] = numbers.take(self.index)
        return found

    def take(self, rows: NDArray[np.intp]) -> "Codes":
        """The codes at `rows`."""
        return Codes(self.values, self.index[rows])

    def to_list(self) -> list[str | None]:
        """The codes as text, None where missing."""
        words = (*self.values, None)
        return [words[i] for i in self.index]


@dataclass(frozen=True, slots=True)
class Baskets:
    """n baskets with m lines in all.

    Attributes
    ----------
    offsets : int64 array of shape (n + 1,), from 0 to m, not decreasing
    quantity : int64 array of shape (m,) [items]
    spend_pence : int64 array of shape (m,) [0.01 GBP]
    shop_day : int32 array of shape (n,), days since the calendar's EPOCH, a Monday; MISSING where not given
    shop_hour : int32 array of shape (n,) [h], MISSING where not given
    known : float32 array of shape (n, k), what was known of each basket before it began (`kernel.arrival`); None where
        that was not joined
    prod_code, prod_code_10, prod_code_20, prod_code_30 : codes of the m lines
    basket_id, customer, store_region, store_format, type, mission, seg_1, seg_2, store_code : codes of the n baskets
    """

    offsets: NDArray[np.int64]
    quantity: NDArray[np.int64]
    spend_pence: NDArray[np.int64]
    shop_day: NDArray[np.int32]
    shop_hour: NDArray[np.int32]
    known: NDArray[np.float32] | None
    prod_code: Codes
    prod_code_10: Codes
    prod_code_20: Codes
    prod_code_30: Codes
    basket_id: Codes
    customer: Codes
    store_code: Codes
    store_region: Codes
    store_format: Codes
    seg_1: Codes
    seg_2: Codes
    type: Codes
    mission: Codes

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def line_counts(self) -> NDArray[np.int64]:
        """Lines of each basket, int64 of shape (n,)."""
        counts: NDArray[np.int64] = self.offsets[1:] - self.offsets[:-1]
        return counts

    def take(self, rows: NDArray[np.intp]) -> "Baskets":
        """The baskets at `rows`, in that order, with their lines."""
        counts = self.line_counts[rows]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        lines = np.repeat(self.offsets[:-1][rows] - offsets[:-1], counts) + np.arange(offsets[-1])
        return self.compose(rows, offsets, lines)

    def compose(self, rows: NDArray[np.intp], offsets: NDArray[np.int64], lines: NDArray[np.int64]) -> "Baskets":
        """New baskets with the headers of the baskets at `rows`, of which basket i holds copies of the lines
        `lines[offsets[i]:offsets[i + 1]]`, whichever baskets those lines are of."""
        return Baskets(
            offsets,
            self.quantity[lines],
            self.spend_pence[lines],
            self.shop_day[rows],
            self.shop_hour[rows],
            None if self.known is None else self.known[rows],
            *(getattr(self, name).take(lines) for name in LEVELS),
            *(getattr(self, name).take(rows) for name in HEADER),
        )


HEADER = ("basket_id", "customer", "store_code", "store_region", "store_format", "seg_1", "seg_2", "type", "mission")


def encode(words: Sequence[str | None]) -> Codes:
    """Dictionary-encode `words`; None becomes -1. The dictionary keeps the order of first appearance."""
    numbers: dict[str, int] = {}
    index = [-1 if w is None else numbers.setdefault(w, len(numbers)) for w in words]
    return Codes(tuple(numbers), np.array(index, np.int32))


def baskets_from_rows(rows: Sequence[Basket], columns: Collection[str] = (*LEVELS, *HEADER, *MOMENTS)) -> Baskets:
    """The columns of `rows`; pounds become whole pence.

    Parameters
    ----------
    columns : those of LEVELS, HEADER and MOMENTS that will be looked at; the others are left missing everywhere
    """
    lines = [line for row in rows for line in row.lines]
    no_line, no_row, no_moment = _missing(len(lines)), _missing(len(rows)), np.full(len(rows), MISSING, np.int32)
    return Baskets(
        np.array([0, *accumulate(len(row.lines) for row in rows)], np.int64),
        np.array([line.quantity for line in lines], np.int64),
        np.rint(np.array([line.spend_gbp for line in lines], np.float64) * 100).astype(np.int64),
        np.array([_day(row.shop_date) for row in rows], np.int32) if "shop_day" in columns else no_moment,
        np.array([_hour(row.shop_hour) for row in rows], np.int32) if "shop_hour" in columns else no_moment,
        None,
        *(encode([getattr(line, n) for line in lines]) if n in columns else no_line for n in LEVELS),
        *(encode([getattr(row, n) for row in rows]) if n in columns else no_row for n in HEADER),
    )


def _day(day: date | None) -> int:
    return MISSING if day is None else (day - EPOCH).days


def _hour(hour: int | None) -> int:
    return MISSING if hour is None else hour


def _missing(count: int) -> Codes:
    index = np.empty(count, np.int32)
    index.fill(-1)
    return Codes((), index)


def concatenate(parts: Sequence[Baskets]) -> Baskets:
    """All baskets of `parts`, in order; what was known of them is not joined."""
    starts = np.concatenate([[0], np.cumsum([p.offsets[-1] for p in parts])])
    offsets = np.concatenate(
        [np.zeros(1, np.int64), *(p.offsets[1:] + s for p, s in zip(parts, starts[:-1], strict=True))]
    )
    return Baskets(
        offsets.astype(np.int64),
        np.concatenate([p.quantity for p in parts]),
        np.concatenate([p.spend_pence for p in parts]),
        np.concatenate([p.shop_day for p in parts]),
        np.concatenate([p.shop_hour for p in parts]),
        None,
        *(_joined([getattr(p, name) for p in parts]) for name in (*LEVELS, *HEADER)),
    )


def _joined(parts: Sequence[Codes]) -> Codes:
    numbers: dict[str, int] = {}
    for part in parts:
        for value in part.values:
            numbers.setdefault(value, len(numbers))
    return Codes(tuple(numbers), np.concatenate([p.lookup(numbers) for p in parts]))
