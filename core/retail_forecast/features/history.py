"""Customer history: what was known of customers and stores before each basket, joined as of that time.

A basket's row is known at the end of its week plus the days of delivery, so that on a Monday, with a day of delivery,
the week before last is the newest one known. History is followed week by week: the baskets of a week are added, then
those that know this week and no later one are given what stands. The leanings of past baskets' lines are read
by tables that were learned without the customer's own baskets, so that a basket's label is in nothing that it is given.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.errors import DataError
from retail_forecast.domain.labels import LABELS, Label
from retail_forecast.features.leanings import learn_table
from retail_forecast.kernel.arrival import (
    ARRIVAL_FEATURES,
    GROUPS,
    NEVER,
    PAST,
    SEGMENT_FEATURES,
    Group,
    History,
    Table,
    group_codes,
    known_features,
    known_week,
    table_rows,
)
from retail_forecast.kernel.features import BASKET_FEATURES, basket_features
from retail_forecast.kernel.lines import MISSING, Baskets
from retail_forecast.kernel.products import ProductTable

__all__ = ["Joined", "empty_history", "follow", "join_history", "learned_past", "past_of", "week_of"]

_LEANINGS = tuple(BASKET_FEATURES.index(f"mean_{name}") for name in PAST[5:9])
_BALANCE = BASKET_FEATURES.index("balance")
_FEW_LINES = 2


@dataclass(frozen=True, slots=True)
class Joined:
    """Baskets with what was known of each (`Baskets.known`), and what is known at the end of the week asked for."""

    baskets: Baskets
    history: History


def week_of(shop_day: NDArray[np.int32]) -> NDArray[np.int32]:
    """Week of each day, counted from the calendar's EPOCH."""
    weeks: NDArray[np.int32] = shop_day // 7
    return weeks


def learned_past(
    baskets: Baskets,
    label: NDArray[np.int8],
    learned: NDArray[np.bool_],
    penalty: float,
    folds: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], ProductTable]:
    """What each basket adds to history, and the table by which baskets of later customers and weeks are read.

    The lines of a learned basket are read by a table that was learned without any basket of its customer: what a
    customer is given then never depends on the customer's own labels through the leanings. Leanings of anonymous
    baskets are nobody's taste, and not read.

    Parameters
    ----------
    baskets, label : n baskets, and their labels, positions in LABELS
    learned : which of them product leanings are learned from
    penalty, folds : of the leanings
    rng : deals customers to folds

    Returns
    -------
    past : float64 array of shape (n, len(PAST))
    table : learned from all `learned` baskets
    """
    customer = baskets.customer
    deal = np.append(rng.permutation(len(customer.values)) % folds, -1)[customer.index]
    rows = np.flatnonzero(learned)
    table = learn_table(baskets.take(rows), label[rows], penalty)
    past = past_of(baskets, label, table)
    for fold in range(folds):
        inside, outside = np.flatnonzero(learned & (deal == fold)), np.flatnonzero(learned & (deal != fold))
        own = learn_table(baskets.take(outside), label[outside], penalty)
        past[inside] = past_of(baskets.take(inside), label[inside], own)
    return past, table


def past_of(baskets: Baskets, label: NDArray[np.int8], table: ProductTable) -> NDArray[np.float64]:
    """What each basket adds to history, its lines read by `table`; float64 of shape (n, len(PAST))."""
    lines, spend = baskets.line_counts, np.zeros(len(baskets))
    filled = lines > 0
    if filled.any():
        spend[filled] = np.add.reduceat(baskets.spend_pence, baskets.offsets[:-1][filled]) / 100
    labels = [label == LABELS.index(tier) for tier in (Label.LA, Label.UM)]
    sizes = [np.sqrt(lines), np.sqrt(spend), lines <= _FEW_LINES]
    features = basket_features(baskets, table)
    leanings, balance = features[:, _LEANINGS].T * lines, features[:, _BALANCE]
    columns = [*labels, *sizes, *leanings, balance, balance**2, np.ones(len(baskets)), lines]
    return np.stack(columns, axis=1).astype(np.float64)


