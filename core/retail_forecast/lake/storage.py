"""Storage that does not do what was asked: whatever library notices, it is told in one way."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from deltalake.exceptions import DeltaError
from obstore.exceptions import BaseError

from retail_forecast.domain.errors import PlaceError

__all__ = ["told_as_place"]

_FULL = {errno.ENOSPC, errno.EDQUOT}
_SAID = ("No space left on device", "Disk quota exceeded")  # libraries in other languages pass the words on only


@contextmanager
def told_as_place(where: Path) -> Iterator[None]:
    """Turn errors of disk, tables and stores into a `PlaceError` that names `where`.

    Raises
    ------
    PlaceError : the storage is full, or did not do what was asked
    """
    try:
        yield
    except (OSError, DeltaError, BaseError, duckdb.IOException, duckdb.OutOfMemoryException) as error:
        if getattr(error, "errno", None) in _FULL or any(words in str(error) for words in _SAID):
            raise PlaceError("the disk is full", where=str(where), mend="free some space, then repeat") from error
        raise PlaceError(
            f"it cannot be written or read ({error})", where=str(where), mend="check permissions and disk, then repeat"
        ) from error
