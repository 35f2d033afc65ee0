"""The feature store of a workspace: materialise it, and ask it what stands or stood."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from retail_forecast.domain.records import FeatureGroup, Record
from retail_forecast.domain.settings import Settings
from retail_forecast.features.materialization import Materialized, materialize, records_of
from retail_forecast.features.offline import history, join_as_of
from retail_forecast.features.online import open_online
from retail_forecast.pipeline.snapshots import SnapshotFacts, renew_snapshot
from retail_forecast.pipeline.workspace import lake_path

__all__ = ["features_as_of", "features_history", "features_now", "materialize_features"]


def materialize_features(
    workspace: Path, settings: Settings, *, clock: Callable[[], datetime], refill: bool = False
) -> tuple[Materialized, SnapshotFacts | None]:
    """Bring the stores of `workspace` up to the newest state of its lake, and the server's snapshot with them.

    Parameters
    ----------
    refill : put the newest record of every id online, as a new online store needs it

    Raises
    ------
    UsageError : what the online store needs is not installed
    Conflict : another process is writing to the lake
    PlaceError : the lake or the online store cannot be read or written
    """
    online = open_online(settings.features.online, workspace)
    done = materialize(lake_path(workspace), online, settings, clock=clock, refill=refill)
    return done, renew_snapshot(workspace, settings) if done.state else None


def features_now(
    workspace: Path, settings: Settings, group: FeatureGroup, record_ids: Sequence[str], now: datetime
) -> list[Record]:
    """What stands online for `record_ids` at `now`, in their order; ids without a record are left out."""
    found = open_online(settings.features.online, workspace).get(group, record_ids, now)
    return [found[record_id] for record_id in record_ids if record_id in found]


def features_as_of(workspace: Path, group: FeatureGroup, record_ids: Sequence[str], at: datetime) -> list[Record]:
    """What was known of `record_ids` at the time `at`, in their order; ids of which nothing was known are left out."""
    times = pa.array([at] * len(record_ids), pa.timestamp("us", tz="UTC"))
    asked = pa.table({"record_id": pa.array(record_ids, pa.string()), "time": times})
    found = join_as_of(lake_path(workspace), group, asked)
    stood = found.filter(found["found"]).drop_columns(["found", "time"])
    return records_of(stood.append_column("deleted", pa.array([False] * len(stood), pa.bool_())), None)


def features_history(workspace: Path, group: FeatureGroup, record_id: str) -> list[Record]:
    """Every record of an id, by event and known time."""
    return records_of(history(lake_path(workspace), group, [record_id]), None)
