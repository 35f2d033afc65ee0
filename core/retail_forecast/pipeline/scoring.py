"""Batch scoring: answers for the baskets of the lake, a quarter of a year at a time, on this machine or on Spark.

Workers read gold at one state of the lake, answer with the bundle's own scorer and write part files, which become one
file in the order of weeks and baskets. So memory is bounded, and every engine gives the same rows.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq

from retail_forecast.bundle.scorer import Bundle, load_bundle
from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.faults import told_as_place
from retail_forecast.domain.progress import Progress, Silent
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.engines import Done, EngineName, open_engine
from retail_forecast.lake.reading import read_gold
from retail_forecast.lake.state import LakeState
from retail_forecast.pipeline.bounds import weeks_between
from retail_forecast.pipeline.knowledge import known_to
from retail_forecast.pipeline.places import there
from retail_forecast.pipeline.predict import answers_table, require_format, write_tables
from retail_forecast.pipeline.resolve import resolve_bundle
from retail_forecast.pipeline.workspace import bundle_path, lake_path, lake_state

__all__ = ["predict_lake", "spans_of"]

_WEEKS_AT_ONCE = 13


@dataclass(frozen=True, slots=True)
class _Share:
    """One worker's part: the weeks of `state` to answer, by which bundle, and the part file to write."""

    workspace: Path
    settings: Settings
    state: LakeState
    run_id: str
    bundle_digest: str
    weeks: tuple[int, ...]
    part: Path


def predict_lake(
    workspace: Path,
    settings: Settings,
    output: Address,
    *,
    model: str,
    task: Task,
    from_week: int | None = None,
    to_week: int | None = None,
    engine: EngineName = EngineName.DUCKDB,
    progress: Progress | None = None,
) -> tuple[str, int]:
    """Answer for every basket of the lake's weeks, by week and basket; returns the model's run id and the number of
    baskets. Columns and formats are those of `predict_files`.

    A basket of `arrival` is answered by what was known before it, which is followed week by week: one worker of the
    engine answers all of them.

    Raises
    ------
    UsageError : the output's name says no known format, the model is unknown, or no week lies within the bounds
    DataError : nothing has been ingested yet
    PlaceError : the output cannot be written; an earlier one is as it was
    """
    require_format(output)
    bundle, state = resolve_bundle(workspace, model, task), lake_state(workspace)
    weeks = weeks_between(state, from_week, to_week)
    total = sum(state.weeks[week].baskets for week in weeks)
    with (
        there(output) as file,
        _beside(file) as folder,
        (progress or Silent()).track("baskets", total, "baskets") as done,
    ):
        shares = _shares(workspace, settings, state, bundle, weeks, folder)
        parts = list(open_engine(engine, settings.lake).run(_answer, shares, done))
        write_tables(_read(parts), file)
    return bundle.manifest.run_id, total


@contextmanager
def _beside(file: Path) -> Iterator[Path]:
    """A folder for parts, on the disk that the whole goes to."""
    with told_as_place(file):
        file.parent.mkdir(parents=True, exist_ok=True)
        room = TemporaryDirectory(prefix=f".{file.name}-", dir=file.parent)
    with room as folder:
        yield Path(folder)


def spans_of(weeks: Sequence[int], at_once: int = _WEEKS_AT_ONCE) -> list[tuple[int, ...]]:
    """Weeks that are answered together."""
    return [tuple(weeks[first : first + at_once]) for first in range(0, len(weeks), at_once)]


def _shares(
    workspace: Path, settings: Settings, state: LakeState, bundle: Bundle, weeks: Sequence[int], folder: Path
) -> list[_Share]:
    at_once = len(weeks) if bundle.manifest.task is Task.ARRIVAL else _WEEKS_AT_ONCE
    portable = Settings(**dict(settings))  # those of a workspace are of a class that no worker knows
    named = (workspace.resolve(), portable, state, bundle.manifest.run_id, bundle.digest)
    return [
        _Share(*named, span, folder.resolve() / f"{number:06d}.parquet")
        for number, span in enumerate(spans_of(weeks, at_once))
    ]


def _answer(share: _Share, done: Done) -> Path:
    """Answer the baskets of a share and write them; returns the part file."""
    threads = share.settings.train.threads or os.cpu_count() or 1
    bundle = load_bundle(bundle_path(share.workspace, share.run_id), share.bundle_digest, threads)
    gold = read_gold(lake_path(share.workspace), share.state, share.weeks)
    gold = known_to(bundle, share.workspace, share.state, share.settings, gold)
    answers = answers_table(gold.baskets, bundle.predict(gold.baskets))
    with told_as_place(share.part.parent):
        pq.write_table(answers, share.part)
    done(len(gold.label))
    return share.part


def _read(parts: Sequence[Path]) -> Iterator[pa.Table]:
    for part in parts:
        yield pq.read_table(part)
