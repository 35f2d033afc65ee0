"""Storage that does not do what was asked: whatever notices, it is told in one way."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from retail_forecast.clouds.addresses import Address, local_folder
from retail_forecast.domain.errors import PlaceError

__all__ = ["place_error", "told_as_place"]

_FULL = {errno.ENOSPC, errno.EDQUOT}
_SAID = ("No space left on device", "Disk quota exceeded")  # libraries in other languages pass the words on only
_DENIED = (PermissionDeniedError, UnauthenticatedError)
_EXPIRED = ("ExpiredToken", "token has expired", "RequestExpired")
_MEND = {
    True: "check permissions and disk, then repeat",
    False: "check the address, the variables with credentials and endpoint, and the network, then repeat",
}


@contextmanager
def told_as_place(where: Address, *also: type[Exception]) -> Iterator[None]:
    """Turn errors of the operating system and of stores, and those of `also`, into a `PlaceError` that names `where`.

    Raises
    ------
    PlaceError : the storage is full, refuses, or did not do what was asked
    """
    known: tuple[type[Exception], ...] = (OSError, BaseError, *also)
    try:
        yield
    except known as error:
        raise place_error(error, where) from error


def place_error(error: Exception, where: Address | None = None) -> PlaceError:
    """What an error of the operating system or of a store means at `where`; None is some store."""
    told, mend = str(where or ""), _MEND[where is not None and local_folder(where) is not None]
    if getattr(error, "errno", None) in _FULL or any(words in str(error) for words in _SAID):
        return PlaceError("the disk is full", where=told, mend="free some space, then repeat")
    if any(words in str(error) for words in _EXPIRED):
        return PlaceError("the credentials have expired", where=told, mend="sign in again, then repeat")
    if isinstance(error, _DENIED):
        return PlaceError(f"access is denied ({_short(error)})", where=told, mend=mend)
    return PlaceError(f"it cannot be written or read ({_short(error)})", where=told, mend=mend)


def _short(error: Exception) -> str:
    """What a library says, without the document that a server sent and what helps its own makers."""
    return str(error).split("\n")[0].split(": <?xml")[0].strip()
