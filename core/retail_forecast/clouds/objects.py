"""Objects of a store: read, listed, written under a condition, and carried to and from files.

Stores come from `opening.open_store`. Writing under a condition is what makes several writers safe: `create` needs that
nothing is there, `exchange` that nobody has written since; the latter exists in object stores only, not in folders.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import ObjectStore

from retail_forecast.domain.errors import Conflict

if TYPE_CHECKING:
    from obstore import UpdateVersion

__all__ = [
    "create",
    "download",
    "exchange",
    "fetch",
    "listed",
    "read",
    "read_marked",
    "remove_below",
    "together",
    "upload",
]

A = TypeVar("A")
B = TypeVar("B")

_AT_ONCE = 8  # requests to a store under way, each of which mostly waits


def read(store: ObjectStore, path: str) -> bytes:
    """The bytes of an object.

    Raises
    ------
    FileNotFoundError : there is none
    """
    return bytes(store.get(path).bytes())


def read_marked(store: ObjectStore, path: str) -> tuple[bytes, "UpdateVersion"]:
    """The bytes of an object, and the mark to `exchange` them by.

    Raises
    ------
    FileNotFoundError : there is none
    """
    found = store.get(path)
    return bytes(found.bytes()), _mark(found.meta["e_tag"], found.meta["version"])


def listed(store: ObjectStore, prefix: str | None = None) -> Iterator[tuple[str, int]]:
    """Path and bytes of each object, or of each below the folder `prefix`."""
    for chunk in store.list(prefix):
        for meta in chunk:
            yield meta["path"], meta["size"]


def create(store: ObjectStore, path: str, payload: bytes) -> "UpdateVersion":
    """Write an object that must not be there yet.

    Raises
    ------
    Conflict : it is
    """
    try:
        done = obstore.put(store, path, payload, mode="create")
    except AlreadyExistsError as error:
        raise Conflict("somebody else wrote it first", where=path, mend="read it, then decide again") from error
    return _mark(done["e_tag"], done["version"])


def exchange(store: ObjectStore, path: str, payload: bytes, mark: "UpdateVersion") -> "UpdateVersion":
    """Write an object in the place of what `mark` stands for.

    Raises
    ------
    Conflict : somebody wrote or removed it meanwhile
    """
    try:
        done = obstore.put(store, path, payload, mode=mark)
    except (PreconditionError, FileNotFoundError) as error:
        raise Conflict("somebody else wrote it meanwhile", where=path, mend="read it, then decide again") from error
    return _mark(done["e_tag"], done["version"])


def remove_below(store: ObjectStore, prefix: str) -> None:
    """Remove all objects below the folder `prefix`."""
    paths = [path for path, _ in listed(store, prefix)]
    if paths:
        obstore.delete(store, paths)


def upload(store: ObjectStore, files: Mapping[str, Path]) -> None:
    """Write each file to its path, several at once."""
    together(lambda item: obstore.put(store, item[0], item[1]), files.items())


def download(store: ObjectStore, folder: Path, prefix: str | None = None) -> list[Path]:
    """Write each object, or each below the folder `prefix`, to its path below `folder`; returns the files."""
    return together(lambda path: fetch(store, path, folder / path), [path for path, _ in listed(store, prefix)])


def fetch(store: ObjectStore, path: str, file: Path) -> Path:
    """Write an object to `file`, whose folder is made; returns it.

    Raises
    ------
    FileNotFoundError : there is none
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as target:
        for chunk in store.get(path).stream():
            target.write(bytes(chunk))
    return file


def together(work: Callable[[A], B], items: Iterable[A]) -> list[B]:
    """What `work` makes of each item, in order; some are under way at once, for most of the time is waiting."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(work, items))


def _mark(e_tag: str | None, version: str | None) -> "UpdateVersion":
    """Stands for what an object held when it was read or written; not every store numbers versions."""
    return {"e_tag": e_tag} if version is None else {"e_tag": e_tag, "version": version}
