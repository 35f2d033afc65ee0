"""Hosts that learn one model together: each holds a share of the rows, and all of them follow the same steps.

Rows are dealt like cards: of rows in a common order, host k of N holds every N-th from the k-th on. Whatever is
learned depends on the rows through sums over the hosts only, so that each host ends with the same model, and with the
one that a single host would have learned, up to the rounding of sums.
"""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.errors import RetailForecastError

__all__ = ["ALONE", "Alone", "Hosts", "Interrupted", "Progress", "gather", "union"]

Number = TypeVar("Number", np.float64, np.int64)

Progress = Callable[[], bytes]
"""Yields what it takes to go on from here; called when that is to be kept."""


class Interrupted(RetailForecastError):
    """A host was asked to stop; every host stopped at the same step, and what was reached is kept."""

    exit_code = 143
    """128 + SIGTERM: neither done nor failed."""


class Hosts(Protocol):
    """The hosts of a job, as one of them sees them."""

    @property
    def rank(self) -> int:
        """Number of this host, from 0."""

    @property
    def size(self) -> int:
        """How many hosts there are."""

    def total(self, values: NDArray[Number], progress: Progress | None = None) -> NDArray[Number]:
        """Sum of every host's `values`, of the same shape on each; the same bits on every host.

        Raises
        ------
        Interrupted : a host was asked to stop; `progress` is kept, where it is given
        PlaceError : a host was lost
        """

    def kept(self) -> bytes | None:
        """What this job kept before an interruption, the same on every host; None at its first start."""

    def reached(self, progress: Progress) -> None:
        """A step is done; its progress is kept when that is due.

        Raises
        ------
        Interrupted : a host was asked to stop; progress is kept
        """


class Alone:
    """A single host that keeps nothing: the ordinary case."""

    rank = 0
    size = 1

    def total(self, values: NDArray[Number], progress: Progress | None = None) -> NDArray[Number]:  # noqa: ARG002 - the protocol's signature
        """`values` themselves."""
        return values

    def kept(self) -> bytes | None:
        """Nothing."""
        return None

    def reached(self, progress: Progress) -> None:
        """Go on."""


ALONE = Alone()


def gather(hosts: Hosts, payload: bytes) -> tuple[bytes, ...]:
    """The payload of each host, by rank, on every host."""
    lengths = np.zeros(hosts.size, np.int64)
    lengths[hosts.rank] = len(payload)
    lengths = hosts.total(lengths)
    words = -(-int(lengths.max()) // 8)
    block = np.zeros((hosts.size, words), np.int64)
    block[hosts.rank] = np.frombuffer(payload.ljust(words * 8, b"\0"), np.int64)
    return tuple(row.tobytes()[:length] for row, length in zip(hosts.total(block), lengths.tolist(), strict=True))


def union(hosts: Hosts, words: Iterable[str]) -> tuple[str, ...]:
    """The words that any host has, sorted."""
    lists = (msgspec.json.decode(part, type=list[str]) for part in gather(hosts, msgspec.json.encode(list(words))))
    return tuple(sorted(set().union(*lists)))
