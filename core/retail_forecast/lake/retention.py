"""Retention: how long old versions of the tables can be read, and how small files are joined.

Never removed are the newest state, states younger than the retention, and versions that somebody names (runs and
bundles do); raw bytes, states and logs stay for good. Which states lost files is published before the first file goes,
so that nobody takes what is left of one for the whole.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.journal import Journal
from retail_forecast.clouds.objects import listed
from retail_forecast.clouds.opening import open_store
from retail_forecast.lake.lease import lease
from retail_forecast.lake.state import LakeState, LakeStates
from retail_forecast.lake.storage import told_as_place
from retail_forecast.lake.tables import PATHS, open_table, tidy, undo_unpublished

__all__ = ["Vacuumed", "optimize", "retired_states", "vacuum"]

_RETIRED = "retired"

Versions = Mapping[str, Collection[int]]


@dataclass(frozen=True, slots=True)
class Vacuumed:
    """What a vacuum removes: files of each table, and the states that cannot be read from then on."""

    files: Mapping[str, int]
    retired: tuple[int, ...]


def retired_states(root: Address) -> frozenset[int]:
    """Numbers of the states of which files are gone."""
    journal = Journal(open_store(root), _RETIRED)
    return frozenset(number for entry in journal.numbers() for number in journal.read(entry)["states"])


def vacuum(
    root: Address, days: int, named: Versions, *, clock: Callable[[], datetime], dry_run: bool = False
) -> Vacuumed:
    """Remove data files that left the tables more than `days` ago, and that no version to be kept needs.

    Parameters
    ----------
    named : versions of tables that must stay readable whatever their age
    dry_run : say what would be removed, and remove nothing

    Raises
    ------
    Conflict : another process is writing to this lake
    PlaceError : the lake cannot be read or written
    """
    with lease(root, clock) as check, told_as_place(root):
        states = LakeStates(root).all()
        if not states:
            return Vacuumed({}, ())
        kept = _kept(states, clock() - timedelta(days=days), named)
        doomed = {name: _doomed(root, name, versions, days, dry_run=True) for name, versions in kept.items()}
        gone = _losing(root, states, kept, doomed)
        found = Vacuumed({name: len(files) for name, files in doomed.items()}, gone)
        if not dry_run and any(doomed.values()):
            check()
            _retire(root, gone, clock())
            for name, versions in kept.items():
                _doomed(root, name, versions, days, dry_run=False)
        return found


def optimize(root: Address, *, clock: Callable[[], datetime]) -> LakeState | None:
    """Join the small files of every table that has more than four a partition, in a new state; None when none has.

    Raises
    ------
    Conflict : another process is writing to this lake
    PlaceError : the lake cannot be read or written
    """
    with lease(root, clock) as check, told_as_place(root):
        states = LakeStates(root)
        before = states.latest()
        if before is None:
            return None
        undo_unpublished(root, before.tables)
        number = before.number + 1
        tables = {name: open_table(root, name) for name in before.tables}
        heads = {name: table.version() for name, table in tables.items()}
        for table in tables.values():
            tidy(table, number)
        if heads == {name: table.version() for name, table in tables.items()}:
            return None
        versions = {name: table.version() for name, table in tables.items()}
        state = msgspec.structs.replace(before, number=number, tables=versions, written_at=clock())
        check()
        states.publish(state)
        return state


def _kept(states: Sequence[LakeState], since: datetime, named: Versions) -> dict[str, set[int]]:
    live = [states[-1], *(state for state in states if state.written_at >= since)]
    return {
        name: {state.tables[name] for state in live if name in state.tables} | set(named.get(name, ()))
        for name in states[-1].tables
    }


def _doomed(root: Address, name: str, versions: Collection[int], days: int, *, dry_run: bool) -> frozenset[str]:
    """Names of the files that a vacuum removes from a table; they are gone afterwards unless it is a dry run."""
    present = _present(root, name)
    removed = open_table(root, name).vacuum(
        retention_hours=days * 24,
        dry_run=dry_run,
        enforce_retention_duration=False,  # the table's own setting may be older than that of the workspace
        keep_versions=sorted(versions),
        full=True,
    )
    return frozenset(map(_file_name, removed)) & present


def _present(root: Address, name: str) -> frozenset[str]:
    """Names of the files of a table; the log still tells of those that an earlier vacuum removed."""
    return frozenset(_file_name(path) for path, _ in listed(open_store(root), PATHS[name]))


def _file_name(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _losing(
    root: Address, states: Sequence[LakeState], kept: Mapping[str, set[int]], doomed: Mapping[str, frozenset[str]]
) -> tuple[int, ...]:
    """States that are going to lose files, those left out that lost some earlier."""
    before = retired_states(root)
    losing = {
        (name, version)
        for name, versions in kept.items()
        if doomed[name]
        for version in {s.tables[name] for s in states if s.number not in before and name in s.tables} - versions
        if not doomed[name].isdisjoint(map(_file_name, open_table(root, name, version).file_uris()))
    }
    return tuple(s.number for s in states if s.number not in before and not losing.isdisjoint(s.tables.items()))


def _retire(root: Address, states: Sequence[int], now: datetime) -> None:
    journal = Journal(open_store(root), _RETIRED)
    journal.add((journal.latest() or 0) + 1, {"states": list(states), "at": now.isoformat()})
