"""How the hosts of a training job meet, and what it takes to sum over them.

A library that trains on several hosts brings a collective of its own, and sums with it during training. Whatever else
is summed for its model goes over the same one: `rabit` holds XGBoost's, `gloo` that of PyTorch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from retail_forecast.clouds.hosts import Number

__all__ = ["Collective", "Meeting"]


@dataclass(frozen=True, slots=True)
class Meeting:
    """How the hosts of a job find each other.

    Attributes
    ----------
    hosts : name or address of each host; the first one leads
    current : this host, one of them
    rank : number of this host's share of the rows
    port : on the first host
    join_s : how long the hosts wait for each other, at the meeting and in a sum [s]
    patience_s : the longest that a host may stay silent [s]
    interface : network interface between the hosts; empty for the one that this host's name stands for
    """

    hosts: Sequence[str]
    current: str
    rank: int
    port: int
    join_s: float
    patience_s: float
    interface: str = ""

    @property
    def leader(self) -> str:
        """The first host."""
        return self.hosts[0]


class Collective(Protocol):
    """Sums over hosts, by the library that trains on them.

    Attributes
    ----------
    failure : what the library raises when hosts no longer reach each other, among others
    """

    failure: type[Exception]

    def open(self, meeting: Meeting) -> dict[str, Any]:
        """Open the place to meet, on the first host; returns what the others must know of it."""

    def join(self, meeting: Meeting, place: dict[str, Any]) -> None:
        """Come to the `place` that the first host opened, and wait until all are there."""

    def total(self, values: NDArray[Number]) -> NDArray[Number]:
        """Sum of every host's `values`, of the same shape on each; the same bits on every host."""

    def leave(self, meeting: Meeting) -> None:
        """Part from the others, after all is done."""

    def reason(self, error: Exception) -> str | None:
        """Why the hosts no longer reach each other, in the library's words; None when `error` says nothing of it."""
