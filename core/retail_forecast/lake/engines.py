"""Engines: what runs the lake's work on many files or batches at once. The work itself is the same function on each."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

__all__ = ["Done", "Embedded", "Engine"]

A = TypeVar("A")
B = TypeVar("B")

Done = Callable[[int], None]
"""Is told how many more units are done."""


class Engine(Protocol):
    """Runs work.

    Attributes
    ----------
    workers : how many tasks run at once
    together : how many of them share the memory of one process
    """

    @property
    def workers(self) -> int:
        """How many tasks run at once."""

    @property
    def together(self) -> int:
        """How many tasks share the memory of one process."""

    def run(self, work: Callable[[A, Done], B], tasks: Sequence[A], done: Done) -> Iterator[B]:
        """What `work` makes of each task, in order; `done` hears of progress."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """Threads of this process, and DuckDB for questions across weeks.

    Attributes
    ----------
    threads : how many; 0 = all cores
    """

    threads: int = 0

    @property
    def workers(self) -> int:
        """How many tasks run at once."""
        return self.threads or os.cpu_count() or 1

    @property
    def together(self) -> int:
        """How many tasks share the memory of this process: all."""
        return self.workers

    def run(self, work: Callable[[A, Done], B], tasks: Sequence[A], done: Done) -> Iterator[B]:
        """What `work` makes of each task, in order; `done` hears of progress."""
        with ThreadPoolExecutor(self.workers) as pool:
            yield from pool.map(lambda task: work(task, done), tasks)
