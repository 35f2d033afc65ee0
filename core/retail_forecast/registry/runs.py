"""Runs of record: each is written once, as `runs/<run_id>/run.json` in the workspace, and never changed."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from difflib import get_close_matches

import msgspec
import obstore
from obstore.exceptions import AlreadyExistsError
from obstore.store import ObjectStore

from retail_forecast.domain.errors import Conflict, PlaceError, UsageError
from retail_forecast.domain.tasks import Task
from retail_forecast.registry.record import RunRecord, Span

__all__ = [
    "RECORD",
    "comparable_runs",
    "is_recorded",
    "list_runs",
    "load_run",
    "new_run_id",
    "run_folder",
    "save_beside",
    "save_run",
    "test_window_uses",
]

RECORD = "run.json"
"""Name of the record in the folder of a run."""

_FOLDER = "runs"


def new_run_id(task: Task, model: str, created_at: datetime, digest: str) -> str:
    """Name of a run: task, model, UTC second and the head of a hexadecimal digest of what the run reads.

    >>> new_run_id(Task.BASKET, "xgboost", datetime(2026, 11, 22, 15, 27, tzinfo=UTC), "1a2b3c4d5e")
    'basket-xgboost-20261122T152700-1a2b3c'
    """
    return f"{task}-{model}-{created_at.astimezone(UTC):%Y%m%dT%H%M%S}-{digest[:6]}"


def run_folder(run_id: str) -> str:
    """Where the record of a run lies within a registry."""
    return f"{_FOLDER}/{run_id}"


def save_run(store: ObjectStore, record: RunRecord) -> None:
    """Write `record` into the registry behind `store`; no-op where it is there as it is.

    Raises
    ------
    Conflict : another run of that name is there already
    """
    payload = msgspec.json.format(msgspec.json.encode(record, order="sorted"), indent=2)
    try:
        obstore.put(store, _path(record.run_id), payload, mode="create")
    except AlreadyExistsError as error:
        if not is_recorded(store, record):
            raise PlaceError("it was there a moment ago", where=_path(record.run_id), mend="repeat it") from error


def is_recorded(store: ObjectStore, record: RunRecord) -> bool:
    """Whether `record` is in the registry behind `store` as it is.

    Raises
    ------
    Conflict : another run of that name is there
    """
    try:
        found = _read(store, record.run_id)
    except FileNotFoundError:
        return False
    if found == record:
        return True
    raise Conflict(
        f"run {record.run_id} is recorded already",
        where=_path(record.run_id),
        mend="train again: a second later it has another name",
    )


def save_beside(store: ObjectStore, run_id: str, files: Mapping[str, bytes]) -> None:
    """Write `files`, by name, beside the record of a run: what people read, and nothing depends on."""
    for name, payload in files.items():
        obstore.put(store, f"{run_folder(run_id)}/{name}", payload)


def list_runs(store: ObjectStore, task: Task | None = None) -> list[RunRecord]:
    """All recorded runs, oldest first; of one `task` when given. An interrupted run left no record."""
    records = [_read(store, run_id) for run_id in _run_ids(store)]
    return sorted((r for r in records if task in (None, r.task)), key=lambda r: (r.created_at, r.run_id))


def comparable_runs(runs: Iterable[RunRecord], record: RunRecord) -> tuple[RunRecord, ...]:
    """The newest run of each learner that was measured on the same baskets as `record`, having learned the same labels
    from the same weeks: the best first. A refit stands for its parent, whose figures it carries."""
    runs = tuple(runs)
    measured = next((run for run in runs if run.run_id == record.parent), record)
    newest = {run.model: run for run in (*runs, measured) if _basis(run) == _basis(measured)}
    return tuple(sorted(newest.values(), key=lambda run: (-run.metrics["macro_f1"], run.model)))


def load_run(store: ObjectStore, run_id: str) -> RunRecord:
    """The run of that name.

    Raises
    ------
    UsageError : there is none; the nearest names are given
    """
    known = _run_ids(store)
    if run_id in known:
        return _read(store, run_id)
    near = get_close_matches(run_id, known, n=3, cutoff=0.0)
    mend = f"did you mean {' or '.join(near)}?" if near else "train a model first: `retail-forecast train`"
    raise UsageError(f"no run is named {run_id!r}", where=_FOLDER, mend=mend)


def test_window_uses(runs: Iterable[RunRecord], task: Task, window: Span) -> int:
    """How many of `runs` took test figures for `task` from any week of `window`; a refit takes none of its own."""
    weeks = set(window.weeks)
    return sum(
        run.task is task
        and run.metrics_from == "test"
        and run.windows.test is not None
        and not weeks.isdisjoint(run.windows.test.weeks)
        for run in runs
    )


def _run_ids(store: ObjectStore) -> list[str]:
    paths = (meta["path"] for chunk in store.list(_FOLDER) for meta in chunk)
    return sorted(path.split("/")[1] for path in paths if path.count("/") == 2 and path.endswith(f"/{RECORD}"))


def _basis(run: RunRecord) -> tuple[object, ...]:
    """What two runs must have in common for their figures to be compared."""
    return (
        run.task,
        run.windows,
        run.metrics_from,
        run.data.number,
        run.data.tables,
        run.label_source,
        run.parent is None,
    )


def _read(store: ObjectStore, run_id: str) -> RunRecord:
    return msgspec.json.decode(bytes(store.get(_path(run_id)).bytes()), type=RunRecord)


def _path(run_id: str) -> str:
    return f"{run_folder(run_id)}/{RECORD}"
