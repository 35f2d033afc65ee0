"""The lease of the single writer: a lock of the operating system on the lake's folder, which ends with its process."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from retail_forecast.domain.errors import Conflict, PlaceError

__all__ = ["lease"]

_NAME = ".writer"


@contextmanager
def lease(root: Path) -> Iterator[None]:
    """Hold the lake at `root` for writing; the folder is made when it is missing.

    Raises
    ------
    Conflict : another process is writing
    PlaceError : the folder cannot be written
    """
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
