"""Intake: the files of one call are copied, told apart from those the lake holds, checked and staged."""

import os
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from retail_forecast.domain.errors import FileRefused
from retail_forecast.domain.progress import Progress
from retail_forecast.lake.accounts import Acceptance, Refusal
from retail_forecast.lake.landing import Landed, discard, land
from retail_forecast.lake.staging import Staged, stage

__all__ = ["Intake", "take_in"]

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Intake:
    """What became of the files of one call: staged, held already (their paths), or refused. Each in the order given.

    `accepted` says of which staged files a refusal was overruled.
    """

    staged: tuple[Staged, ...]
    unchanged: tuple[str, ...]
    refused: tuple[Refusal, ...]
    accepted: tuple[Acceptance, ...] = ()


def take_in(files: Sequence[Path], known: Collection[str], folder: Path, threads: int, progress: Progress) -> Intake:
    """Stage `files` in `folder`, except those whose digest is in `known` or that must be refused."""
    staged: list[Staged] = []
    unchanged: list[str] = []
    refused: list[Refusal] = []
    seen = set(known)
    with (
        ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool,
        progress.track("reading till files", len(files), "files") as done,
    ):
        landed = list(pool.map(_attempt(lambda file: land(file, folder)), files))
        fresh: list[Landed | FileRefused] = []
        for item in landed:
            if isinstance(item, Landed) and item.sha256 in seen:
                unchanged.append(str(item.origin))
                discard(item)
                done(1)
                continue
            if isinstance(item, Landed):
                seen.add(item.sha256)
            fresh.append(item)
        for outcome in pool.map(_attempt(lambda item: _staged(item, folder)), fresh):
            done(1)
            if isinstance(outcome, FileRefused):
                refused.append(Refusal(outcome.where, outcome.code, outcome.what, outcome.mend))
            else:
                staged.append(outcome)
    return Intake(tuple(staged), tuple(unchanged), tuple(refused))


def _attempt(work: Callable[[A], B]) -> Callable[[A], B | FileRefused]:
    def attempt(item: A) -> B | FileRefused:
        try:
            return work(item)
        except FileRefused as refused:
            return refused

    return attempt


def _staged(item: Landed | FileRefused, folder: Path) -> Staged:
    if isinstance(item, FileRefused):
        raise item
    try:
        return stage(item, folder)
    except FileRefused:
        discard(item)
        raise
