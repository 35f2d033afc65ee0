"""The lake's state: one small entry that names the version of every table, published last.

Whoever reads the lake reads a state, never a table's head, so that lines and baskets always belong together.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from retail_forecast.clouds.addresses import Address, local_folder
from retail_forecast.clouds.journal import Journal
from retail_forecast.clouds.opening import open_store
from retail_forecast.lake.migration import FORMAT, upgraded
from retail_forecast.lake.schemas import SCHEMA_VERSIONS

__all__ = ["LakeState", "LakeStates", "SourceAccount", "WeekAccount"]


class SourceAccount(msgspec.Struct, frozen=True):
    """A file that was taken in: its name, rows, bytes, weeks, and when it arrived."""

    name: str
    rows: int
    bytes: int
    weeks: tuple[int, ...]
    arrival: datetime


class WeekAccount(msgspec.Struct, frozen=True):
    """What the lake holds of one week, and from which files (digests)."""

    sources: tuple[str, ...]
    rows_silver: int
    rows_quarantined: int
    baskets: int


class LakeState(msgspec.Struct, frozen=True):
    """One consistent lake.

    Attributes
    ----------
    number : of the state, from 1
    tables : version of every table
    weeks : what each fiscal week holds
    sources : every file ever taken in, by its sha256, superseded ones included
    written_at : when it was published
    schemas : version of the columns of every table
    format : of the state itself
    columns : columns that silver carries beside the contract's, and the first week from which on files have them
    """

    number: int
    tables: Mapping[str, int]
    weeks: Mapping[int, WeekAccount]
    sources: Mapping[str, SourceAccount]
    written_at: datetime
    schemas: Mapping[str, int] = msgspec.field(default_factory=lambda: dict(SCHEMA_VERSIONS))
    format: int = FORMAT
    columns: Mapping[str, int] = {}


class LakeStates:
    """The states of the lake at `root`, oldest to newest."""

    def __init__(self, root: Address) -> None:
        self._root = root

    def latest(self) -> LakeState | None:
        """The newest state; None while nothing was ingested."""
        if self._nowhere():
            return None
        number = self._journal().latest()
        return None if number is None else self.read(number)

    def read(self, number: int) -> LakeState:
        """The state with that number.

        Raises
        ------
        FileNotFoundError : there is none
        DataError : a newer release wrote it
        """
        entry = upgraded(self._journal().read(number), f"{self._root}, state {number}")
        return msgspec.convert(entry, LakeState, strict=False, str_keys=True)

    def all(self) -> list[LakeState]:
        """Every state, oldest first."""
        return [] if self._nowhere() else [self.read(number) for number in self._journal().numbers()]

    def publish(self, state: LakeState) -> None:
        """Make `state` the newest.

        Raises
        ------
        Conflict : its number was published meanwhile
        """
        entry: dict[str, Any] = msgspec.to_builtins(state, str_keys=True)
        self._journal().add(state.number, entry)

    def _nowhere(self) -> bool:
        """Whether there is not even a folder; looking must not make one."""
        folder = local_folder(self._root)
        return folder is not None and not folder.is_dir()

    def _journal(self) -> Journal:
        return Journal(open_store(self._root), "states")
