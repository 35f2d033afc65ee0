"""Backup: the whole lake as objects elsewhere, every byte under its digest, and back.

What is published is never changed afterwards, so that a repeated backup copies only what is new. States are restored
last: a restore that was interrupted leaves a lake that holds nothing, and can be repeated.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec
import obstore
from obstore.store import ObjectStore

from retail_forecast.clouds.addresses import Address, lies_within
from retail_forecast.clouds.objects import listed, read, together
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import DataError, UsageError
from retail_forecast.lake.lease import lease
from retail_forecast.lake.retention import retired_states
from retail_forecast.lake.state import LakeState, LakeStates
from retail_forecast.lake.storage import told_as_place

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


def back_up(root: Address, target: Address, *, clock: Callable[[], datetime]) -> Copied:
    """Copy the lake at `root` to `target`, which may hold an earlier backup of it.

    Raises
    ------
    UsageError : the lake is empty, or `target` lies within it
    Conflict : another process is writing to this lake
    """
    if lies_within(target, root):
        raise UsageError("a backup within the lake would be lost with it", where=str(target), mend="name another place")
    with lease(root, clock), told_as_place(root), told_as_place(target):
        state = LakeStates(root).latest()
        if state is None:
            raise UsageError("the lake holds nothing yet", where=str(root), mend="ingest first")
        source, place = open_store(root), open_store(target)
        earlier, there = _objects_of(place), dict(_listed(place))
        held = dict(_listed(source))
        kept = {
            path: earlier[path]
            for path, size in held.items()
            if path in earlier and earlier[path].size == size == there.get(path) and _immutable(path)
        }
        fresh = [path for path in held if path not in kept]
        copied = dict(zip(fresh, together(lambda path: _copy(source, place, path), fresh), strict=True))
        made = kept | copied
        manifest = _Manifest(state.number, clock(), made)
        obstore.put(place, MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2))
        return Copied(state.number, len(made), len(fresh), sum(one.size for one in copied.values()))


def restore(root: Address, source: Address, *, clock: Callable[[], datetime]) -> Copied:
    """Bring the backup at `source` back as the lake at `root`, which must hold nothing.

    Raises
    ------
    UsageError : the lake holds something, or no backup is there
    DataError : an object of the backup is missing or damaged; the lake holds nothing then
    Conflict : another process is writing to this lake
    """
    with lease(root, clock), told_as_place(root), told_as_place(source):
        if LakeStates(root).latest() is not None:
            raise UsageError(
                "the lake holds data already", where=str(root), mend="restore into a new workspace, or use --state N"
            )
        place, target = open_store(source), open_store(root)
        manifest = _manifest_of(place)
        if manifest is None:
            raise UsageError("no backup is there", where=str(source), mend="name the place that `lake backup` wrote to")
        states = [path for path in manifest.objects if path.startswith(_STATES)]
        rest = [path for path in manifest.objects if not path.startswith(_STATES)]
        together(lambda path: _verified(place, target, path, manifest.objects[path]), rest)
        for path in sorted(states):
            _verified(place, target, path, manifest.objects[path])
        size = sum(one.size for one in manifest.objects.values())
        return Copied(manifest.state, len(manifest.objects), len(manifest.objects), size)


def return_to(root: Address, number: int, *, clock: Callable[[], datetime]) -> LakeState:
    """Publish what state `number` held as the newest state; no data is moved, and later states stay readable.

    Raises
    ------
    UsageError : there is no such state, it is the newest, it has not all tables, or files of it were vacuumed
    Conflict : another process is writing to this lake
    """
    with lease(root, clock) as check, told_as_place(root):
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
        check()
        states.publish(state)
        return state


def _can_return(root: Address, state: LakeState, newest: LakeState) -> bool:
    """Whether `state` is whole; tables that it does not name would be taken for unpublished ones, and removed."""
    return state.number not in retired_states(root) and set(state.tables) == set(newest.tables)


def _listed(store: ObjectStore) -> Iterator[tuple[str, int]]:
    """Path and bytes of each object of a lake, but for what writers under way keep there."""
    return ((path, size) for path, size in listed(store) if not path.startswith(_HIDDEN))


def _immutable(path: str) -> bool:
    """Whether an object of this path never changes: in logs of tables, only commits do not."""
    return "/_delta_log/" not in path or path.endswith(".json")


def _objects_of(place: ObjectStore) -> Mapping[str, _Object]:
    manifest = _manifest_of(place)
    return manifest.objects if manifest else {}


def _manifest_of(place: ObjectStore) -> _Manifest | None:
    try:
        payload = read(place, MANIFEST)
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


def _verified(source: ObjectStore, target: ObjectStore, path: str, expected: _Object) -> None:
    try:
        found = _copy(source, target, path)
    except FileNotFoundError as error:
        raise _damaged(path) from error
    if found != expected:
        obstore.delete(target, path)
        raise _damaged(path)


def _damaged(path: str) -> DataError:
    return DataError(
        "an object of the backup is missing or damaged", where=path, mend="take another backup, in another place"
    )
