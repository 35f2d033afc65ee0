"""Whether a run may be deployed, as the journals of record have it: who approved or rejected it, when and why.

A run is approved by what puts it in force, and rejected by a refusal of the gate or by a rollback that puts it out of
force; before any of these it is pending.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from obstore.store import ObjectStore

from retail_forecast.registry.champion import Champion, history
from retail_forecast.registry.record import RunRecord
from retail_forecast.registry.refusals import refusals

__all__ = ["Approval", "Status", "approval_of"]


class Status(StrEnum):
    """Standing of a run, in the words of SageMaker's Model Registry."""

    APPROVED = "Approved"
    REJECTED = "Rejected"
    PENDING = "PendingManualApproval"


@dataclass(frozen=True, slots=True)
class Approval:
    """The standing of a run; `why` says who decided it, when and for what reason."""

    status: Status
    why: str


def approval_of(store: ObjectStore, record: RunRecord) -> Approval:
    """The standing of a run by the registry behind `store`."""
    entries = history(store, record.task)
    found = [(entry.when, _approved(entry)) for entry in entries if entry.run_id == record.run_id]
    for before, entry in pairwise(entries):
        if entry.action == "rollback" and before.run_id == record.run_id != entry.run_id:
            found.append((entry.when, Approval(Status.REJECTED, f"rolled back by {entry.who}: {entry.why}")))
    if not entries or entries[-1].run_id != record.run_id:
        for refusal in refusals(store, record.task):
            if refusal.run_id == record.run_id:
                why = f"the gate refused it to {refusal.who}: {'; '.join(refusal.reasons)}"
                found.append((refusal.when, Approval(Status.REJECTED, why)))
    if not found:
        return Approval(Status.PENDING, "nobody has asked the gate yet")
    when, newest = max(found, key=lambda one: one[0])
    return Approval(newest.status, f"{when:%Y-%m-%d %H:%M} UTC, {newest.why}")


def _approved(entry: Champion) -> Approval:
    done = "promoted" if entry.action == "promote" else "put back in force"
    return Approval(Status.APPROVED, f"{done} by {entry.who}: {entry.why}")
