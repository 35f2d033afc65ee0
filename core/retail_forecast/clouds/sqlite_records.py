"""The online feature store in one SQLite file: the newest record of every id, on this machine."""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from retail_forecast.domain.errors import PlaceError
from retail_forecast.domain.records import FeatureGroup, Record

__all__ = ["SqliteRecords"]

_TABLE = """
CREATE TABLE IF NOT EXISTS records (
    feature_group TEXT NOT NULL, record_id TEXT NOT NULL, event_us INTEGER NOT NULL, known_us INTEGER NOT NULL,
    write_us INTEGER NOT NULL, expires_us INTEGER, deleted INTEGER NOT NULL, features TEXT NOT NULL,
    PRIMARY KEY (feature_group, record_id)
) WITHOUT ROWID
"""
_PUT = """
INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (feature_group, record_id) DO UPDATE SET
    event_us = excluded.event_us, known_us = excluded.known_us, write_us = excluded.write_us,
    expires_us = excluded.expires_us, deleted = excluded.deleted, features = excluded.features
WHERE (excluded.event_us, excluded.known_us) >= (event_us, known_us)
"""
_GET = """
SELECT record_id, event_us, known_us, write_us, expires_us, features FROM records
WHERE feature_group = ? AND record_id IN (SELECT value FROM json_each(?))
    AND NOT deleted AND (expires_us IS NULL OR expires_us > ?)
"""
_PATIENCE_S = 30.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class SqliteRecords:
    """An `OnlineStore` in the file `path`, which is made when it is missing."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def put(self, group: FeatureGroup, records: Sequence[Record]) -> int:
        """See `OnlineStore.put`."""
        with self._open() as connection:
            return connection.executemany(_PUT, [_row(group, record) for record in records]).rowcount

    def get(self, group: FeatureGroup, record_ids: Collection[str], now: datetime) -> dict[str, Record]:
        """See `OnlineStore.get`."""
        wanted = msgspec.json.encode(list(record_ids)).decode()
        with self._open() as connection:
            rows = connection.execute(_GET, (str(group), wanted, _microseconds(now))).fetchall()
        return {row[0]: _record(*row) for row in rows}

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """A connection in one transaction; an open one would be bound to its thread."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self._path, timeout=_PATIENCE_S)) as connection, connection:
                connection.execute(_TABLE)
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise PlaceError(
                f"the online feature store cannot be read or written ({error})",
                where=str(self._path),
                mend="check permissions and disk; `features materialize --refill` fills a new file",
            ) from error


def _row(group: FeatureGroup, record: Record) -> tuple[Any, ...]:
    return (
        str(group),
        record.record_id,
        _microseconds(record.event_time),
        _microseconds(record.known_time),
        _microseconds(record.write_time),
        None if record.expires_at is None else _microseconds(record.expires_at),
        record.deleted,
        msgspec.json.encode(record.values).decode(),
    )


def _record(record_id: str, event: int, known: int, written: int, expires: int | None, values: str) -> Record:
    event_time, known_time, write_time = (_EPOCH + number * _MICROSECOND for number in (event, known, written))
    expires_at = None if expires is None else _EPOCH + expires * _MICROSECOND
    return Record(record_id, event_time, known_time, write_time, msgspec.json.decode(values), expires_at)


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND
