"""What is known of a basket before it begins: the features of the task `arrival`.

No line of the basket itself is looked at, only the past of its customer, its store and all baskets, as a `History`
holds it: sums over past baskets, for groups of baskets, of which newer ones count more. A group's mean is drawn towards
its parent's by as much as it has seen little (shrinkage towards the group mean: Efron and Morris, 1975, "Data Analysis
Using Stein's Estimator and Its Generalizations"), so that a customer never seen before is answered by store and time.
Square roots tame long tails: unlike logarithms they are rounded alike on every platform.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from retail_forecast.kernel.lines import MISSING, Baskets, Codes

__all__ = [
    "ARRIVAL_COLUMNS",
    "ARRIVAL_FEATURES",
    "GROUPS",
    "LONGEST_ABSENCE",
    "NEVER",
    "PAST",
    "SEEN",
    "SEGMENT_FEATURES",
    "Group",
    "History",
    "Table",
    "arrival_features",
    "group_codes",
    "known_features",
    "known_week",
    "table_rows",
]

PAST = (
    "la", "um", "size", "spend", "small", "is_la", "is_um", "lean_la", "lean_um", "balance", "balance_square",
    "baskets", "lines",
)  # fmt: skip
"""What is summed over past baskets: their labels, their sizes (square roots of lines and of pounds), whether they had
two lines at most, the leanings of their lines, their balance and its square, for how far it spreads; and what the sums
are divided by, baskets or lines."""

NEVER = -(1 << 20)
"""Last week of a group that has no basket."""

LONGEST_ABSENCE = 104
"""Weeks since the last basket are counted up to here, which also stands for never."""


@dataclass(frozen=True, slots=True)
class Group:
    """Baskets that share something.

    Attributes
    ----------
    name : prefix of its features
    keys : what they share: columns of `Baskets`, or "anonymous", whether the customer is not known
    parent : group whose mean stands for baskets not seen; None for the root
    trust : how many baskets, or lines, the parent's mean is worth
    half_lives : weeks, or later baskets of the group, in which a basket's weight halves, a set of sums each
    values : of PAST; with the half-lives, those of the parent or fewer
    pace : what half-lives are counted in
    per : what means are taken over
    activity : whether the number of baskets and the weeks since the last one are features too
    hidden : it has no features of its own
    """

    name: str
    keys: tuple[str, ...]
    parent: str | None
    trust: float
    half_lives: tuple[float, ...]
    values: tuple[str, ...]
    pace: Literal["weeks", "baskets"] = "weeks"
    per: Literal["baskets", "lines"] = "baskets"
    activity: bool = False
    hidden: bool = False

    @property
    def features(self) -> tuple[str, ...]:
        """Names of its features."""
        if self.hidden:
            return ()
        spans = ["ever" if life == inf else f"{life:.0f}{self.pace[0]}" for life in self.half_lives]
        means = tuple(f"{self.name}_{value}_{span}" for span in spans for value in self.values)
        counts = (*(f"{self.name}_baskets_{span}" for span in spans), f"{self.name}_absence")
        return means + (counts if self.activity else ())


_TIERS = ("la", "um")
_SIZES = ("size", "spend", "small")
_SCALE = ("balance", "balance_square")
_TASTE = ("is_la", "is_um", "lean_la", "lean_um")

GROUPS = (
    Group("all", (), None, 1, (8, 26, inf), (*_TIERS, *_SIZES), hidden=True),
    Group("recent", (), "all", 1, (8,), _TIERS),
    Group("region", ("store_region",), "all", 100, (inf,), _TIERS),
    Group("format", ("store_format",), "all", 100, (inf,), _TIERS),
    Group("store", ("store_code", "anonymous"), "all", 30, (8, 26, inf), (*_TIERS, *_SIZES)),
    Group("store_hour", ("store_code", "shop_hour"), "store", 50, (inf,), _TIERS),
    Group("customer", ("customer",), "store", 4, (8, 26, inf), (*_TIERS, *_SIZES), activity=True),
    Group("streak", ("customer",), None, 1, (2, 5, 15), (*_TIERS, "balance"), pace="baskets"),
    Group("visit", ("customer", "store_code"), "customer", 4, (26, inf), (*_TIERS, "size"), activity=True),
    Group("taste", ("customer",), None, 10, (26, inf), _TASTE, per="lines"),
    Group("visit_taste", ("customer", "store_code"), "taste", 10, (26, inf), _TASTE, per="lines"),
    Group("scale", ("customer",), None, 4, (8, 26, inf), _SCALE),
    Group("visit_scale", ("customer", "store_code"), "scale", 4, (26, inf), _SCALE),
    Group("segment", ("seg_1",), "all", 100, (inf,), _TIERS),
    Group("stage", ("seg_2",), "all", 100, (inf,), _TIERS),
)
"""Parents stand before their children; the last two are of the customer file, of which nobody knows since when its
entries are known."""

_SEGMENTS = 2
_POSITION = {group.name: number for number, group in enumerate(GROUPS)}

ARRIVAL_FEATURES = (
    "hour", "weekday", "anonymous", *(name for group in GROUPS[:-_SEGMENTS] for name in group.features),
)  # fmt: skip
"""Names of the first columns of `arrival_features`."""

SEGMENT_FEATURES = tuple(name for group in GROUPS[-_SEGMENTS:] for name in group.features)
"""Names of its last columns, which a model looks at only when it is told to."""

ARRIVAL_COLUMNS = (*dict.fromkeys(key for group in GROUPS for key in group.keys if key != "anonymous"), "shop_day")
"""Columns of `Baskets` that are looked at."""

SEEN = ARRIVAL_FEATURES.index("customer_baskets_ever")
"""Column that is 0 where the customer was never seen."""


@dataclass(frozen=True, slots=True)
class Table:
    """Sums over the past baskets of one group, a row for each key. The last row is empty, for keys never seen.

    Attributes
    ----------
    rows : key -> row
    sums : float64 array of shape (k + 1, half-lives, values)
    weight : float64 array of shape (k + 1, half-lives), what the sums are divided by
    last : int32 array of shape (k + 1,), week of the last basket, counted from the calendar's EPOCH
    """

    rows: Mapping[str, int]
    sums: NDArray[np.float64]
    weight: NDArray[np.float64]
    last: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class History:
    """What is known at the end of a week, counted from the calendar's EPOCH; a table for each of GROUPS."""

    week: int
    tables: tuple[Table, ...]


