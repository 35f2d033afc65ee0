"""Carrying: how files reach workers on other machines and come back, by way of an object store.

A worker has a folder of its own for each task. Paths within the room of the sender are told relative to it and made
anew below that folder, so that no machine needs to know how another's disk looks. The store keeps what was made for
tasks that read it later.
"""

import io
import pickle
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TypeVar

from retail_forecast.clouds.objects import fetch, together, upload
from retail_forecast.clouds.opening import open_store
from retail_forecast.lake.engines import Carried, Done

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["Carrier", "packed", "unpacked"]

A = TypeVar("A")
B = TypeVar("B")


def packed(value: object, room: Path | None) -> bytes:
    """`value` as bytes, in which paths below `room` are relative to it."""
    target = io.BytesIO()
    _Pickler(target, room).dump(value)
    return target.getvalue()


def unpacked(payload: bytes, room: Path | None) -> Any:  # noqa: ANN401 - what was packed
    """What was packed, with its relative paths below `room`."""
    return _Unpickler(io.BytesIO(payload), room).load()


@dataclass(frozen=True, slots=True)
class Carrier:
    """Carries the files of tasks and answers through the store at `exchange`."""

    exchange: str
    carried: Carried

    def send(self, tasks: Sequence[Any]) -> None:
        """Bring the files of `tasks` to the store; those that are not here were made by workers and are there."""
        here = {file for task in tasks for file in self.carried.read(task) if file.exists()}
        self._upload(here, self.carried.room)

    def on_worker(self, work: Callable[[Any, Done], Any], payload: bytes, done: Done) -> bytes:
        """Do a packed task in a folder of its own, with its files; returns the packed answer."""
        with TemporaryDirectory(prefix="retail-forecast-task-") as folder:
            room = Path(folder)
            task = unpacked(payload, room)
            self._fetch(self.carried.read(task), room)
            answer = work(task, done)
            self._upload(self.carried.made(answer), room)
            return packed(answer, room)

    def receive(self, answer: object) -> None:
        """Bring the files of `answer` here, where they are wanted."""
        if self.carried.back:
            self._fetch(self.carried.made(answer), self.carried.room)

    def _upload(self, files: Iterable[Path], room: Path) -> None:
        upload(open_store(self.exchange), {_key(file, room): file for file in files})

    def _fetch(self, files: Iterable[Path], room: Path) -> None:
        store: ObjectStore = open_store(self.exchange)
        together(lambda file: fetch(store, _key(file, room), file), files)


def _key(file: Path, room: Path) -> str:
    return file.relative_to(room).as_posix()


class _Pickler(pickle.Pickler):
    def __init__(self, target: io.BytesIO, room: Path | None) -> None:
        super().__init__(target)
        self._room = room

    def persistent_id(self, value: object) -> PurePosixPath | None:
        if self._room is None or not isinstance(value, Path) or not value.is_relative_to(self._room):
            return None
        return PurePosixPath(_key(value, self._room))


class _Unpickler(pickle.Unpickler):
    def __init__(self, source: io.BytesIO, room: Path | None) -> None:
        super().__init__(source)
        self._room = room

    def persistent_load(self, told: PurePosixPath) -> Path:
        if self._room is None:
            raise pickle.UnpicklingError("a relative path without a room")
        return self._room / told
