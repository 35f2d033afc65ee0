"""The lease of the single writer.

On a folder it is a lock of the operating system, which ends with its process. In an object store it is an object that
its holder renews while it works, and that others may take over when it was not renewed (`clouds.leases`).
"""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from retail_forecast.clouds import leases
from retail_forecast.clouds.addresses import Address, local_folder
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import Conflict, PlaceError
from retail_forecast.lake.storage import told_as_place

__all__ = ["lease"]

_NAME = ".writer"


@contextmanager
def lease(root: Address, clock: Callable[[], datetime]) -> Iterator[Callable[[], None]]:
    """Hold the lake at `root` for writing; a folder is made when it is missing. Yields a check that raises once the
    lease is lost, to be asked before something is published.

    Raises
    ------
    Conflict : another process is writing
    PlaceError : the lake cannot be written
    """
    folder = local_folder(root)
    if folder is not None:
        with _locked(folder):
            yield _held
        return
    with told_as_place(root):
        store = open_store(root)
        with leases.hold(store, _NAME, clock, where=root) as check:
            yield check


def _held() -> None:
    """A lock is never lost."""


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    try:
        root.mkdir(parents=True, exist_ok=True)
        file = (root / _NAME).open("w")
    except OSError as error:
        raise PlaceError(
            f"the lake cannot be written ({error.strerror})", where=str(root), mend="check the folder's permissions"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(
                "another process is writing to this lake",
                where=str(root),
                mend="wait until it has finished, then repeat",
            ) from error
        yield
