"""Refusals: what the gate said no to, beside the history of the champion.

Each entry of the journal under `registry/refusals/<task>` is one refused decision with its evidence: who asked, when,
for which run and why, and by which figures it was refused. Entries are only added, so that a model that was refused
time and again before it passed is seen to have been.
"""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from obstore.store import ObjectStore

from retail_forecast.clouds.journal import Journal
from retail_forecast.domain.errors import Conflict
from retail_forecast.domain.tasks import Task
from retail_forecast.registry.gate import Decision
from retail_forecast.registry.record import RunRecord

__all__ = ["Refusal", "keep_refusal", "refusals"]


class Refusal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry: a run that the gate did not let pass.

    Attributes
    ----------
    task, run_id : what was refused
    who, when, why : who asked the gate, when (UTC) and for what reason
    reasons : findings of the checks that failed
    decision : what the gate said, with its evidence
    """

    task: Task
    run_id: str
    who: str
    when: Annotated[datetime, msgspec.Meta(tz=True)]
    why: str
    reasons: tuple[str, ...]
    decision: dict[str, Any]


def keep_refusal(
    store: ObjectStore, candidate: RunRecord, decision: Decision, *, who: str, why: str, when: datetime
) -> Refusal:
    """Put a refused decision on `candidate` on record.

    Parameters
    ----------
    store : workspace
    who, why, when : for the record; `when` with its time zone

    Raises
    ------
    Conflict : the decision is not a refusal, or is on another run; nothing was written
    """
    if decision.promoted or decision.candidate != candidate.run_id:
        raise Conflict(
            f"the gate did not refuse {candidate.run_id}",
            where=decision.candidate,
            mend="keep the decision that the gate made on this run",
        )
    plain = msgspec.json.decode(msgspec.json.encode(decision))
    entry = Refusal(candidate.task, candidate.run_id, who, when, why, decision.reasons, plain)
    _add(_journal(store, candidate.task), entry)
    return entry


def refusals(store: ObjectStore, task: Task) -> list[Refusal]:
    """All refusals of `task`, oldest first."""
    journal = _journal(store, task)
    return [msgspec.convert(journal.read(number), Refusal) for number in journal.numbers()]


def _add(journal: Journal, entry: Refusal) -> None:
    """Add under the next free number: whoever else keeps a refusal meanwhile contradicts nothing in this one."""
    document = msgspec.to_builtins(entry)
    while True:
        try:
            return journal.add((journal.latest() or 0) + 1, document)
        except Conflict:
            continue


def _journal(store: ObjectStore, task: Task) -> Journal:
    return Journal(store, f"registry/refusals/{task}")
