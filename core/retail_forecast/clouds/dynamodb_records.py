"""The online feature store in one Amazon DynamoDB table: the newest record of every id.

The table has the key `record` ("customer/CUST0000000001") and DynamoDB's expiry on `expires_s`. A record is written by
a conditional put, so that the greatest event time wins however many write at once. Expired items linger until DynamoDB
removes them (within days), hence they are not given either. Throttled calls are repeated with growing pauses.
"""

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from retail_forecast.domain.errors import PlaceError
from retail_forecast.domain.records import FeatureGroup, Record

__all__ = ["DynamoRecords"]

_AT_ONCE = 16
_KEYS_A_CALL = 100  # DynamoDB's limit of BatchGetItem
_ATTEMPTS = 10
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 5.0
_NEWER = "attribute_not_exists(event_time) OR event_time < :event OR (event_time = :event AND known_time <= :known)"
_REFUSED = "ConditionalCheckFailedException"
_EXISTS = "ResourceInUseException"


class DynamoRecords:
    """An `OnlineStore` in the table `table`, which is made when it is missing.

    Credentials, region and endpoint come from AWS's usual variables.

    Parameters
    ----------
    pause : waits between attempts [s]
    """

    def __init__(self, table: str, pause: Callable[[float], None] = time.sleep) -> None:
        self._table, self._pause = table, pause
        with self._told():
            settings = Config(max_pool_connections=_AT_ONCE, retries={"mode": "adaptive", "max_attempts": _ATTEMPTS})
            # boto3 itself looks at AWS_DEFAULT_REGION only; stores of objects take this one.
            region = os.environ.get("AWS_REGION")
            self._client = boto3.client("dynamodb", region_name=region, config=settings)
            self._make()

    def put(self, group: FeatureGroup, records: Sequence[Record]) -> int:
        """See `OnlineStore.put`."""
        with self._told(), ThreadPoolExecutor(_AT_ONCE) as pool:
            return sum(pool.map(lambda record: self._put(group, record), records))

    def get(self, group: FeatureGroup, record_ids: Collection[str], now: datetime) -> dict[str, Record]:
        """See `OnlineStore.get`."""
        keys = [{"record": {"S": f"{group}/{record_id}"}} for record_id in dict.fromkeys(record_ids)]
        with self._told():
            found = [
                _record(item)
                for first in range(0, len(keys), _KEYS_A_CALL)
                for item in self._items(keys[first : first + _KEYS_A_CALL])
            ]
        standing = (r for r in found if not r.deleted and (r.expires_at is None or r.expires_at > now))
        return {record.record_id: record for record in standing}

    def _put(self, group: FeatureGroup, record: Record) -> bool:
        """Whether the record stands."""
        item = _item(group, record)
        bounds = {":event": item["event_time"], ":known": item["known_time"]}
        try:
            self._client.put_item(
                TableName=self._table, Item=item, ConditionExpression=_NEWER, ExpressionAttributeValues=bounds
            )
        except ClientError as error:
            if _code(error) == _REFUSED:
                return False
            raise
        return True

    def _items(self, keys: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The items of `keys`, of which DynamoDB may answer some only."""
        wait = _FIRST_PAUSE_S
        for _ in range(_ATTEMPTS):
            answer = self._client.batch_get_item(RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}})
            yield from answer["Responses"].get(self._table, ())
            keys = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            if not keys:
                return
            self._pause(wait)
            wait = min(2 * wait, _LONGEST_PAUSE_S)
        raise self._failed(f"{len(keys)} records were not read in {_ATTEMPTS} attempts")

    def _make(self) -> None:
        try:
            self._client.create_table(
                TableName=self._table,
                KeySchema=[{"AttributeName": "record", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "record", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        except ClientError as error:
            if _code(error) != _EXISTS:
                raise
            return
        self._client.get_waiter("table_exists").wait(TableName=self._table)
        expiry = {"Enabled": True, "AttributeName": "expires_s"}
        self._client.update_time_to_live(TableName=self._table, TimeToLiveSpecification=expiry)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise self._failed(str(error)) from error

    def _failed(self, what: str) -> PlaceError:
        return PlaceError(
            f"the online feature store did not do what was asked ({what})",
            where=f"dynamodb://{self._table}",
            mend="check credentials, region and the table's capacity, then repeat",
        )


def _item(group: FeatureGroup, record: Record) -> dict[str, Any]:
    item = {
        "record": {"S": f"{group}/{record.record_id}"},
        "event_time": {"S": _text(record.event_time)},
        "known_time": {"S": _text(record.known_time)},
        "write_time": {"S": _text(record.write_time)},
        "deleted": {"BOOL": record.deleted},
        "features": {"S": msgspec.json.encode(record.values).decode()},
    }
    if record.expires_at is not None:
        item |= {
            "expires_at": {"S": _text(record.expires_at)},
            "expires_s": {"N": f"{record.expires_at.timestamp():.0f}"},
        }
    return item


def _record(item: dict[str, Any]) -> Record:
    event, known, written = (datetime.fromisoformat(item[f"{name}_time"]["S"]) for name in ("event", "known", "write"))
    expires = datetime.fromisoformat(item["expires_at"]["S"]) if "expires_at" in item else None
    values, deleted = msgspec.json.decode(item["features"]["S"]), item["deleted"]["BOOL"]
    return Record(item["record"]["S"].split("/", 1)[1], event, known, written, values, expires, deleted)


def _text(moment: datetime) -> str:
    """In UTC and of one width, so that texts are ordered as times are."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def _code(error: ClientError) -> str:
    return str(error.response["Error"]["Code"])
