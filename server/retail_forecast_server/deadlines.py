"""Deadlines for many tasks at once: all have the same time, so that who began first is due first, and one timer serves.

`asyncio.timeout` sets a timer for each, which costs as much as reading a small body does.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

__all__ = ["Deadlines"]

T = TypeVar("T")


class Deadlines:
    """Ends waits that are overdue. To be used from one event loop.

    Parameters
    ----------
    seconds : that a wait may take
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: dict[asyncio.Task[Any], float] = {}
        self._overdue: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def within(self, awaited: Awaitable[T]) -> T:
        """The result of `awaited`; a task waits for one thing at a time.

        Raises
        ------
        TimeoutError : it did not come in time
        """
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 - a coroutine runs in one
        self._due[task] = due = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(due, self._sweep)
        try:
            return await awaited
        except asyncio.CancelledError:
            if task in self._overdue and not task.uncancel():
                raise TimeoutError from None
            raise
        finally:
            del self._due[task]
            self._overdue.discard(task)

    def _sweep(self) -> None:
        """Cancel who is overdue, and come back for the next."""
        loop = asyncio.get_running_loop()
        self._timer = None
        for task, due in self._due.items():
            if due > loop.time():
                self._timer = loop.call_at(due, self._sweep)
                break
            if task not in self._overdue:
                self._overdue.add(task)
                task.cancel()
