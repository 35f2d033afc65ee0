"""Intake: the files of one call are copied, told apart from those the lake holds, checked and staged."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from retail_forecast.clouds.objects import together
from retail_forecast.domain.errors import FileRefused
from retail_forecast.domain.progress import Progress
from retail_forecast.lake.accounts import Acceptance, Refusal
from retail_forecast.lake.engines import Carried, Done, Engine
from retail_forecast.lake.landing import Landed, discard, land
from retail_forecast.lake.staging import Staged, stage

__all__ = ["Intake", "take_in"]


@dataclass(frozen=True, slots=True)
class Intake:
    """What became of the files of one call: staged, held already (their paths), or refused. Each in the order given.

    `accepted` says of which staged files a refusal was overruled.
    """

    staged: tuple[Staged, ...]
    unchanged: tuple[str, ...]
    refused: tuple[Refusal, ...]
    accepted: tuple[Acceptance, ...] = ()


def take_in(files: Sequence[Path], known: Collection[str], folder: Path, engine: Engine, progress: Progress) -> Intake:
    """Stage `files` in `folder`, except those whose digest is in `known` or that must be refused."""
    staged: list[Staged] = []
    unchanged: list[str] = []
    refused: list[Refusal] = []
    seen = set(known)
    with progress.track("reading till files", len(files), "files") as done:
        fresh: list[Landed] = []
        for landed in together(lambda file: _landed(file, folder), files):
            if isinstance(landed, Landed) and landed.sha256 not in seen:
                seen.add(landed.sha256)
                fresh.append(landed)
                continue
            if isinstance(landed, Landed):
                unchanged.append(str(landed.origin))
                discard(landed)
            else:
                refused.append(landed)
            done(1)
        tasks = [(landed, folder) for landed in fresh]
        carried = Carried(folder, _read, _made, back=False)
        for landed, outcome in zip(fresh, engine.run(_staged, tasks, done, carried), strict=True):
            if isinstance(outcome, Staged):
                staged.append(outcome)
            else:
                discard(landed)
                refused.append(outcome)
    return Intake(tuple(staged), tuple(unchanged), tuple(refused))


def _landed(file: Path, folder: Path) -> Landed | Refusal:
    try:
        return land(file, folder)
    except FileRefused as refused:
        return _refusal(refused)


def _staged(task: tuple[Landed, Path], done: Done) -> Staged | Refusal:
    landed, folder = task
    try:
        return stage(landed, folder)
    except FileRefused as refused:
        return _refusal(refused)
    finally:
        done(1)


def _read(task: tuple[Landed, Path]) -> list[Path]:
    return [task[0].copy]


def _made(outcome: Staged | Refusal) -> list[Path]:
    return [slab.path for slab in outcome.slabs] if isinstance(outcome, Staged) else []


def _refusal(refused: FileRefused) -> Refusal:
    return Refusal(refused.where, refused.code, refused.what, refused.mend)
