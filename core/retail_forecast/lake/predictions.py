"""Predictions in the lake: what servers answered, from their spools over Parquet objects into one Delta table.

A segment of a spool becomes one object, named by its writer and number. Objects are committed in that order without
gaps; the commit carries the last number of each writer as an application transaction, so an object counts once however
often, and by however many at once, it is uploaded or committed. What was committed is removed.
"""

import fcntl
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import obstore
import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import DeltaError
from obstore.store import ObjectStore

from retail_forecast.clouds.addresses import Address, below
from retail_forecast.clouds.objects import create, listed, read
from retail_forecast.clouds.opening import table_options
from retail_forecast.domain.errors import Conflict
from retail_forecast.domain.labels import LABELS
from retail_forecast.domain.spooled import Entry, Segment, read_segment, segments

__all__ = ["PREDICTIONS", "Committed", "Uploaded", "commit_objects", "read_predictions", "upload_spool"]

_PROBABILITIES = tuple(f"p_{label}" for label in LABELS)
_AS_THEY_ARE = (
    "request_id", "position", "model_version", "task", "basket_id", "input_sha256", "label", "unknown_share",
    "history_week",
)  # fmt: skip

PREDICTIONS = pa.schema(
    [
        ("day", pa.date32()),
        ("request_id", pa.string()),
        ("position", pa.int32()),
        ("time", pa.timestamp("us", tz="UTC")),
        ("model_version", pa.string()),
        ("task", pa.string()),
        ("basket_id", pa.string()),
        ("input_sha256", pa.string()),
        ("features", pa.list_(pa.field("element", pa.float32()))),
        *((name, pa.float64()) for name in _PROBABILITIES),
        ("label", pa.string()),
        ("unknown_share", pa.float64()),
        ("history_week", pa.int32()),
    ]
)
"""One row an answer; the table is partitioned by `day`."""

_PLACE = "predictions"
_FOLDER = "objects"
_APP = "retail-forecast-predictions"


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What became of a spool: segments uploaded, and the answers in them."""

    segments: int
    answers: int


@dataclass(frozen=True, slots=True)
class Committed:
    """What one call added to the table: objects and their answers; and objects that wait for one before them."""

    objects: int
    answers: int
    waiting: int


def upload_spool(folder: Path, store: ObjectStore) -> Uploaded:
    """Make Parquet objects in `store` of the finished segments in `folder`, and remove those.

    Whoever is interrupted repeats it: an object is written once, and its segment goes last.
    """
    count = answers = 0
    for segment in segments(folder):
        with _taken(segment) as free:
            if not free:
                continue
            entries = list(read_segment(segment.path))
            try:
                create(store, f"{_FOLDER}/{segment.writer}/{segment.number:08d}.parquet", _parquet(entries))
            except Conflict:
                entries = []  # it was uploaded by a call that ended before it could remove the segment
            segment.path.unlink(missing_ok=True)
            count, answers = count + 1, answers + len(entries)
    return Uploaded(count, answers)


def commit_objects(root: Address, store: ObjectStore) -> Committed:
    """Add the objects in `store` to the table of predictions of the lake at `root`, in one commit, and remove them.

    Raises
    ------
    Conflict : somebody else committed objects meanwhile; nothing was added
    """
    place, options = below(root, _PLACE), table_options(root)
    table = DeltaTable.create(place, PREDICTIONS, mode="ignore", partition_by=["day"], storage_options=options)
    found = sorted(path for path, _ in listed(store, _FOLDER))
    new, done, last = _due(found, table)
    if new:
        rows = [pq.read_table(io.BytesIO(read(store, path))) for path in new]
        transactions = [Transaction(f"{_APP}/{writer}", number) for writer, number in last.items()]
        try:
            write_deltalake(
                table,
                pa.concat_tables(rows),
                mode="append",
                commit_properties=CommitProperties(app_transactions=transactions),
            )
        except DeltaError as error:
            raise Conflict(f"the predictions were not committed ({error})", where=place, mend="repeat it") from error
    if new or done:
        obstore.delete(store, [*new, *done])
    answers = sum(len(table) for table in rows) if new else 0
    return Committed(len(new), answers, len(found) - len(new) - len(done))


def read_predictions(root: Address) -> pa.Table:
    """All predictions in the lake at `root`, in the order of time; `PREDICTIONS`."""
    place, options = below(root, _PLACE), table_options(root)
    if not DeltaTable.is_deltatable(place, options):
        return PREDICTIONS.empty_table()
    table = DeltaTable(place, storage_options=options).to_pyarrow_dataset().to_table()
    return table.select(PREDICTIONS.names).cast(PREDICTIONS).sort_by("time")


def _due(paths: Sequence[str], table: DeltaTable) -> tuple[list[str], list[str], dict[str, int]]:
    """The objects to commit, those that were committed before, and the last number of each writer to commit."""
    new: list[str] = []
    done: list[str] = []
    last: dict[str, int] = {}
    for path in paths:
        writer, number = PurePosixPath(path).parent.name, int(PurePosixPath(path).stem)
        committed = table.transaction_version(f"{_APP}/{writer}") or 0
        if number <= committed:
            done.append(path)
        elif number == last.get(writer, committed) + 1:
            new.append(path)
            last[writer] = number
    return new, done, last


@contextmanager
def _taken(segment: Segment) -> Iterator[bool]:
    """Whether the segment may be read: it is finished, or its writer is gone and has left something."""
    try:
        with segment.path.open("rb") as file:
            if segment.finished:
                yield True
                return
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield segment.path.exists() and segment.path.stat().st_size > 0
    except (FileNotFoundError, BlockingIOError):
        yield False


def _parquet(entries: Sequence[Entry]) -> bytes:
    times = [datetime.fromtimestamp(entry.time, UTC) for entry in entries]
    told = np.array([entry.probabilities for entry in entries], np.float64).reshape(-1, len(_PROBABILITIES))
    columns: dict[str, Any] = {name: [getattr(entry, name) for entry in entries] for name in _AS_THEY_ARE}
    columns |= {"day": [time.date() for time in times], "time": times}
    columns |= {"features": [np.frombuffer(entry.features, np.float32) for entry in entries]}
    columns |= {name: np.ascontiguousarray(told[:, number]) for number, name in enumerate(_PROBABILITIES)}
    table = pa.table({field.name: pa.array(columns[field.name], field.type) for field in PREDICTIONS})
    written = io.BytesIO()
    pq.write_table(table, written, compression="zstd")
    return written.getvalue()
