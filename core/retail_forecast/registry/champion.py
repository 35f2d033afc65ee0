"""The champion of a task: a pointer to one bundle, with its history.

Each entry of the journal under `registry/champions/<task>` names a champion; the newest is in force. Entries are only
added, so who promoted what, when, why and on which evidence stays on record; a rollback is an entry too.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from obstore.store import ObjectStore

from retail_forecast.clouds.journal import Journal
from retail_forecast.domain.errors import Conflict, GateRefused, UsageError
from retail_forecast.domain.tasks import Task
from retail_forecast.registry.gate import Decision
from retail_forecast.registry.record import RunRecord

__all__ = ["Champion", "bundle_folder", "current", "history", "promote", "rollback"]


class Champion(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry: the model that answers for a task from then on.

    Attributes
    ----------
    version : number of the entry, from 1
    task, run_id, bundle_digest : what answers; the digest is of the bundle's manifest
    action : how it came about
    who, when, why : who did it, when (UTC) and for what reason
    previous : version to which a rollback leads; None when there is none
    decision : what the gate said when this bundle was promoted, with its evidence and override
    """

    version: int
    task: Task
    run_id: str
    bundle_digest: str
    action: Literal["promote", "rollback"]
    who: str
    when: Annotated[datetime, msgspec.Meta(tz=True)]
    why: str
    previous: int | None
    decision: dict[str, Any]


def bundle_folder(run_id: str) -> str:
    """Where the bundle of a run lies within a workspace."""
    return f"registry/bundles/{run_id}"


def current(store: ObjectStore, task: Task) -> Champion | None:
    """The champion of `task` in the workspace behind `store`; None while there is none."""
    journal = _journal(store, task)
    number = journal.latest()
    return None if number is None else _read(journal, number)


def history(store: ObjectStore, task: Task) -> list[Champion]:
    """All entries of `task`, oldest first."""
    journal = _journal(store, task)
    return [_read(journal, number) for number in journal.numbers()]


def promote(
    store: ObjectStore,
    candidate: RunRecord,
    decision: Decision,
    *,
    replaces: Champion | None,
    who: str,
    why: str,
    when: datetime,
) -> Champion:
    """Make `candidate` champion of its task.

    Parameters
    ----------
    store : workspace
    candidate : run whose bundle is to answer
    decision : the gate's, on this candidate
    replaces : the champion that the gate compared with, None when there was none
    who, why, when : for the record; `when` with its time zone

    Raises
    ------
    GateRefused : the decision is not to promote
    Conflict : the champion is another one by now than `replaces`, or than the gate compared with; nothing changed
    """
    _check_subject(candidate, decision, replaces)
    if not decision.promoted:
        raise GateRefused(decision.reasons, where=candidate.run_id)
    version = 1 if replaces is None else replaces.version + 1
    entry = Champion(
        version=version,
        task=candidate.task,
        run_id=candidate.run_id,
        bundle_digest=candidate.bundle_digest,
        action="promote",
        who=who,
        when=when,
        why=why,
        previous=None if replaces is None else replaces.version,
        decision=msgspec.json.decode(msgspec.json.encode(decision)),
    )
    return _add(store, entry)


def rollback(store: ObjectStore, task: Task, *, who: str, why: str, when: datetime) -> Champion:
    """Put the champion before the present one back in force. Rolling back again leads one further back.

    Raises
    ------
    UsageError : there is no earlier champion
    Conflict : somebody else changed the champion meanwhile; nothing was changed
    """
    now = current(store, task)
    if now is None or now.previous is None:
        raise UsageError(
            f"task {task} has no earlier champion to roll back to",
            mend="promote another run: `retail-forecast models` lists them",
        )
    target = _read(_journal(store, task), now.previous)
    entry = msgspec.structs.replace(target, version=now.version + 1, action="rollback", who=who, why=why, when=when)
    return _add(store, entry)


def _check_subject(candidate: RunRecord, decision: Decision, replaces: Champion | None) -> None:
    judged, present = (decision.candidate, decision.champion), (candidate.run_id, replaces.run_id if replaces else None)
    if judged != present:
        raise Conflict(
            f"the gate judged {judged[0]} beside {judged[1]}, not {present[0]} beside {present[1]}",
            where=candidate.run_id,
            mend="run the command again: the gate will judge by the new state",
        )


def _add(store: ObjectStore, entry: Champion) -> Champion:
    _journal(store, entry.task).add(entry.version, msgspec.to_builtins(entry))
    return entry


def _read(journal: Journal, number: int) -> Champion:
    return msgspec.convert(journal.read(number), Champion)


def _journal(store: ObjectStore, task: Task) -> Journal:
    return Journal(store, f"registry/champions/{task}")
