"""Landing: a source file's untouched bytes are taken in beside the lake and looked at, before any of its rows count.

A file that cannot be trusted as a whole is refused with a code, the reason and the mend; it stays where it was.
"""

import glob
import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import obstore

from retail_forecast.clouds.addresses import Address, local_folder
from retail_forecast.clouds.objects import remove_below, upload
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.columns import COLUMNS, column
from retail_forecast.domain.contract import SOURCE
from retail_forecast.domain.errors import FileRefused, UsageError
from retail_forecast.lake.tillfile import KNOWN_NAMES, read_header

__all__ = ["Landed", "check_header", "discard", "find_sources", "keep", "land"]

_CHUNK_BYTES = 1 << 20
_MOST_ADDED = 20  # more are another export, not an addition to this one
_ADDED_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")
_SUFFIXES = (".csv", ".csv.gz")


@dataclass(frozen=True, slots=True)
class Landed:
    """A source file taken in.

    Attributes
    ----------
    origin : where it came from, and stays
    copy : its bytes, beside the lake
    sha256 : digest of its bytes, hexadecimal
    size : its bytes [B]
    """

    origin: Path
    copy: Path
    sha256: str
    size: int


def find_sources(sources: Sequence[str]) -> list[Path]:
    """The files that `sources` (paths, folders or patterns) name, each once, in the order given and then by name.

    Raises
    ------
    UsageError : a source names nothing
    """
    found: dict[Path, None] = {}
    for source in sources:
        files = _files_of(source)
        if not files:
            raise UsageError(
                "no file is there",
                where=source,
                mend="name an existing CSV file, a folder that holds some, or a pattern",
            )
        found.update(dict.fromkeys(files))
    return list(found)


def _files_of(source: str) -> list[Path]:
    path = Path(source)
    if path.is_dir():
        return sorted(f for f in path.iterdir() if f.is_file() and f.name.endswith(_SUFFIXES))
    if path.is_file():
        return [path]
    return sorted(Path(name) for name in glob.glob(source, recursive=True) if Path(name).is_file())  # noqa: PTH207 - a pattern may be absolute


def land(origin: Path, folder: Path) -> Landed:
    """Copy `origin` into `folder` under its digest, byte by byte.

    Raises
    ------
    FileRefused : UNREADABLE, the file cannot be opened or read; CHANGED_WHILE_READ, somebody was writing to it
    """
    incoming = folder / f"incoming-{hashlib.sha256(os.fsencode(origin.absolute())).hexdigest()[:32]}"
    digest = hashlib.sha256()
    try:
        with origin.open("rb") as source, incoming.open("wb") as target:
            found = _stamp(source)
            while chunk := source.read(_CHUNK_BYTES):
                digest.update(chunk)
                target.write(chunk)
            changed = _stamp(source) != found
    except OSError as error:
        incoming.unlink(missing_ok=True)
        if not origin.is_file() or not os.access(origin, os.R_OK):
            raise FileRefused(
                "UNREADABLE", f"it cannot be opened ({error.strerror})", where=str(origin), mend="check its permissions"
            ) from error
        raise
    if changed:
        incoming.unlink()
        raise FileRefused(
            "CHANGED_WHILE_READ",
            "it was written to while it was read",
            where=str(origin),
            mend="wait until it is complete, then repeat",
        )
    return Landed(origin, incoming, digest.hexdigest(), incoming.stat().st_size)


def _stamp(file: BinaryIO) -> tuple[int, int]:
    """Size and time of the last change; a file that is replaced by another of its name stays as it was opened."""
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def check_header(landed: Landed) -> tuple[str, ...]:
    """The file's column names: those of either header variant in any order, and perhaps columns beside the contract's.

    Raises
    ------
    FileRefused : MISSING_COLUMN, UNKNOWN_HEADER and what `read_header` refuses
    """
    names = read_header(landed.copy)
    missing = [c.name for c in COLUMNS if names.count(c.name) + names.count(c.alias or c.name) == 0]
    unknown = [name for name in names if name not in KNOWN_NAMES]
    if missing:
        hint = f", but unknown ones: {', '.join(unknown)}" if unknown else ""
        raise FileRefused(
            "MISSING_COLUMN",
            f"columns are missing: {', '.join(missing)}{hint}",
            where=str(landed.origin),
            mend="export it with all 22 columns",
        )
    surplus = _surplus(names, unknown)
    if surplus:
        raise FileRefused(
            "UNKNOWN_HEADER",
            f"columns twice, too many of them, or with names that no table can carry: {', '.join(surplus)}",
            where=str(landed.origin),
            mend="export it with the 22 columns, each once",
        )
    return names


def _surplus(names: Sequence[str], added: Sequence[str]) -> list[str]:
    """Columns that cannot be carried; tables do not tell upper case from lower."""
    known = Counter(column(name).name for name in names if name in KNOWN_NAMES)
    twice = [name for name, times in known.items() if times > 1]
    taken = Counter(name.upper() for name in (*KNOWN_NAMES, SOURCE, *added))
    strange = [name for name in added if not _ADDED_NAME.fullmatch(name) or taken[name.upper()] > 1]
    return twice + (list(added) if len(added) > _MOST_ADDED else strange)


def discard(landed: Landed) -> None:
    """Remove the copy of a file that was refused or is known already."""
    landed.copy.unlink(missing_ok=True)


def keep(landed: Landed, root: Address, manifest: bytes) -> None:
    """Move the copy to `raw/<sha256>/<name>` of the lake at `root`, with the manifest beside it; the bytes stay as they
    are from then on.
    """
    place, path = open_store(root), f"raw/{landed.sha256}"
    remove_below(place, path)  # left by a writer that ended before it published
    folder = local_folder(root)
    if folder is None:
        upload(place, {f"{path}/{landed.origin.name}": landed.copy})
        landed.copy.unlink()
    else:
        (folder / path).mkdir(parents=True, exist_ok=True)
        landed.copy.rename(folder / path / landed.origin.name)
    obstore.put(place, f"{path}/manifest.json", manifest)
