"""The watch: connections by which the hosts of a job meet, and by which each learns that another was lost.

Training libraries notice a lost peer late, or wait for ever. So every other host keeps a connection to the first one,
over which both send a sign of life each second. A connection that ends without a goodbye, or stays silent for longer
than the patience, is a lost host. Over the same connections the first host tells the others, once all are there, where
to meet for the training itself.
"""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from retail_forecast.domain.errors import PlaceError

__all__ = ["Watch", "follow", "lead", "tell"]

_LIFE, _GOODBYE = b".", b"!"
_BEAT_S = 1.0
_RETRY_S = 0.05

Lost = Callable[[str], None]


class Watch:
    """Open connections to other hosts, watched by threads.

    Parameters
    ----------
    connections : host -> connection
    patience_s : the longest silence [s]
    lost : called with the name of a host that was lost, in a thread of the watch
    """

    def __init__(self, connections: Mapping[str, socket.socket], patience_s: float, lost: Lost) -> None:
        self._connections = connections
        self._patience_s = patience_s
        self._lost = lost
        self._over = threading.Event()

    def start(self) -> None:
        """Begin to watch, and to send signs of life."""
        for host, connection in self._connections.items():
            connection.settimeout(self._patience_s)
            threading.Thread(target=self._listen, args=(host, connection), daemon=True).start()
        threading.Thread(target=self._live, daemon=True).start()

    def close(self, *, goodbye: bool) -> None:
        """End the watch; without a goodbye the other hosts take this one for lost."""
        self._over.set()
        for connection in self._connections.values():
            with contextlib.suppress(OSError):
                if goodbye:
                    connection.sendall(_GOODBYE)
                connection.shutdown(socket.SHUT_WR)

    def _listen(self, host: str, connection: socket.socket) -> None:
        with connection:
            try:
                while signs := connection.recv(64):
                    if _GOODBYE in signs:
                        return
            except OSError:
                pass
        if not self._over.is_set():
            self._lost(host)

    def _live(self) -> None:
        while not self._over.wait(_BEAT_S):
            for connection in self._connections.values():
                with contextlib.suppress(OSError):
                    connection.sendall(_LIFE)


def lead(address: tuple[str, int], others: Sequence[str], join_s: float) -> dict[str, socket.socket]:
    """Wait on the first host until the `others` have come; returns their connections.

    Raises
    ------
    PlaceError : not all came within `join_s` [s], or the address is taken
    """
    deadline = time.monotonic() + join_s
    found: dict[str, socket.socket] = {}
    try:
        with socket.create_server(address) as listener:
            while len(found) < len(others):
                listener.settimeout(max(deadline - time.monotonic(), _RETRY_S))
                connection, _ = listener.accept()
                connection.settimeout(max(deadline - time.monotonic(), _RETRY_S))
                found[_line(connection).decode()] = connection
    except OSError as error:
        missing = ", ".join(sorted(set(others) - set(found)))
        raise _not_met(f"host {missing} did not come: {error}", address) from error
    return found


def tell(connections: Mapping[str, socket.socket], meeting: Mapping[str, Any]) -> None:
    """Tell the other hosts the `meeting`; one that left meanwhile is found by the watch."""
    for connection in connections.values():
        with contextlib.suppress(OSError):
            connection.sendall(msgspec.json.encode(meeting) + b"\n")


def follow(address: tuple[str, int], name: str, join_s: float) -> tuple[socket.socket, dict[str, Any]]:
    """Come to the first host under `name`; returns the connection and the meeting, once all hosts are there.

    Raises
    ------
    PlaceError : the first host could not be reached within `join_s` [s], or left
    """
    deadline = time.monotonic() + join_s
    while True:
        try:
            connection = socket.create_connection(address, timeout=max(deadline - time.monotonic(), _RETRY_S))
            break
        except OSError as error:
            if time.monotonic() > deadline:
                raise _not_met(f"the first host cannot be reached: {error}", address) from error
            time.sleep(_RETRY_S)
    try:
        connection.settimeout(join_s)
        connection.sendall(name.encode() + b"\n")
        meeting: dict[str, Any] = msgspec.json.decode(_line(connection))
    except (OSError, msgspec.DecodeError) as error:
        raise _not_met(f"the first host left before all hosts had come: {error}", address) from error
    return connection, meeting


def _line(connection: socket.socket) -> bytes:
    """One line, read byte by byte: what follows it belongs to the watch."""
    line = b""
    while (byte := connection.recv(1)) not in (b"\n", b""):
        line += byte
    return line


def _not_met(what: str, address: tuple[str, int]) -> PlaceError:
    return PlaceError(
        what,
        where=f"{address[0]}:{address[1]}",
        mend="look at the logs of all hosts: one of them stopped or cannot be reached; then start the job again",
    )
