"""A journal: numbered JSON entries that are only ever added, each by a conditional put.

The newest entry is the state of record (of the lake, of a champion); the older ones are its history. Two writers cannot
both add the same number, so that the loser learns of the winner. It is the mechanism of Delta's own log, and needs
nothing of a store but put-if-absent, which the local file system, S3 and Azure Blob all offer.
"""

from typing import Any

import msgspec
from obstore.store import ObjectStore

from retail_forecast.clouds.objects import create, listed, read
from retail_forecast.domain.errors import Conflict

__all__ = ["Journal"]

_DIGITS = 12


class Journal:
    """The entries under one prefix of a store.

    Parameters
    ----------
    store : where the entries lie
    prefix : folder of the entries within the store
    """

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self._store = store
        self._prefix = prefix.rstrip("/")

    def numbers(self) -> list[int]:
        """Numbers of all entries, ascending."""
        found = listed(self._store, self._prefix)
        return sorted(int(path.rsplit("/", 1)[-1].removesuffix(".json")) for path, _ in found)

    def latest(self) -> int | None:
        """Number of the newest entry; None while there is none."""
        numbers = self.numbers()
        return numbers[-1] if numbers else None

    def read(self, number: int) -> dict[str, Any]:
        """The entry with that number.

        Raises
        ------
        FileNotFoundError : there is none
        """
        entry: dict[str, Any] = msgspec.json.decode(read(self._store, self._path(number)))
        return entry

    def add(self, number: int, entry: dict[str, Any]) -> None:
        """Publish `entry` as `number`; no-op where it is there as it is, for an answer may get lost on its way here.

        Raises
        ------
        Conflict : somebody published that number first
        """
        payload = msgspec.json.format(msgspec.json.encode(entry, order="sorted"), indent=2)
        try:
            create(self._store, self._path(number), payload)
        except Conflict as error:
            if read(self._store, self._path(number)) == payload:
                return
            raise Conflict(
                f"entry {number} of {self._prefix} was published by somebody else meanwhile",
                where=self._path(number),
                mend="run the command again: it will start from the new state",
            ) from error

    def _path(self, number: int) -> str:
        return f"{self._prefix}/{number:0{_DIGITS}d}.json"
