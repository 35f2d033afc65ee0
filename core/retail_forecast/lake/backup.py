"""Backup: the whole lake as objects elsewhere, every byte under its digest, and back.

What is published is never changed afterwards, so that a repeated backup copies only what is new. States are restored
last: a restore that was interrupted leaves a lake that holds nothing, and can be repeated.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec
import obstore
from obstore.store import ObjectStore

from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import DataError, UsageError
from retail_forecast.lake.lease import lease
from retail_forecast.lake.retention import retired_states
from retail_forecast.lake.state import LakeState, LakeStates

__all__ = ["MANIFEST", "Copied", "back_up", "restore", "return_to"]

MANIFEST = "backup.json"

_STATES = "states/"
_HIDDEN = "."  # the lease, and rooms of writers under way


class _Object(msgspec.Struct, frozen=True):
    size: int
    sha256: str


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    state: int
    written_at: datetime
    objects: dict[str, _Object]
    format: Literal[1] = 1


@dataclass(frozen=True, slots=True)
class Copied:
    """The state that a backup holds, its objects, and how many of them and bytes were copied this time."""

    state: int
    objects: int
    copied: int
    bytes: int


def back_up(root: Path, target: str | Path, *, clock: Callable[[], datetime]) -> Copied:
    """Copy the lake at `root` to `target`, which may hold an earlier backup of it.

    Raises
    ------
    UsageError : the lake is empty, or `target` lies within it
    Conflict : another process is writing to this lake
    """
    if Path(target).resolve().is_relative_to(root.resolve()):
        raise UsageError("a backup within the lake would be lost with it", where=str(target), mend="name another place")
    with lease(root):
        state = LakeStates(root).latest()
        if state is None:
            raise UsageError("the lake holds nothing yet", where=str(root), mend="ingest first")
        source, place = open_store(root), open_store(target)
        earlier, there = _objects_of(place), dict(_listed(place))
        made, copied, size = {}, 0, 0
        for path, found in _listed(source):
            known = earlier.get(path)
            if known is None or not known.size == found == there.get(path) or not _immutable(path):
                known = _copy(source, place, path)
                copied, size = copied + 1, size + known.size
            made[path] = known
        manifest = _Manifest(state.number, clock(), made)
        obstore.put(place, MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        return Copied(state.number, len(made), copied, size)


def restore(root: Path, source: str | Path) -> Copied:
    """Bring the backup at `source` back as the lake at `root`, which must hold nothing.

    Raises
    ------
    UsageError : the lake holds something, or no backup is there
    DataError : an object of the backup is missing or damaged; the lake holds nothing then
    Conflict : another process is writing to this lake
    """
    with lease(root):
        if LakeStates(root).latest() is not None:
            raise UsageError(
                "the lake holds data already", where=str(root), mend="restore into a new workspace, or use --state N"
            )
        place, target = open_store(source), open_store(root)
        manifest = _manifest_of(place)
        if manifest is None:
            raise UsageError("no backup is there", where=str(source), mend="name the place that `lake backup` wrote to")
        size = 0
        for path in sorted(manifest.objects, key=lambda path: (path.startswith(_STATES), path)):
            size += _verified(place, target, path, manifest.objects[path])
        return Copied(manifest.state, len(manifest.objects), len(manifest.objects), size)


def return_to(root: Path, number: int, *, clock: Callable[[], datetime]) -> LakeState:
    """Publish what state `number` held as the newest state; no data is moved, and later states stay readable.

    Raises
    ------
    UsageError : there is no such state, it is the newest, it has not all tables, or files of it were vacuumed
    Conflict : another process is writing to this lake
    """
    with lease(root):
        states = LakeStates(root)
        known = states.all()
        wanted = [state for state in known[:-1] if state.number == number and _can_return(root, state, known[-1])]
        if not wanted:
            raise UsageError(
                f"state {number} cannot be returned to",
                where=str(root),
                mend="`retail-forecast lake history` shows the states that can be read",
            )
        state = msgspec.structs.replace(wanted[0], number=known[-1].number + 1, written_at=clock())
        states.publish(state)
        return state


def _can_return(root: Path, state: LakeState, newest: LakeState) -> bool:
    """Whether `state` is whole; tables that it does not name would be taken for unpublished ones, and removed."""
    return state.number not in retired_states(root) and set(state.tables) == set(newest.tables)


def _listed(store: ObjectStore) -> Iterator[tuple[str, int]]:
    """Path and bytes of each object of a lake, but for what writers under way keep there."""
    for chunk in store.list():
        for meta in chunk:
            if not meta["path"].startswith(_HIDDEN):
                yield meta["path"], meta["size"]


def _immutable(path: str) -> bool:
    """Whether an object of this path never changes: in logs of tables, only commits do not."""
    return "/_delta_log/" not in path or path.endswith(".json")


def _objects_of(place: ObjectStore) -> Mapping[str, _Object]:
    manifest = _manifest_of(place)
    return manifest.objects if manifest else {}


def _manifest_of(place: ObjectStore) -> _Manifest | None:
    try:
        payload = bytes(place.get(MANIFEST).bytes())
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(payload, type=_Manifest)
    except msgspec.MsgspecError as error:
        raise _damaged(MANIFEST) from error


def _copy(source: ObjectStore, target: ObjectStore, path: str) -> _Object:
    digest, size = hashlib.sha256(), 0
    chunks = source.get(path).stream()
    with obstore.open_writer(target, path) as written:
        for chunk in chunks:
            payload = bytes(chunk)
            digest.update(payload)
            size += len(payload)
            written.write(payload)
    return _Object(size, digest.hexdigest())


def _verified(source: ObjectStore, target: ObjectStore, path: str, expected: _Object) -> int:
    try:
        found = _copy(source, target, path)
    except FileNotFoundError as error:
        raise _damaged(path) from error
    if found != expected:
        obstore.delete(target, path)
        raise _damaged(path)
    return found.size


def _damaged(path: str) -> DataError:
    return DataError(
        "an object of the backup is missing or damaged", where=path, mend="take another backup, in another place"
    )
