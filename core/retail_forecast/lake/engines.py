"""Engines: what runs the lake's work on many files or batches at once. The work itself is the same function on each."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol, TypeVar

from retail_forecast.clouds.addresses import Address, below, local_folder
from retail_forecast.domain.settings import LakeSettings

__all__ = ["WORK", "Carried", "Done", "Embedded", "Engine", "EngineName", "open_engine"]

WORK = ".work"
"""Where files of work under way lie in a lake."""

A = TypeVar("A")
B = TypeVar("B")

Done = Callable[[int], None]
"""Is told how many more units are done."""


class EngineName(StrEnum):
    """What the engines are called."""

    DUCKDB = "duckdb"
    SPARK = "spark"


@dataclass(frozen=True, slots=True)
class Carried:
    """Files that go with tasks to workers who share no disk with this process, and come back with the answers.

    Attributes
    ----------
    room : folder that the paths in tasks and answers lie in
    read : the files that a task reads
    made : the files that an answer names
    back : whether those are wanted here; else they are kept for the tasks of a later run
    """

    room: Path
    read: Callable[[Any], Iterable[Path]]
    made: Callable[[Any], Iterable[Path]]
    back: bool


class Engine(Protocol):
    """Runs work."""

    @property
    def workers(self) -> int:
        """How many tasks run at once."""

    @property
    def together(self) -> int:
        """How many tasks share the memory of one process."""

    def run(
        self, work: Callable[[A, Done], B], tasks: Sequence[A], done: Done, carried: Carried | None = None
    ) -> Iterator[B]:
        """What `work` makes of each task, in order; `done` hears of progress, and `carried` are the files of both."""


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

    def run(
        self,
        work: Callable[[A, Done], B],
        tasks: Sequence[A],
        done: Done,
        carried: Carried | None = None,  # noqa: ARG002 - threads have this disk
    ) -> Iterator[B]:
        """What `work` makes of each task, in order; `done` hears of progress."""
        with ThreadPoolExecutor(self.workers) as pool:
            yield from pool.map(lambda task: work(task, done), tasks)


def open_engine(name: EngineName, settings: LakeSettings, lake: Address | None = None) -> Engine:
    """The engine called `name`: threads of this process beside DuckDB, or Spark's workers.

    Files go to those by way of `lake` where that is an object store; else they must share the folder they lie in.
    """
    if name is EngineName.SPARK:
        from retail_forecast.lake.spark import SAIL, Spark  # noqa: PLC0415 - an extra, needed when it is chosen

        apart = lake is not None and local_folder(lake) is None and settings.spark_address != SAIL
        return Spark(settings.spark_address, settings.spark_workers, below(lake, WORK) if lake and apart else None)
    return Embedded(settings.threads)
