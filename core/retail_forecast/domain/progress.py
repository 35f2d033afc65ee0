"""How long work tells where it is, without knowing who looks."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

__all__ = ["Progress", "Silent"]


class Progress(Protocol):
    """Shows work under way."""

    def track(self, title: str, total: int, unit: str) -> AbstractContextManager[Callable[[int], None]]:
        """Open a bar of `total` units; the function it yields is told how many more are done."""


class Silent:
    """Shows nothing: for machines and for libraries."""

    @contextmanager
    def track(self, title: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:  # noqa: ARG002 - the protocol's signature
        """Accept every report, show none."""
        yield lambda _done: None
