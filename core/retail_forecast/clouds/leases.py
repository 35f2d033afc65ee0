"""Leases in object stores: one holder at a time, by an object that is only ever exchanged under a condition.

The object says until when it is held. The holder puts that off while it works and ends it when it is done. A holder
that was killed can no longer do so, and its lease can be taken over once the time is up. The clocks of those who write
should agree within the term. Where they do not, a lease may be taken over too early; its holder is told, and what is
published depends on no clock.
"""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec
from obstore.exceptions import BaseError
from obstore.store import ObjectStore

from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.objects import create, exchange, read_marked
from retail_forecast.domain.errors import Conflict

if TYPE_CHECKING:
    from obstore import UpdateVersion

__all__ = ["TERM", "Lease", "Note", "hold"]

TERM = timedelta(seconds=60)
"""How long a lease lasts that nobody renews."""

_RENEW_S = TERM.total_seconds() / 4

Clock = Callable[[], datetime]


class Note(msgspec.Struct, frozen=True):
    """What the object says: who holds the lease, and until when unless it is renewed; None when it was ended."""

    holder: str
    until: datetime | None


@contextmanager
def hold(store: ObjectStore, path: str, clock: Clock, *, where: Address) -> Iterator[Callable[[], None]]:
    """Hold the lease at `path`; yields a check that raises once it is lost.

    Parameters
    ----------
    where : what it is the lease of, for errors

    Raises
    ------
    Conflict : somebody else holds it
    """
    lease = Lease(store, path, clock, where)
    stop = threading.Event()
    keeper = threading.Thread(target=lease.keep_up, args=[stop], daemon=True)
    keeper.start()
    try:
        yield lease.check
    finally:
        stop.set()
        keeper.join()
        lease.end()


class Lease:
    """A lease from the moment that it was taken."""

    def __init__(self, store: ObjectStore, path: str, clock: Clock, where: Address) -> None:
        self._store, self._path, self._clock, self._where = store, path, clock, str(where)
        self._holder = f"{socket.gethostname()}, process {os.getpid()}, {uuid4()}"
        self._until = clock() + TERM
        self._mark = self._taken()

    def check(self) -> None:
        """Raise unless the lease is held still.

        Raises
        ------
        Conflict : it ran out or was taken over
        """
        if self._clock() >= self._until:
            raise Conflict(
                "the lease ran out before the work was done", where=self._where, mend="repeat: nothing was published"
            )

    def keep_up(self, stop: threading.Event) -> None:
        """Renew the lease again and again until `stop` is set or it is lost."""
        while not stop.wait(_RENEW_S):
            try:
                until = self._clock() + TERM
                self._write(until)
                self._until = until
            except Conflict:
                self._until = self._clock()
                return
            except (OSError, BaseError):  # what keeps on failing ends with the term
                continue

    def end(self) -> None:
        """Let others have it at once."""
        try:
            self._write(None)
        except (OSError, BaseError, Conflict):  # then it ends with the term, or is somebody else's
            return

    def _taken(self) -> "UpdateVersion":
        try:
            return create(self._store, self._path, self._note(self._until))
        except Conflict:
            found, mark = read_marked(self._store, self._path)
            note = msgspec.json.decode(found, type=Note)
            if note.until is not None and note.until > self._clock():
                raise Conflict(
                    f"another process is writing ({note.holder})",
                    where=self._where,
                    mend=f"wait until it has finished; if it was killed, its lease ends at {note.until:%H:%M:%S} UTC",
                ) from None
            return exchange(self._store, self._path, self._note(self._until), mark)

    def _write(self, until: datetime | None) -> None:
        try:
            self._mark = exchange(self._store, self._path, self._note(until), self._mark)
        except Conflict:
            found, mark = read_marked(self._store, self._path)
            if msgspec.json.decode(found, type=Note).holder != self._holder:
                raise
            self._mark = exchange(self._store, self._path, self._note(until), mark)  # only an answer had been lost

    def _note(self, until: datetime | None) -> bytes:
        return msgspec.json.encode(Note(self._holder, until))
