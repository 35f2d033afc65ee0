"""The audit: baskets of gold are replayed through a running server and compared with the batch path.

The features that a server answered from are those of its prediction log, which one that is started here keeps; of a
server elsewhere they are not seen, and not compared.
Baskets of `arrival` are of weeks that the model has not learned from, each with what was known before it. A server that
was told of other weeks than the batch path answers by those; such baskets are counted apart and not compared.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
from numpy.typing import NDArray

from retail_forecast.bundle.manifest import digest_of
from retail_forecast.bundle.scorer import Bundle
from retail_forecast.bundle.snapshot import read_latest, read_snapshot
from retail_forecast.domain.basket import Basket
from retail_forecast.domain.calendar import week_at, week_ordinal
from retail_forecast.domain.errors import PlaceError, UsageError
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.spooled import read_segment, segments
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.arrival import known_week
from retail_forecast.kernel.rows import rows_of
from retail_forecast.lake.reading import Labelled, read_gold
from retail_forecast.lake.state import LakeState
from retail_forecast.pipeline.knowledge import known_to
from retail_forecast.pipeline.parity import TaskAudit, differences
from retail_forecast.pipeline.registry import registry_store
from retail_forecast.pipeline.replay import Replayed, replay
from retail_forecast.pipeline.resolve import CHAMPION, resolve_bundle
from retail_forecast.pipeline.snapshots import make_snapshot
from retail_forecast.pipeline.workspace import bundle_path, lake_path, lake_state
from retail_forecast.registry.champion import current

__all__ = ["audit_features"]

_EXAMPLES = 5
_A_MEGABYTE = 250
"""Baskets that need no more than a megabyte of a prediction log."""


@dataclass(frozen=True, slots=True)
class _Sample:
    """n baskets to replay, in an order of chance.

    Attributes
    ----------
    gold : the baskets, with what was known of each where the model looks at that
    history_week : int32 array of shape (n,), YYYYWW, week at the end of which that was known; 0 where it does not
    """

    bundle: Bundle
    gold: Labelled
    history_week: NDArray[np.int32]


def audit_features(
    workspace: Path,
    settings: Settings,
    *,
    baskets: int,
    tasks: Sequence[Task] = (),
    url: str | None = None,
    api_key: str | None = None,
) -> list[TaskAudit]:
    """Replay baskets of the newest weeks for each of `tasks` (for all that have a champion, when none is named).

    Parameters
    ----------
    baskets : how many for each task
    url : of the server; where None, one is started for each champion, told of all weeks that it takes
    api_key : that the server asks for

    Raises
    ------
    UsageError : a task has no champion, or `arrival` has learned from every week of the lake
    PlaceError : the server does not answer, or refuses a basket
    """
    store, state = registry_store(workspace), lake_state(workspace)
    chosen = tasks or [task for task in Task if current(store, task) is not None]
    if not chosen:
        raise UsageError("no task has a champion", where=str(workspace), mend="promote a run first")
    found = []
    for task in chosen:
        sample = _sample(workspace, settings, state, resolve_bundle(workspace, CHAMPION, task), baskets)
        found.append(_elsewhere(sample, url, api_key) if url else _here(workspace, settings, state, sample))
    return found


def _sample(workspace: Path, settings: Settings, state: LakeState, bundle: Bundle, count: int) -> _Sample:
    """`count` baskets of the newest weeks, or as many as there are."""
    until = -1 if bundle.history is None else bundle.history.week
    weeks: list[int] = []
    for week in sorted(state.weeks, reverse=True):
        if week_ordinal(week) > until and sum(state.weeks[one].baskets for one in weeks) < count:
            weeks.append(week)
    if not weeks:
        raise UsageError(
            f"{bundle.manifest.run_id} has learned from every week of the lake: what was known before it is not told",
            where=str(workspace),
            mend="ingest a later week, or promote a run that was not shipped",
        )
    gold = known_to(bundle, workspace, state, settings, read_gold(lake_path(workspace), state, sorted(weeks)))
    rows = np.random.default_rng(settings.train.seed).permutation(len(gold.label))[:count]
    chosen = gold.take(rows)
    if bundle.history is None:
        return _Sample(bundle, chosen, np.zeros(len(rows), np.int32))
    asked = np.maximum(known_week(chosen.baskets.shop_day, settings.lake.delivery_lag_days), until)
    return _Sample(bundle, chosen, np.array([week_at(week) for week in asked.tolist()], np.int32))


def _elsewhere(sample: _Sample, url: str, api_key: str | None) -> TaskAudit:
    """The audit of one sample by the server at `url`."""
    start, rows = time.perf_counter(), rows_of(sample.gold.baskets)
    return _compared(sample, replay(url, sample.bundle.manifest.task, rows, api_key), None, start)


def _here(workspace: Path, settings: Settings, state: LakeState, sample: _Sample) -> TaskAudit:
    """The audit of one sample by a server of its own."""
    start, rows = time.perf_counter(), rows_of(sample.gold.baskets)
    with TemporaryDirectory(prefix="retail-forecast-audit-") as folder:
        log = Path(folder, "log")
        room = {"PREDICTION_LOG": str(log), "PREDICTION_LOG_MB": str(1 + len(rows) // _A_MEGABYTE)}
        with _server(workspace, settings, state, sample, Path(folder, "snapshot"), room) as url:
            told = replay(url, sample.bundle.manifest.task, rows)
        return _compared(sample, told, _features(log, rows), start)


@contextmanager
def _server(
    workspace: Path, settings: Settings, state: LakeState, sample: _Sample, folder: Path, also: Mapping[str, str]
) -> Iterator[str]:
    """A server with the model of `sample`, told of all that the sample's baskets may know; so is the model here."""
    from retail_forecast_server.process import serving

    weeks = set(sample.history_week.tolist()) - {0}
    if make_snapshot(folder, sample.bundle, workspace, state, settings, weeks):
        latest = read_latest(folder)
        assert latest is not None  # noqa: S101 - it was made just now
        sample.bundle.follow(read_snapshot(folder, latest))
    folder_of_bundle = bundle_path(workspace, sample.bundle.manifest.run_id)
    with serving(bundle=folder_of_bundle, settings={"SNAPSHOT": str(folder), **also}) as url:
        yield url


