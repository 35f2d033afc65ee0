"""The prediction log of a workspace: from the servers' spools over objects into the lake."""

from pathlib import Path

from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.settings import load_settings
from retail_forecast.lake.predictions import Committed, Uploaded, commit_objects, upload_spool
from retail_forecast.pipeline.workspace import lake_path

__all__ = ["commit_predictions", "upload_predictions"]


def upload_predictions(workspace: Path, spool: Path, place: Address | None = None) -> Uploaded:
    """Make objects at `place` (where the settings say, when None) of the finished segments of `spool`.

    Raises
    ------
    UsageError : `place` is no address, or a setting does not fit
    """
    return upload_spool(spool, open_store(place or _objects(workspace)))


def commit_predictions(workspace: Path, place: Address | None = None) -> Committed:
    """Add the objects at `place` (where the settings say, when None) to the table of predictions.

    Raises
    ------
    UsageError : `place` is no address, or a setting does not fit
    Conflict : somebody else committed objects meanwhile
    """
    return commit_objects(lake_path(workspace), open_store(place or _objects(workspace)))


def _objects(workspace: Path) -> Address:
    return load_settings(workspace).lake.predictions_uri or workspace / "predictions"
