"""Every online feature store behaves alike: one suite, a fixture for each place. A further place adds its own."""

import io
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count, permutations
from pathlib import Path
from typing import Any

import msgspec
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from retail_forecast.clouds.dynamodb_records import DynamoRecords
from retail_forecast.clouds.sqlite_records import SqliteRecords
from retail_forecast.domain.errors import PlaceError, UsageError
from retail_forecast.domain.records import FeatureGroup, OnlineStore, Record
from retail_forecast.features.online import open_online

START = datetime(2008, 7, 7, tzinfo=UTC)
_TABLES = count()
CUSTOMER, STORE = FeatureGroup.CUSTOMER, FeatureGroup.STORE


class Doors:
    """DynamoDB on this machine, whose next calls can be throttled, or answered for one key only."""

    def __init__(self) -> None:
        self._inside = DomainDispatcherApplication(create_backend_app)
        self.throttled = 0
        self.partly = 0

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Any:  # noqa: ANN401 - WSGI
        call = str(environ.get("HTTP_X_AMZ_TARGET", "")).rpartition(".")[2]
        if call in ("PutItem", "BatchGetItem") and self.throttled:
            self.throttled -= 1
            start("400 Bad Request", [("Content-Type", "application/x-amz-json-1.0")])
            return [b'{"__type": "ProvisionedThroughputExceededException", "message": "slow down"}']
        if call == "BatchGetItem" and self.partly:
            self.partly -= 1
            return self._first_key_only(environ, start)
        return self._inside(environ, start)

    def _first_key_only(self, environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
        asked = msgspec.json.decode(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        ((table, wanted),) = asked["RequestItems"].items()
        first, rest = wanted["Keys"][:1], wanted["Keys"][1:]
        body = msgspec.json.encode({"RequestItems": {table: wanted | {"Keys": first}}})
        inner = environ | {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        answer = msgspec.json.decode(b"".join(self._inside(inner, lambda *_: None)))
        answer["UnprocessedKeys"] = {table: {"Keys": rest}} if rest else {}
        start("200 OK", [("Content-Type", "application/x-amz-json-1.0")])
        return [msgspec.json.encode(answer)]


@contextmanager
def served(doors: Doors) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, doors, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(scope="module")
def doors() -> Iterator[tuple[Doors, str]]:
    doors = Doors()
    with served(doors) as url:
        yield doors, url


@pytest.fixture
def dynamodb(doors: tuple[Doors, str], monkeypatch: pytest.MonkeyPatch) -> Doors:
    for name, value in {
        "AWS_ENDPOINT_URL": doors[1],
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
    }.items():
        monkeypatch.setenv(name, value)
    return doors[0]


@pytest.fixture(params=["sqlite", "dynamodb"])
def address(request: pytest.FixtureRequest) -> str:
    """Where the store is; each place brings what it needs."""
    if request.param == "sqlite":
        return "sqlite"
    request.getfixturevalue("dynamodb")
    return f"dynamodb://records-{next(_TABLES)}"


@pytest.fixture
def online(address: str, tmp_path: Path) -> OnlineStore:
    return open_online(address, tmp_path)


def record(day: int, known: int | None = None, *, of: str = "CUST0000000001", **changes: Any) -> Record:
    event, late = START + timedelta(day), START + timedelta(day + 1 if known is None else known)
    given = {"values": {"baskets": day, "spend_gbp": 2.5, "seg_1": "AZ", "seg_2": None}} | changes
    return Record(of, event, late, late, **given)


def stands(online: OnlineStore, now: datetime = START) -> Record | None:
    return online.get(CUSTOMER, ["CUST0000000001"], now).get("CUST0000000001")


def test_what_was_put_is_given_back(online: OnlineStore) -> None:
    one, other = record(1), record(2, of="CUST0000000002", values={"baskets": 7})
    assert online.put(CUSTOMER, [one, other]) == 2
    assert online.get(CUSTOMER, ["CUST0000000002", "CUST0000000001", "CUST9999999999"], START) == {
        one.record_id: one,
        other.record_id: other,
    }
    assert online.get(STORE, ["CUST0000000001"], START) == {}, "groups are apart"
    assert online.get(CUSTOMER, [], START) == {}


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_greatest_event_time_wins_in_any_order(online: OnlineStore, order: tuple[int, ...]) -> None:
    records = [record(1, 9), record(2), record(3, 4)]
    for number in order:
        online.put(CUSTOMER, [records[number]])
    assert stands(online) == records[2]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_equal_event_times_the_one_known_later_wins(online: OnlineStore, order: tuple[int, ...]) -> None:
    first, correction = record(1, 2), record(1, 5, values={"baskets": 99})
    for number in order:
        online.put(CUSTOMER, [(first, correction)[number]])
    assert stands(online) == correction


def test_an_older_record_is_let_go_and_counted_as_such(online: OnlineStore) -> None:
    assert online.put(CUSTOMER, [record(5)]) == 1
    assert online.put(CUSTOMER, [record(4), record(1, of="CUST0000000002")]) == 1


def test_putting_again_changes_nothing(online: OnlineStore) -> None:
    records = [record(1), record(1, of="CUST0000000002")]
    online.put(CUSTOMER, records)
    assert online.put(CUSTOMER, records) == 2
    assert stands(online) == records[0]


def test_a_deleted_record_is_gone_and_older_ones_do_not_bring_it_back(online: OnlineStore) -> None:
    online.put(CUSTOMER, [record(2)])
    online.put(CUSTOMER, [record(1, deleted=True, values={})])
    assert stands(online) is not None, "an older deletion deletes nothing newer"
    online.put(CUSTOMER, [record(3, deleted=True, values={})])
    online.put(CUSTOMER, [record(2)])
    assert stands(online) is None
    online.put(CUSTOMER, [record(4)])
    assert stands(online) == record(4)


def test_a_record_expires(online: OnlineStore) -> None:
    expires = START + timedelta(10)
    online.put(CUSTOMER, [record(1, expires_at=expires)])
    assert stands(online, expires - timedelta(seconds=1)) is not None
    assert stands(online, expires) is None


def test_many_at_once_and_many_ids(online: OnlineStore) -> None:
    records = [record(day, of=f"CUST{number:010d}") for number in range(60) for day in (3, 1, 2)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda part: online.put(CUSTOMER, records[part::4]), range(4)))
    ids = [f"CUST{number:010d}" for number in range(120)]
    found = online.get(CUSTOMER, ids, START)
    assert sorted(found) == ids[:60]
    assert {one.event_time for one in found.values()} == {START + timedelta(3)}


def test_dynamodb_repeats_what_was_throttled(dynamodb: Doors) -> None:
    online = DynamoRecords("throttled")
    dynamodb.throttled = 2
    assert online.put(CUSTOMER, [record(1)]) == 1
    dynamodb.throttled = 2
    assert stands(online) == record(1)


def test_dynamodb_asks_again_for_keys_that_were_left_out_and_pauses_longer_each_time(dynamodb: Doors) -> None:
    pauses: list[float] = []
    online = DynamoRecords("partly", pauses.append)
    ids = [f"CUST{number:010d}" for number in range(4)]
    online.put(CUSTOMER, [record(1, of=one) for one in ids])
    dynamodb.partly = 3
    assert sorted(online.get(CUSTOMER, ids, START)) == ids
    assert pauses == [0.05, 0.1, 0.2]
    dynamodb.partly = 99
    with pytest.raises(PlaceError, match="3 records were not read in 10 attempts") as told:
        online.get(CUSTOMER, [f"CUST{number:010d}" for number in range(13)], START)
    dynamodb.partly = 0
    assert told.value.where == "dynamodb://partly"


@pytest.mark.usefixtures("dynamodb")
def test_dynamodb_removes_expired_records_by_itself() -> None:
    import boto3

    DynamoRecords("expiry")
    asked = boto3.client("dynamodb", region_name="eu-west-1").describe_time_to_live(TableName="expiry")[
        "TimeToLiveDescription"
    ]
    assert (asked["TimeToLiveStatus"], asked["AttributeName"]) == ("ENABLED", "expires_s")


def test_a_store_that_is_not_reached_says_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "features").write_text("a file where a folder should be")
    with pytest.raises(PlaceError, match="online feature store") as told:
        open_online("sqlite", tmp_path).put(CUSTOMER, [record(1)])
    assert told.value.where.endswith("online.sqlite")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    with pytest.raises(PlaceError, match="region") as told:
        open_online("dynamodb://nowhere", tmp_path)
    assert told.value.where == "dynamodb://nowhere"


def test_without_boto3_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.delitem(sys.modules, "retail_forecast.clouds.dynamodb_records")
    with pytest.raises(UsageError) as told:
        open_online("dynamodb://records", tmp_path)
    assert told.value.mend == 'pip install "retail-forecast[aws]"'


def test_the_file_of_records_is_shared_by_processes(tmp_path: Path) -> None:
    SqliteRecords(tmp_path / "online.sqlite").put(CUSTOMER, [record(1)])
    assert stands(SqliteRecords(tmp_path / "online.sqlite")) == record(1)