def _features(log: Path, rows: Sequence[Basket]) -> NDArray[np.float32]:
    """What a server that has ended answered each of `rows` from, by the prediction log that it left.

    Raises
    ------
    PlaceError : the log lacks some
    """
    entries = [entry for segment in segments(log) for entry in read_segment(segment.path)]
    kept = {entry.input_sha256: entry.features for entry in entries}
    digests = [digest_of(msgspec.json.encode(row)) for row in rows]
    if absent := sum(digest not in kept for digest in digests):
        raise PlaceError(
            f"the server's prediction log lacks {absent} of {len(rows)} baskets",
            where=str(log),
            mend="free some space for temporary files, then repeat, or audit fewer --baskets",
        )
    return np.frombuffer(b"".join(kept[digest] for digest in digests), np.float32).reshape(len(rows), -1)


def _compared(sample: _Sample, told: Replayed, features: NDArray[np.float32] | None, start: float) -> TaskAudit:
    manifest, baskets = sample.bundle.manifest, sample.gold.baskets
    batch = sample.bundle.predict(baskets)
    same = told.history_week == sample.history_week
    found = differences(batch, told, manifest.run_id, manifest.weights, features)
    apart = np.any(list(found.values()), axis=0) & same
    ids = baskets.basket_id.take(np.flatnonzero(apart)[:_EXAMPLES]).to_list()
    gaps = np.abs(told.probabilities - batch.probabilities)[same]
    return TaskAudit(
        manifest.task,
        manifest.run_id,
        int(same.sum()),
        int((~same).sum()),
        {name: int((which & same).sum()) for name, which in found.items()},
        float(gaps.max(initial=0)),
        tuple(str(basket_id) for basket_id in ids),
        time.perf_counter() - start,
    )
