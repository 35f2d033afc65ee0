"""What every cloud is asked: whether it can be used, what it would cost, to be set up and torn down, and what is left.

A cloud answers for one scope: the things whose names begin with the project and the environment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol

__all__ = ["Charge", "Check", "Cloud", "Estimate", "Plan", "Remnant", "Scope", "Standing", "Tell"]

Tell = Callable[[str], None]
"""Is told one line about work under way."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose things are meant."""

    project: str
    environment: str
    region: str

    @property
    def name(self) -> str:
        """First part of every name."""
        return f"{self.project}-{self.environment}"


class Standing(StrEnum):
    """How a thing stands: it bills or can be deleted, it waits for its deletion, or a lock keeps it."""

    STANDS = "stands"
    PENDING = "pending"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Remnant:
    """A thing of the scope; `until` is the day on which a pending or locked one can go, or goes by itself."""

    service: str
    kind: str
    name: str
    standing: Standing = Standing.STANDS
    until: date | None = None

    def __str__(self) -> str:
        end = f", {self.standing} until {self.until or 'a day unknown'}" if self.standing != Standing.STANDS else ""
        return f"{self.service} {self.kind} {self.name}{end}"


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found; "unknown" where the cloud did not answer."""

    name: str
    state: Literal["ok", "wrong", "unknown"]
    found: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Charge:
    """One line of an estimate: what bills, with its price per unit and units a month; `idle` when it bills unused."""

    what: str
    price: str
    units: float
    usd_month: float
    idle: bool


@dataclass(frozen=True, slots=True)
class Estimate:
    """Charges of a month, and the day of the price table."""

    charges: tuple[Charge, ...]
    prices_of: date

    @property
    def usd_month(self) -> float:
        """All charges."""
        return sum(charge.usd_month for charge in self.charges)

    @property
    def idle_usd_month(self) -> float:
        """What bills although nobody asks anything."""
        return sum(charge.usd_month for charge in self.charges if charge.idle)


@dataclass(frozen=True, slots=True)
class Plan:
    """What would be changed, how many things of each kind of change, and what a month would cost afterwards."""

    file: Path
    changes: dict[str, int]
    estimate: Estimate


class Cloud(Protocol):
    """A cloud that holds one scope."""

    @property
    def scope(self) -> Scope:
        """Whose things are meant."""

    def check(self) -> Sequence[Check]:
        """Look whether tools, credentials, permissions and quotas are there."""

    def plan(self) -> Plan:
        """Work out what would be changed, without changing anything."""

    def apply(self, plan: Plan) -> dict[str, Any]:
        """Carry the plan out; returns the outputs. Repeated after a failure it does what is missing."""

    def protected(self) -> Sequence[str]:
        """Things that must not be torn down as they are."""

    def tear_down(self) -> None:
        """Remove all that may be removed. Repeated after a failure it goes on."""

    def remnants(self) -> Sequence[Remnant]:
        """All that is there, asked service by service."""
