"""Open the online feature store that the settings name."""

from importlib import import_module
from pathlib import Path

from retail_forecast.clouds.sqlite_records import SqliteRecords
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.records import OnlineStore

__all__ = ["open_online"]

_DYNAMODB = "dynamodb://"


def open_online(address: str, workspace: Path) -> OnlineStore:
    """The online store at `address`: `sqlite`, a file of the workspace, or `dynamodb://TABLE`.

    Raises
    ------
    UsageError : what the address needs is not installed
    PlaceError : the store cannot be reached
    """
    if not address.startswith(_DYNAMODB):
        return SqliteRecords(workspace / "features" / "online.sqlite")
    try:
        module = import_module("retail_forecast.clouds.dynamodb_records")
    except ImportError as error:
        raise UsageError(
            f"{address} needs boto3, which is not installed",
            where="features.online",
            mend='pip install "retail-forecast[aws]"',
        ) from error
    store: OnlineStore = module.DynamoRecords(address.removeprefix(_DYNAMODB))
    return store