def empty_history(week: int) -> History:
    """Nothing is known at the end of `week`."""
    return History(week, tuple(_table({}, 0, group) for group in GROUPS))


def join_history(
    baskets: Baskets,
    past: NDArray[np.float64],
    counted: NDArray[np.bool_],
    lag_days: int,
    *,
    until: int,
    start: History | None = None,
) -> Joined:
    """Give each basket what was known before it.

    Who asks has learned up to week `until`; its baskets are known to whoever is asked about a later one.

    Parameters
    ----------
    baskets : n baskets with their days, in the order in which their sums are to be taken
    past : what each adds, shape (n, len(PAST))
    counted : which of them add anything, once they are known; none may be of a week that `start` knows
    lag_days : days between the end of a week and the time when its baskets are known
    until : week of the history that is returned
    start : what was known at the end of week `until`, when all baskets are later; nothing, when None

    Raises
    ------
    DataError : `start` knows a week of the baskets, or a basket has no day
    """
    week, asked = week_of(baskets.shop_day), known_week(baskets.shop_day, lag_days)
    asked = np.where(week > until, np.maximum(asked, until), asked)
    _check(baskets, week, until, start)
    history = start or empty_history(int(asked.min(initial=until)) - 1)
    sums = _Sums.after(history, baskets, past, counted)
    known = np.zeros((len(baskets), len(ARRIVAL_FEATURES) + len(SEGMENT_FEATURES)), np.float32)
    found = history
    for number in range(history.week, max(int(week.max(initial=until)), until) + 1):
        if number > history.week:
            sums.add(number)
        at = np.flatnonzero(asked == number)
        known[at] = sums.known(number, at)
        if number == until:
            found = sums.history(number)
    return Joined(replace(baskets, known=known), found)


def follow(
    history: History,
    baskets: Baskets,
    past: NDArray[np.float64],
    counted: NDArray[np.bool_],
    weeks: Collection[int],
) -> tuple[History, ...]:
    """What is known at the end of each of `weeks`, which are later than `history`, in order of time.

    Parameters
    ----------
    baskets : those of the weeks after `history`, in the order in which their sums are to be taken
    past, counted : as of `join_history`, whose baskets are given the same
    """
    week = week_of(baskets.shop_day)
    _check(baskets, week, history.week, history)
    sums = _Sums.after(history, baskets, past, counted)
    found = []
    for number in range(history.week + 1, max(weeks, default=history.week) + 1):
        sums.add(number)
        if number in weeks:
            found.append(sums.history(number))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Sums:
    """Sums that grow in place, week by week.

    Attributes
    ----------
    week, moment, rows : of each of n baskets: its week, when it was paid, and its row in each table
    past, counted : as of `join_history`
    """

    baskets: Baskets
    week: NDArray[np.int32]
    moment: NDArray[np.int64]
    past: NDArray[np.float64]
    counted: NDArray[np.bool_]
    tables: tuple[Table, ...]
    rows: tuple[NDArray[np.int32], ...]

    @classmethod
    def after(
        cls, history: History, baskets: Baskets, past: NDArray[np.float64], counted: NDArray[np.bool_]
    ) -> "_Sums":
        """The sums as `history` has them, with rows for all keys of `baskets`."""
        tables = tuple(_extended(t, g, baskets) for t, g in zip(history.tables, GROUPS, strict=True))
        week, moment = week_of(baskets.shop_day), _moment(baskets)
        return cls(baskets, week, moment, past, counted, tables, table_rows(baskets, tables))

    def add(self, week: int) -> None:
        """Let a week pass, and add its baskets."""
        _add(self.tables, self.rows, np.flatnonzero((self.week == week) & self.counted), self.past, week, self.moment)

    def known(self, week: int, at: NDArray[np.intp]) -> NDArray[np.float32]:
        """What is known at the end of `week` of the baskets at `at`."""
        baskets, rows = self.baskets, [row[at] for row in self.rows]
        anonymous = baskets.customer.index[at] < 0
        return known_features(baskets.shop_day[at], baskets.shop_hour[at], anonymous, rows, History(week, self.tables))

    def history(self, week: int) -> History:
        """A copy of what stands at the end of `week`."""
        return History(week, tuple(map(_seen, self.tables)))