def known_week(shop_day: NDArray[np.int32], lag_days: int) -> NDArray[np.int32]:
    """Newest week whose baskets are known when a basket of `shop_day` begins, counted from the calendar's EPOCH.

    >>> known_week(np.array([14, 15, 20], np.int32), 1).tolist()  # Monday, Tuesday and Sunday of week 2
    [0, 1, 1]
    """
    weeks: NDArray[np.int32] = (shop_day - lag_days) // 7 - 1
    return weeks


def arrival_features(baskets: Baskets, history: History) -> NDArray[np.float32]:
    """Features of arriving baskets by what `history` knows.

    Returns
    -------
    float32 array of shape (n, len(ARRIVAL_FEATURES) + len(SEGMENT_FEATURES)); hour and weekday are -1 where not given
    """
    rows = table_rows(baskets, history.tables)
    return known_features(baskets.shop_day, baskets.shop_hour, baskets.customer.index < 0, rows, history)


def table_rows(baskets: Baskets, tables: Sequence[Table]) -> tuple[NDArray[np.int32], ...]:
    """Row of each basket in each table, -1 (the empty one) where its key was never seen; arrays of shape (n,)."""
    return tuple(group_codes(baskets, group).lookup(table.rows) for group, table in zip(GROUPS, tables, strict=True))


def known_features(
    shop_day: NDArray[np.int32],
    shop_hour: NDArray[np.int32],
    anonymous: NDArray[np.bool_],
    rows: Sequence[NDArray[np.int32]],
    history: History,
) -> NDArray[np.float32]:
    """`arrival_features` of n baskets whose rows in the tables are known; arrays of shape (n,)."""
    hour = np.where(shop_hour == MISSING, -1, shop_hour)
    weekday = np.where(shop_day == MISSING, -1, shop_day % 7)
    columns: list[NDArray[np.float64]] = [np.stack([hour, weekday, anonymous], axis=1).astype(np.float64)]
    means: list[NDArray[np.float64]] = []
    for group, table, row in zip(GROUPS, history.tables, rows, strict=True):
        weight = table.weight[row]
        means.append(_means(group, table.sums[row], weight, means))
        if not group.hidden:
            columns.append(means[-1].reshape(len(row), len(group.half_lives) * len(group.values)))
        if group.activity:
            absence = np.minimum(history.week - table.last[row], LONGEST_ABSENCE)
            columns += [np.sqrt(weight), absence[:, None].astype(np.float64)]
    return np.concatenate(columns, axis=1).astype(np.float32)


def group_codes(baskets: Baskets, group: Group) -> Codes:
    """Key of each basket in `group`, missing where a part of it is."""
    if not group.keys:
        return Codes(("",), np.zeros(len(baskets), np.int32))
    codes = _codes(baskets, group.keys[0])
    for name in group.keys[1:]:
        codes = _paired(codes, _codes(baskets, name))
    return codes


def _means(
    group: Group, sums: NDArray[np.float64], weight: NDArray[np.float64], means: Sequence[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Means of the group's values, drawn towards those of its parent; shape (n, half-lives, values)."""
    drawn: NDArray[np.float64] | float = 0.0
    if group.parent is not None:
        position = _POSITION[group.parent]
        parent = GROUPS[position]
        lives = [parent.half_lives.index(life) for life in group.half_lives]
        values = [parent.values.index(value) for value in group.values]
        drawn = group.trust * means[position][:, lives][:, :, values]
    found: NDArray[np.float64] = (sums + drawn) / (weight + group.trust)[:, :, None]
    return found


def _codes(baskets: Baskets, name: str) -> Codes:
    if name == "anonymous":
        return Codes(("named", "anonymous"), (baskets.customer.index < 0).astype(np.int32))
    if name != "shop_hour":
        codes: Codes = getattr(baskets, name)
        return codes
    hours, index = np.unique(baskets.shop_hour, return_inverse=True)
    absent = int(len(hours) > 0 and hours[0] == MISSING)
    return Codes(tuple(map(str, hours[absent:].tolist())), (index - absent).astype(np.int32))


def _paired(one: Codes, other: Codes) -> Codes:
    """Codes of pairs, such as "CUST0000123456 STORE00001"."""
    width = len(other.values)
    both = (one.index >= 0) & (other.index >= 0)
    pairs, index = np.unique(np.where(both, one.index.astype(np.int64) * width + other.index, -1), return_inverse=True)
    absent = int(len(pairs) > 0 and pairs[0] == -1)
    words = tuple(f"{one.values[pair // width]} {other.values[pair % width]}" for pair in pairs[absent:].tolist())
    return Codes(words, (index - absent).astype(np.int32))
