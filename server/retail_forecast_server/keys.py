"""API keys: known by their SHA-256 only, each with what it may do, and changed without a restart.

The file of keys has a line for each: the digest, its scopes, and a name for people, such as
`9f86d0…0a08 predict,admin night-batch`. `#` begins a comment. It is read again as soon as it changes; while it does not
fit, the keys read last stay in force.
"""

import hashlib
import hmac
import logging
import re
import time
from pathlib import Path

from retail_forecast.domain.errors import UsageError

__all__ = ["ADMIN", "PREDICT", "Keys"]

PREDICT, ADMIN = "predict", "admin"
_LINE = re.compile(r"([0-9a-f]{64})\s+((?:predict|admin)(?:,(?:predict|admin))*)(?:\s.*)?")
_LOOK_S = 1.0
_LOG = logging.getLogger(__name__)

Scopes = frozenset[str]


class Keys:
    """Who may do what.

    Parameters
    ----------
    digests : SHA-256 of keys that may predict, hexadecimal
    file : of further keys; None where there is none

    Raises
    ------
    UsageError : the file cannot be read, or a line does not fit
    """

    def __init__(self, digests: tuple[str, ...] = (), file: Path | None = None) -> None:
        self._fixed = {bytes.fromhex(digest): frozenset({PREDICT}) for digest in digests}
        self._file = file
        self._stamp: tuple[int, int] | None = None
        self._looked = 0.0
        self._known = self._fixed
        if file is not None:
            self._stamp, self._known = _stamp(file), self._fixed | _read(file)

    def __bool__(self) -> bool:
        """Whether a key is needed."""
        return bool(self._known) or self._file is not None

    def scopes(self, key: bytes) -> Scopes:
        """What the holder of `key` may do; nothing, when it is not known."""
        self._look()
        given = hashlib.sha256(key).digest()
        # Every digest is compared, so that the time taken does not tell which one was near.
        found = [scopes for digest, scopes in self._known.items() if hmac.compare_digest(given, digest)]
        return found[0] if found else frozenset()

    def _look(self) -> None:
        if self._file is None or time.monotonic() - self._looked < _LOOK_S:
            return
        self._looked = time.monotonic()
        try:
            stamp = _stamp(self._file)
            if stamp != self._stamp:
                self._stamp, self._known = stamp, self._fixed | _read(self._file)
                _LOG.info("keys read", extra={"fields": {"keys": len(self._known)}})
        except UsageError as error:
            _LOG.error("keys left as they were", extra={"fields": {"what": error.what, "where": error.where}})


def _stamp(file: Path) -> tuple[int, int]:
    try:
        told = file.stat()
    except OSError as error:
        raise _unreadable(file, error) from error
    return told.st_mtime_ns, told.st_ino


def _read(file: Path) -> dict[bytes, Scopes]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(file, error) from error
    keys: dict[bytes, Scopes] = {}
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        found = _LINE.fullmatch(text)
        if text and not found:
            raise UsageError(
                "this is no line of a file of keys",
                where=f"{file}:{number}",
                mend="write the SHA-256 of the key, its scopes (predict, admin, or both with a comma) and a name",
            )
        if found:
            keys[bytes.fromhex(found[1])] = frozenset(found[2].split(","))
    return keys


def _unreadable(file: Path, error: Exception) -> UsageError:
    return UsageError(f"the file of keys cannot be read: {error}", where=str(file), mend="correct server.api_keys")
