"""Lineage: till files -> lake states -> runs -> bundles -> champions, and back, from what is on record.

Nothing is kept for it: states name the files behind each week, runs the state and the weeks that they read, champions
their run. So whatever is asked about, the same links answer.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from retail_forecast.domain.errors import UsageError
from retail_forecast.lake.state import LakeState
from retail_forecast.registry.champion import Champion
from retail_forecast.registry.record import RunRecord

__all__ = ["FileLink", "Lineage", "Reign", "RunLink", "StateLink", "lineage_of_run", "lineage_of_week", "subject"]

Kind = Literal["run", "bundle", "week"]

_WINDOWS = ("train", "validation", "calibration", "test")
_SHORTEST_DIGEST = 6


@dataclass(frozen=True, slots=True)
class FileLink:
    """A till file: digest, name, the weeks asked about that it brought, and whether the newest state still holds it."""

    sha256: str
    file: str
    weeks: tuple[int, ...]
    arrival: datetime
    in_force: bool


@dataclass(frozen=True, slots=True)
class StateLink:
    """A state of the lake, the version of each table in it, and the files asked about that it takes rows from."""

    number: int
    written_at: datetime
    tables: Mapping[str, int]
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunLink:
    """A run and its bundle.

    Attributes
    ----------
    state : lake state that it read
    windows : first and last week of each window
    bundle : digest of the bundle's manifest
    outdated : weeks that it read, and that the newest state holds from other files
    """

    run_id: str
    state: int
    windows: Mapping[str, tuple[int, int]]
    bundle: str
    parent: str | None
    outdated: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reign:
    """An entry of the champions' history; `in_force` is the newest of its task."""

    task: str
    version: int
    run_id: str
    action: str
    who: str
    when: datetime
    in_force: bool


@dataclass(frozen=True, slots=True)
class Lineage:
    """What a run, a bundle or a week comes from and leads to; each link in the order of time."""

    kind: Kind
    name: str
    files: tuple[FileLink, ...]
    states: tuple[StateLink, ...]
    runs: tuple[RunLink, ...]
    champions: tuple[Reign, ...]


def subject(name: str, states: Sequence[LakeState], runs: Sequence[RunRecord]) -> RunRecord | int:
    """The run or the week that `name` means: YYYYWW, a run's name, or the digest of a bundle or its first digits.

    Raises
    ------
    UsageError : nothing, or several bundles, are known by that name
    """
    if re.fullmatch(r"\d{6}", name):
        week = int(name)
        if any(week in state.weeks for state in states):
            return week
        raise UsageError(
            f"no state of the lake holds week {name}", where=name, mend="`doctor` shows the weeks there are"
        )
    found = [run for run in runs if run.run_id == name]
    if not found and len(name) >= _SHORTEST_DIGEST:
        found = [run for run in runs if run.bundle_digest.startswith(name)]
    if len(found) != 1:
        what = "several bundles have digests that begin so" if found else "no week, run or bundle is known by that name"
        raise UsageError(what, where=name, mend="name a week YYYYWW, a run or a bundle: `models` lists them")
    return found[0]


def lineage_of_run(
    run: RunRecord,
    kind: Kind,
    name: str,
    states: Sequence[LakeState],
    runs: Sequence[RunRecord],
    reigns: Iterable[Champion],
) -> Lineage:
    """Where `run` comes from, with its parent and its refits, and where they came to rule.

    Parameters
    ----------
    states : all that there are, oldest first
    """
    family = [one for one in runs if one.run_id in (run.run_id, run.parent) or one.parent == run.run_id]
    read = [state for state in states if state.number == run.data.number]
    return _linked(kind, name, run.windows.weeks, read, states, family, reigns)


def lineage_of_week(
    week: int, states: Sequence[LakeState], runs: Sequence[RunRecord], reigns: Iterable[Champion]
) -> Lineage:
    """The states that brought `week` or changed it, the files behind them, and the runs that read it."""
    before = (None, *states[:-1])
    changed = [
        state
        for earlier, state in zip(before, states, strict=True)
        if week in state.weeks and (earlier is None or earlier.weeks.get(week) != state.weeks[week])
    ]
    readers = [run for run in runs if week in run.windows.weeks]
    return _linked("week", str(week), (week,), changed, states, readers, reigns)


def _linked(
    kind: Kind,
    name: str,
    weeks: Sequence[int],
    chosen: Sequence[LakeState],
    states: Sequence[LakeState],
    runs: Sequence[RunRecord],
    reigns: Iterable[Champion],
) -> Lineage:
    newest, entries = states[-1], list(reigns)
    named = {run.run_id for run in runs}
    last = {entry.task: entry.version for entry in entries}
    return Lineage(
        kind,
        name,
        _files(weeks, chosen, newest),
        tuple(StateLink(s.number, s.written_at, dict(s.tables), tuple(sorted(_behind(s, weeks)))) for s in chosen),
        tuple(_run_link(run, weeks, states, newest) for run in runs),
        tuple(
            Reign(str(e.task), e.version, e.run_id, e.action, e.who, e.when, last[e.task] == e.version)
            for e in entries
            if e.run_id in named
        ),
    )


def _behind(state: LakeState, weeks: Iterable[int]) -> dict[str, list[int]]:
    """Weeks among `weeks` that each file brought to `state`, by digest."""
    brought: dict[str, list[int]] = {}
    for week in weeks:
        for digest in state.weeks[week].sources if week in state.weeks else ():
            brought.setdefault(digest, []).append(week)
    return brought


def _files(weeks: Sequence[int], chosen: Sequence[LakeState], newest: LakeState) -> tuple[FileLink, ...]:
    in_force = _behind(newest, newest.weeks)
    found: dict[str, FileLink] = {}
    for state in chosen:
        for digest, brought in _behind(state, weeks).items():
            account = state.sources[digest]
            found[digest] = FileLink(digest, account.name, tuple(brought), account.arrival, digest in in_force)
    return tuple(sorted(found.values(), key=lambda link: (link.arrival, link.weeks, link.sha256)))


def _run_link(run: RunRecord, weeks: Sequence[int], states: Sequence[LakeState], newest: LakeState) -> RunLink:
    spans = {name: getattr(run.windows, name) for name in _WINDOWS}
    read = next((state for state in states if state.number == run.data.number), None)
    outdated = tuple(
        week for week in weeks if read and week in run.windows.weeks and read.weeks.get(week) != newest.weeks.get(week)
    )
    windows = {name: (span.first, span.last) for name, span in spans.items() if span}
    return RunLink(run.run_id, run.data.number, windows, run.bundle_digest, run.parent, outdated)
