"""Engines: what runs the lake's work on many files or batches at once. The work itself is the same function on each."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeVar

from retail_forecast.domain.settings import LakeSettings

__all__ = ["Done", "Embedded", "Engine", "EngineName", "open_engine"]

A = TypeVar("A")
B = TypeVar("B")

Done = Callable[[int], None]
"""Is told how many more units are done."""


class EngineName(StrEnum):
    """What the engines are called."""

    DUCKDB = "duckdb"
    SPARK = "spark"


class Engine(Protocol):
    """Runs work."""

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


def open_engine(name: EngineName, settings: LakeSettings) -> Engine:
    """The engine called `name`: threads of this process beside DuckDB, or Spark's workers."""
    if name is EngineName.SPARK:
        from retail_forecast.lake.spark import Spark  # noqa: PLC0415 - an extra, needed when it is chosen

        return Spark(settings.spark_address, settings.spark_workers)
    return Embedded(settings.threads)
