"""The history of customers and stores as files: its keys in JSON, its sums as plain numpy arrays. No pickle."""

import io
from pathlib import Path
from zipfile import BadZipFile

import msgspec
import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.errors import BundleError
from retail_forecast.kernel.arrival import GROUPS, Group, History, Table

__all__ = ["KEYS", "SUMS", "history_files", "read_history"]

KEYS = "history.json"
SUMS = "history.npz"
_PARTS = ("sums", "weight", "last")


class _Keys(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    week: int
    groups: dict[str, list[str]]


def history_files(history: History) -> dict[str, bytes]:
    """The history as the bytes of its two files."""
    keys: dict[str, list[str]] = {}
    arrays: dict[str, NDArray[np.generic]] = {}
    for group, table in zip(GROUPS, history.tables, strict=True):
        keys[group.name] = list(table.rows)
        arrays |= {f"{group.name}.{part}": getattr(table, part) for part in _PARTS}
    packed = io.BytesIO()
    np.savez_compressed(packed, allow_pickle=False, **arrays)
    return {KEYS: msgspec.json.encode(_Keys(history.week, keys)), SUMS: packed.getvalue()}


def read_history(folder: Path) -> History:
    """The history in `folder`.

    Raises
    ------
    BundleError : the files do not fit each other or this version
    """
    try:
        keys = msgspec.json.decode((folder / KEYS).read_bytes(), type=_Keys)
        with np.load(folder / SUMS, allow_pickle=False) as arrays:
            tables = tuple(_table(group, keys.groups[group.name], arrays) for group in GROUPS)
    except (msgspec.MsgspecError, KeyError, ValueError, BadZipFile) as error:
        raise BundleError(
            f"the history does not fit this version: {error}",
            where=str(folder / SUMS),
            mend="train again with this version",
        ) from error
    return History(keys.week, tables)


def _table(group: Group, keys: list[str], arrays: "np.lib.npyio.NpzFile") -> Table:
    sums, weight, last = (arrays[f"{group.name}.{part}"] for part in _PARTS)
    rows, lives = len(keys) + 1, len(group.half_lives)
    if (sums.shape, weight.shape, last.shape) != ((rows, lives, len(group.values)), (rows, lives), (rows,)):
        raise ValueError(f"the sums of group {group.name} have another shape")
    return Table({key: row for row, key in enumerate(keys)}, sums, weight, last)
