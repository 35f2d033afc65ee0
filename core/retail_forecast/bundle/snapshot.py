"""A snapshot: what was known of customers and stores at the end of newer weeks than the bundle's own history.

It is one file for one bundle: a line of JSON with the keys, then the sums as plain arrays, which are mapped into memory
and shared by all who read them. Beside it `latest.json` names the file and its digest, and is replaced last, so that a
reader finds the old snapshot or the new one, whole. Snapshots are made by `features.history.follow`, with the sums of
training; nothing else may be told of a basket than what was known before it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.errors import BundleError
from retail_forecast.kernel.arrival import GROUPS, History, Table, arrival_features, known_week
from retail_forecast.kernel.lines import MISSING, Baskets

__all__ = [
    "LATEST",
    "SNAPSHOTS",
    "Latest",
    "Snapshot",
    "known_by",
    "put_in_force",
    "read_latest",
    "read_snapshot",
    "write_snapshot",
]

SNAPSHOTS = "features/snapshot"
"""Folder of snapshots within a workspace."""

LATEST = "latest.json"
_ALIGNED = 64
_PARTS = ("sums", "weight", "last")
N = TypeVar("N", bound=np.generic)

_MEND = "`retail-forecast features materialize` makes it anew"


class Latest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The snapshot in force.

    Attributes
    ----------
    file, sha256 : its name and digest
    bundle_digest : the bundle that it was made for, and that alone may read it
    """

    file: str
    sha256: str
    bundle_digest: str


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    bundle_digest: str
    lag_days: int
    weeks: tuple[int, ...]
    groups: dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known at the end of some weeks.

    Attributes
    ----------
    bundle_digest : of the bundle that it was made for
    lag_days : days between the end of a week and the time when its baskets are known
    histories : by week, the oldest first
    sha256 : digest of its file
    """

    bundle_digest: str
    lag_days: int
    histories: tuple[History, ...]
    sha256: str


def known_by(
    baskets: Baskets, histories: Sequence[History], lag_days: int
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """What is known of each of n baskets before it begins, and the week at whose end it was.

    Parameters
    ----------
    histories : at least one, by week; a basket is given the newest that is known when it begins, or the oldest where
        none is, and one without a day the newest

    Returns
    -------
    known : float32 array of shape (n, features) as `arrival_features` gives it
    week : int32 array of shape (n,), counted from the calendar's EPOCH
    """
    weeks = np.array([history.week for history in histories], np.int32)
    newest = np.where(baskets.shop_day == MISSING, weeks[-1], known_week(baskets.shop_day, lag_days))
    which = np.maximum(np.searchsorted(weeks, newest, side="right") - 1, 0)
    if not len(which) or (which == which[0]).all():
        chosen = histories[int(which[0]) if len(which) else -1]
        return arrival_features(baskets, chosen), weeks[which]
    parts = [np.flatnonzero(which == number) for number in range(len(histories))]
    found = [arrival_features(baskets.take(rows), history) for rows, history in zip(parts, histories, strict=True)]
    known = np.empty((len(baskets), found[0].shape[1]), np.float32)
    known[np.concatenate(parts)] = np.concatenate(found)
    return known, weeks[which]


def write_snapshot(folder: Path, bundle_digest: str, lag_days: int, histories: Sequence[History]) -> Latest:
    """Write a snapshot of `histories`, at least one, by week, and put it in force; older files than the one before are
    removed."""
    groups = {group.name: list(table.rows) for group, table in zip(GROUPS, histories[-1].tables, strict=True)}
    header = msgspec.json.encode(_Header(bundle_digest, lag_days, tuple(h.week for h in histories), groups))
    parts = [header.ljust(_padded(len(header) + 1) - 1) + b"\n"]
    for history in histories:
        for table, keys in zip(history.tables, groups.values(), strict=True):
            rows = np.array([*(table.rows.get(key, -1) for key in keys), -1])
            parts += [_aligned(getattr(table, part)[rows]) for part in _PARTS]
    whole = b"".join(parts)
    digest = hashlib.sha256(whole).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    latest = Latest(f"{digest[:16]}.history", digest, bundle_digest)
    _replace(folder / latest.file, whole)
    put_in_force(folder, latest)
    return latest


def put_in_force(folder: Path, latest: Latest) -> None:
    """Let readers of `folder` find the file of `latest`, which is there; all but it and the one before go."""
    before = read_latest(folder)
    _replace(folder / LATEST, msgspec.json.encode(latest))
    for file in set(folder.glob("*.history")) - {folder / one.file for one in (latest, before) if one}:
        file.unlink()


def read_latest(folder: Path) -> Latest | None:
    """Which snapshot is in force in `folder`; None while there is none.

    Raises
    ------
    BundleError : the entry cannot be read
    """
    try:
        return msgspec.json.decode((folder / LATEST).read_bytes(), type=Latest)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, OSError) as error:
        raise BundleError(
            f"which snapshot is in force cannot be read: {error}", where=str(folder / LATEST), mend=_MEND
        ) from error


def read_snapshot(folder: Path, latest: Latest) -> Snapshot:
    """Verify the snapshot that `latest` names, and map it.

    Raises
    ------
    BundleError : it is missing, damaged, or does not fit this version
    """
    path = folder / latest.file
    try:
        with path.open("rb") as file:
            first = file.readline()
        raw = np.memmap(path, np.uint8, "r")
        if hashlib.sha256(raw.data).hexdigest() != latest.sha256:
            raise ValueError("it is not what was written")
        header = msgspec.json.decode(first, type=_Header)
        histories = _histories(raw, len(first), header)
    except (OSError, ValueError, KeyError, msgspec.MsgspecError) as error:
        raise BundleError(f"the snapshot cannot be used: {error}", where=str(path), mend=_MEND) from error
    return Snapshot(header.bundle_digest, header.lag_days, histories, latest.sha256)


def _histories(raw: NDArray[np.uint8], start: int, header: _Header) -> tuple[History, ...]:
    rows = {name: {key: row for row, key in enumerate(keys)} for name, keys in header.groups.items()}
    found, at = [], start
    for week in header.weeks:
        tables = []
        for group in GROUPS:
            count, lives = len(rows[group.name]) + 1, len(group.half_lives)
            sums, at = _taken(raw, at, np.float64, (count, lives, len(group.values)))
            weight, at = _taken(raw, at, np.float64, (count, lives))
            last, at = _taken(raw, at, np.int32, (count,))
            tables.append(Table(rows[group.name], sums, weight, last))
        found.append(History(week, tuple(tables)))
    return tuple(found)


def _taken(raw: NDArray[np.uint8], at: int, kind: type[N], shape: tuple[int, ...]) -> tuple[NDArray[N], int]:
    """The array at byte `at`, and where the next one begins."""
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    array: NDArray[N] = raw[at : at + size].view(kind).reshape(shape)
    return array, at + _padded(size)


def _aligned(array: NDArray[np.generic]) -> bytes:
    payload = array.tobytes()
    return payload.ljust(_padded(len(payload)), b"\0")


def _padded(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED


def _replace(path: Path, payload: bytes) -> None:
    partial = path.with_name(f".{path.name}.part")
    partial.write_bytes(payload)
    partial.replace(path)
