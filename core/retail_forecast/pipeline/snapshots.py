"""The snapshot for the server: what was known of customers and stores in weeks after the champion learned."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from retail_forecast.bundle.scorer import Bundle
from retail_forecast.bundle.snapshot import write_snapshot
from retail_forecast.domain.calendar import week_at, week_ordinal
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.features.history import follow, past_of
from retail_forecast.lake.reading import read_gold
from retail_forecast.lake.state import LakeState
from retail_forecast.pipeline.registry import publish_snapshot, registry_store
from retail_forecast.pipeline.resolve import CHAMPION, resolve_bundle
from retail_forecast.pipeline.workspace import lake_path, lake_state, snapshot_path
from retail_forecast.registry.champion import current

__all__ = ["SnapshotFacts", "make_snapshot", "renew_snapshot"]


@dataclass(frozen=True, slots=True)
class SnapshotFacts:
    """A snapshot that was made: for which model, with what is known at the end of which weeks, and its digest."""

    model_version: str
    weeks: tuple[int, ...]
    sha256: str


def renew_snapshot(workspace: Path, settings: Settings) -> SnapshotFacts | None:
    """Make the snapshot of the newest weeks for the champion of `arrival`; None where there is no champion, or the lake
    holds no week that it has not learned from.

    Raises
    ------
    DataError : the lake is empty, or the champion's bundle is damaged
    """
    if current(registry_store(workspace), Task.ARRIVAL) is None:
        return None
    bundle, state = resolve_bundle(workspace, CHAMPION, Task.ARRIVAL), lake_state(workspace)
    newest = sorted(state.weeks)[-settings.features.snapshot_weeks :]
    made = make_snapshot(snapshot_path(workspace), bundle, workspace, state, settings, newest)
    publish_snapshot(workspace)
    return made


def make_snapshot(
    folder: Path, bundle: Bundle, workspace: Path, state: LakeState, settings: Settings, weeks: Collection[int]
) -> SnapshotFacts | None:
    """Write what is known at the end of each of `weeks` into `folder`, as far as `bundle` has not learned from them:
    its history goes on with the baskets after it. None where nothing is left."""
    if bundle.history is None or bundle.products is None:
        return None
    until = bundle.history.week
    later = [week for week in weeks if week_ordinal(week) > until]
    if not later:
        return None
    after = [week for week in sorted(state.weeks) if until < week_ordinal(week) <= week_ordinal(max(later))]
    gold = read_gold(lake_path(workspace), state, after)
    past = past_of(gold.baskets, gold.label, bundle.products)
    histories = follow(bundle.history, gold.baskets, past, gold.complete, {week_ordinal(week) for week in later})
    latest = write_snapshot(folder, bundle.digest, settings.lake.delivery_lag_days, histories)
    known = tuple(week_at(history.week) for history in histories)
    return SnapshotFacts(bundle.manifest.run_id, known, latest.sha256)
