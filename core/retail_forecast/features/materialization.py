"""Materialization: records of the weeks that are new or corrected since the last time, into both feature stores.

A record of a week that is there for the first time is known when files come (the end of the week and the days of
delivery), one that a correction changed when the correction arrived. States of the lake before a correction are
materialised first, so that what they said is in history. What was done is published last, and only differences are
written: whoever is interrupted begins again and ends with the same records.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import zip_longest
from typing import Any

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.journal import Journal
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.records import FeatureGroup, OnlineStore, Record, Value
from retail_forecast.domain.settings import Settings
from retail_forecast.features.groups import GROUPS, event_time, standing
from retail_forecast.features.offline import append, current
from retail_forecast.lake.lease import lease
from retail_forecast.lake.retention import retired_states
from retail_forecast.lake.state import LakeState, LakeStates

__all__ = ["Materialized", "materialize", "records_of"]

_MARKS = "features/marks"
_EVERYTHING, _NOTHING = 0, 999_999
_OF_EVERY_RECORD = ("record_id", "event_time", "known_time", "write_time", "deleted")

Sources = Mapping[int, tuple[str, ...]]


class _Mark(msgspec.Struct, frozen=True):
    """What was materialised: up to which state, and from which files each week."""

    state: int
    weeks: dict[int, tuple[str, ...]]
    at: datetime


@dataclass(frozen=True, slots=True)
class Materialized:
    """What one call did.

    Attributes
    ----------
    state : state of the lake that the stores follow now; None while the lake is empty
    weeks : weeks that were materialised, corrected ones included
    corrected : those of them whose files replaced others
    offline : records appended, by group
    online : records that stand online since, by group
    """

    state: int | None
    weeks: tuple[int, ...]
    corrected: tuple[int, ...]
    offline: Mapping[str, int]
    online: Mapping[str, int]


def materialize(
    root: Address, online: OnlineStore, settings: Settings, *, clock: Callable[[], datetime], refill: bool = False
) -> Materialized:
    """Bring both stores up to the newest state of the lake at `root`.

    Parameters
    ----------
    refill : put the newest record of every id online, as a new online store needs it

    Raises
    ------
    Conflict : another process is writing to this lake
    PlaceError : the lake or the online store cannot be read or written
    """
    with lease(root, clock):
        states, journal = LakeStates(root).all(), Journal(open_store(root), _MARKS)
        number = journal.latest()
        mark = None if number is None else msgspec.convert(journal.read(number), _Mark, strict=False, str_keys=True)
        done: Sources = mark.weeks if mark else {}
        weeks: dict[int, bool] = {}
        offline = dict.fromkeys(map(str, FeatureGroup), 0)
        for state in _steps(states, mark, retired_states(root)):
            changed = _changed(state, done)
            step = _Step(root, state, changed, _corrected(state, states, changed), clock(), settings)
            for group in FeatureGroup if changed else ():
                offline[group] += step.append(group)
            weeks |= {week: week in step.corrected for week in step.weeks}
            done = _sources(state)
        first = _EVERYTHING if refill else min(weeks, default=_NOTHING)
        put = {str(group): _put(root, group, first, online, settings) for group in FeatureGroup}
        if weeks:
            entry = _Mark(states[-1].number, dict(done), clock())
            journal.add((number or 0) + 1, msgspec.to_builtins(entry, str_keys=True))
    corrected = tuple(sorted(week for week, again in weeks.items() if again))
    return Materialized(states[-1].number if states else None, tuple(sorted(weeks)), corrected, offline, put)


def records_of(rows: pa.Table, ttl_days: int | None) -> list[Record]:
    """The rows of an offline table as records."""
    features = [name for name in rows.column_names if name not in _OF_EVERY_RECORD]
    return [_record(row, features, ttl_days) for row in rows.to_pylist()]


@dataclass(frozen=True, slots=True)
class _Step:
    """From what was materialised to one state of the lake."""

    root: Address
    state: LakeState
    weeks: tuple[int, ...]
    corrected: frozenset[int]
    now: datetime
    settings: Settings

    def append(self, group: FeatureGroup) -> int:
        """Append what the state says and the offline store does not; returns how many records that is."""
        first = min(self.weeks)
        stands, had = standing(self.root, self.state, group, self.settings.lake), current(self.root, group, first)
        changed = _differences(stands, had, group, first)
        append(self.root, group, self._timed(changed), self.state.number)
        return len(changed)

    def _timed(self, rows: pa.Table) -> pa.Table:
        """The rows with their times; `again` says that a record of this id and event is replaced."""
        kinds, which = np.unique(2 * np.asarray(rows["shop_week"]) + np.asarray(rows["again"]), return_inverse=True)
        events = [event_time(int(kind) // 2) for kind in kinds]
        known = [self._known(int(kind) // 2, bool(kind % 2)) for kind in kinds]
        times = {"event_time": events, "known_time": known, "write_time": [self.now] * len(kinds)}
        columns = {name: pa.array(values, pa.timestamp("us", tz="UTC")).take(which) for name, values in times.items()}
        return pa.table(columns | {name: rows[name] for name in rows.column_names if name != "again"})

    def _known(self, week: int, again: bool) -> datetime:
        regular = event_time(week) + timedelta(days=self.settings.lake.delivery_lag_days)
        late = again or week >= min(self.corrected, default=week + 1)
        return max(regular, self._arrival()) if late else regular

    def _arrival(self) -> datetime:
        """When the newest file of the weeks of this step arrived."""
        sources = {source for week in self.weeks for source in self.state.weeks[week].sources}
        return max(self.state.sources[source].arrival for source in sources).astimezone(UTC)


def _differences(stands: pa.Table, had: pa.Table, group: FeatureGroup, first: int) -> pa.Table:
    """What must be appended to `had` for it to say what `stands`, of weeks from `first` on: the columns of the offline
    table but for times, and `again`, whether it replaces a record.

    An id that a correction took out of a week has there what stands since an earlier one, or is deleted.
    """
    names = [name for name in GROUPS[group].features.names if name != "shop_week"]
    said, says = (", ".join(f"{of}.{name}" for name in names) for of in ("had", "stands"))
    question = f"""
        WITH keys AS (
            SELECT record_id, shop_week FROM stands WHERE shop_week >= {first}
            UNION SELECT record_id, shop_week FROM had
        )
        SELECT keys.record_id, keys.shop_week, stands.record_id IS NULL AS deleted, had.record_id IS NOT NULL AS again,
            {says}
        FROM keys ASOF LEFT JOIN stands ON keys.record_id = stands.record_id AND keys.shop_week >= stands.shop_week
        LEFT JOIN had ON keys.record_id = had.record_id AND keys.shop_week = had.shop_week
        WHERE had.record_id IS NULL OR (had.deleted, {said}) IS DISTINCT FROM (stands.record_id IS NULL, {says})
        ORDER BY keys.record_id, keys.shop_week
        """  # noqa: S608 - names and weeks are our own
    with duckdb.connect() as connection:
        connection.register("stands", stands).register("had", had.select(["record_id", "deleted", "shop_week", *names]))
        return connection.sql(question).to_arrow_table()


def _put(root: Address, group: FeatureGroup, first: int, online: OnlineStore, settings: Settings) -> int:
    """Put the newest record online of every id that has one of a week from `first` on."""
    rows = current(root, group, first).sort_by([("record_id", "ascending"), ("event_time", "ascending")])
    ids = rows["record_id"].combine_chunks()
    last = np.append(np.asarray(pc.not_equal(ids[1:], ids[:-1])), True)[: len(ids)]
    return online.put(group, records_of(rows.filter(pa.array(last, pa.bool_())), settings.features.ttl_days))


def _record(row: dict[str, Any], features: Sequence[str], ttl_days: int | None) -> Record:
    expires = None if ttl_days is None else row["event_time"] + timedelta(days=ttl_days)
    values = {} if row["deleted"] else {name: _plain(row[name]) for name in features}
    times = (row["event_time"], row["known_time"], row["write_time"])
    return Record(row["record_id"], *times, values, expires, row["deleted"])


def _plain(value: str | int | Decimal | None) -> Value:
    return float(value) if isinstance(value, Decimal) else value


def _steps(states: Sequence[LakeState], mark: _Mark | None, retired: Collection[int]) -> list[LakeState]:
    """States to materialise one after the other: the newest, and before it each of which a later one replaces a week
    and that can still be read."""
    later = [state for state in states if mark is None or state.number > mark.state]
    return [
        state
        for state, following in zip_longest(later, later[1:])
        if following is None or (state.number not in retired and _replaces(following, state))
    ]


def _replaces(state: LakeState, before: LakeState) -> bool:
    return any(state.weeks[week].sources != held.sources for week, held in before.weeks.items())


def _changed(state: LakeState, done: Sources) -> tuple[int, ...]:
    return tuple(sorted(week for week, held in state.weeks.items() if done.get(week) != held.sources))


def _corrected(state: LakeState, states: Sequence[LakeState], weeks: Collection[int]) -> frozenset[int]:
    """Those of `weeks` that `state` has from other files than those that brought them first."""
    first: dict[int, tuple[str, ...]] = {}
    for one in states:
        first = _sources(one) | first
    return frozenset(week for week in weeks if state.weeks[week].sources != first[week])


def _sources(state: LakeState) -> dict[int, tuple[str, ...]]:
    return {week: held.sources for week, held in state.weeks.items()}
