"""A checkpoint: what a job reached, kept in one file so that a later start goes on from there.

The file names the work it belongs to and carries its own digest: progress of other work, or torn by a crash, is never
taken up.
"""

import hashlib
import logging
import os
from pathlib import Path

__all__ = ["Checkpoint"]

_LOG = logging.getLogger(__name__)
_DIGEST = 64


class Checkpoint:
    """The checkpoint of one piece of work.

    Parameters
    ----------
    folder : where it lies; made when it is missing
    work : digest of all that the result depends on, 64 hexadecimal digits
    """

    def __init__(self, folder: Path, work: str) -> None:
        self._file = folder / "progress.bin"
        self._work = work.encode()

    def read(self) -> bytes | None:
        """What was kept; None when there is nothing of this work."""
        try:
            content = self._file.read_bytes()
        except FileNotFoundError:
            return None
        work, digest, payload = content[:_DIGEST], content[_DIGEST : 2 * _DIGEST], content[2 * _DIGEST :]
        if work == self._work and digest == _digest(payload):
            return payload
        _LOG.warning("%s is damaged or belongs to other work: starting from the beginning", self._file)
        return None

    def write(self, payload: bytes) -> None:
        """Keep `payload` in the place of what was kept before; an interrupted write leaves the earlier one."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._file.with_suffix(".new")
        with fresh.open("wb") as stream:
            stream.write(self._work + _digest(payload) + payload)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self._file)


def _digest(payload: bytes) -> bytes:
    return hashlib.sha256(payload).hexdigest().encode()