def _moment(baskets: Baskets) -> NDArray[np.int64]:
    """Hour in which each basket was paid, so that later ones have greater numbers."""
    return baskets.shop_day.astype(np.int64) * 24 + np.maximum(baskets.shop_hour, 0)


def _check(baskets: Baskets, week: NDArray[np.int32], until: int, start: History | None) -> None:
    """Refuse baskets that have no place in history, and a `start` that knows too much for them."""
    if (baskets.shop_day == MISSING).any():
        raise DataError(
            "a basket without a day has no place in history", where="shop_date", mend="give every basket its day"
        )
    if start is not None and (start.week != until or week.min(initial=until + 1) <= until):
        raise DataError(
            f"a history as of week {start.week} knows more than baskets of that week or earlier ones may be given",
            where="history",
            mend="join them from the first week on",
        )


def _add(
    tables: tuple[Table, ...],
    rows: tuple[NDArray[np.int32], ...],
    added: NDArray[np.intp],
    past: NDArray[np.float64],
    week: int,
    moment: NDArray[np.int64],
) -> None:
    """Let a week pass in `tables`, in place, and add its baskets."""
    for group, table, row in zip(GROUPS, tables, rows, strict=True):
        decay = 0.5 ** (1 / np.asarray(group.half_lives))
        here = added[row[added] >= 0]
        if group.pace == "baskets":
            later, more = _later(row[here], moment[here]), np.bincount(row[here], minlength=len(table.weight))
        else:
            later, more = np.zeros(len(here), np.int64), np.ones(1, np.int64)
        kept, share = decay ** more[:, None], decay ** later[:, None]
        np.multiply(table.sums, kept[:, :, None], out=table.sums)
        np.multiply(table.weight, kept, out=table.weight)
        values = past[here][:, [PAST.index(value) for value in group.values]]
        np.add.at(table.sums, row[here], share[:, :, None] * values[:, None, :])
        np.add.at(table.weight, row[here], share * past[here][:, [PAST.index(group.per)]])
        table.last[row[here]] = week


def _later(row: NDArray[np.int32], moment: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many of n baskets share a basket's row and come after it; those of one moment come at once."""
    order = np.lexsort((moment, row))
    of, at = row[order], moment[order]
    whole = np.append(of[1:] != of[:-1], True)[: len(row)]
    last = whole | np.append(at[1:] != at[:-1], True)[: len(row)]
    end_of_moment, end_of_row = (np.flatnonzero(ends)[np.cumsum(ends) - ends] for ends in (last, whole))
    later = np.empty(len(row), np.int64)
    later[order] = end_of_row - end_of_moment
    return later


def _extended(table: Table, group: Group, baskets: Baskets) -> Table:
    """A copy of `table` with rows for all keys of `baskets`."""
    codes = group_codes(baskets, group)
    keys = dict(table.rows)
    for value in codes.values:
        keys.setdefault(value, len(keys))
    wider, old = _table(keys, len(keys), group), len(table.rows)
    wider.sums[:old], wider.weight[:old], wider.last[:old] = table.sums[:-1], table.weight[:-1], table.last[:-1]
    return wider


def _seen(table: Table) -> Table:
    """A copy of `table` with the keys that have baskets."""
    kept = {key: row for key, row in table.rows.items() if table.last[row] != NEVER}
    rows = np.array([*kept.values(), -1], np.intp)
    return Table({key: row for row, key in enumerate(kept)}, table.sums[rows], table.weight[rows], table.last[rows])


def _table(keys: dict[str, int], count: int, group: Group) -> Table:
    lives, values = len(group.half_lives), len(group.values)
    sums, weight = np.zeros((count + 1, lives, values)), np.zeros((count + 1, lives))
    return Table(keys, sums, weight, np.full(count + 1, NEVER, np.int32))
