"""A bridge between a request on the event loop and the thread that works on it: the thread reads and writes as from and
to a file, and waits while the client does. So nothing piles up on either side, however long the stream is."""

import asyncio
import io
from collections.abc import Awaitable
from concurrent.futures import TimeoutError as Overdue
from http import HTTPStatus
from typing import NoReturn, TypeVar

from starlette.types import Receive, Send
from typing_extensions import Buffer

from retail_forecast_server.problems import Problem

__all__ = ["Bridge", "Inlet", "Outlet"]

T = TypeVar("T")
_AT_ONCE = 1 << 16


class Bridge:
    """Waits on the event loop from another thread.

    Parameters
    ----------
    receive, send : of the request
    kind : Content-Type of the answer
    seconds : how long the client may keep either waiting
    most : bytes that may be read until `mark` is called
    """

    def __init__(self, receive: Receive, send: Send, kind: bytes, seconds: float, most: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._send = send
        self._kind = kind
        self._seconds = seconds
        self._most = most
        self._read = 0
        self._ended = False
        self.begun = False
        self.problem: Problem | None = None

    def mark(self) -> None:
        """Begin to count anew what is read."""
        self._read = 0

    def read(self) -> bytes:
        """What arrived next; nothing at the end.

        Raises
        ------
        Problem : too much was read, or the client was too slow
        """
        if self._ended:
            return b""
        message = self._wait(self._receive())
        self._ended = not message.get("more_body")
        body: bytes = message.get("body", b"")
        self._read += len(body)
        if self._read > self._most:
            told = f"One batch of the stream is larger than {self._most} bytes: send smaller ones."
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, told)
        return body if body or self._ended else self.read()

    def write(self, payload: bytes) -> None:
        """Send `payload`, and before the first the head of the answer."""
        if not self.begun:
            self.begun = True
            headers = [(b"content-type", self._kind)]
            self._wait(self._send({"type": "http.response.start", "status": 200, "headers": headers}))
        self._wait(self._send({"type": "http.response.body", "body": payload, "more_body": True}))

    def _wait(self, awaited: Awaitable[T]) -> T:
        future = asyncio.run_coroutine_threadsafe(_awaited(awaited), self._loop)
        try:
            return future.result(self._seconds)
        except Overdue:
            future.cancel()
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "The stream stood still for too long.")

    def _refuse(self, status: HTTPStatus, detail: str) -> NoReturn:
        # Kept as well: a reader written in C passes on the words of an error only.
        self.problem = Problem(status, detail, headers=((b"connection", b"close"),))
        raise self.problem


async def _awaited(awaited: Awaitable[T]) -> T:
    return await awaited


class Inlet(io.RawIOBase):
    """What the client sends, as a file."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Buffer, /) -> int:
        """Fill `buffer` as far as something has arrived; returns how far, 0 at the end."""
        if not self._rest:
            self._rest = memoryview(self._bridge.read())
        into = memoryview(buffer).cast("B")
        count = min(len(into), len(self._rest))
        into[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


class Outlet(io.RawIOBase):
    """What the client is sent, as a file; in pieces of some size."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge
        self._parts: list[bytes] = []
        self._size = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, payload: Buffer, /) -> int:
        """Take `payload`, and send what was taken once it is worth it."""
        part = bytes(payload)
        self._parts.append(part)
        self._size += len(part)
        if self._size >= _AT_ONCE:
            self.send()
        return len(part)

    def send(self) -> None:
        """Send what was taken. It is no `flush`: that is called as well when a file is thrown away after a fault."""
        parts, self._parts, self._size = self._parts, [], 0
        self._bridge.write(b"".join(parts))
