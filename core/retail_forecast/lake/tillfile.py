"""Till files as they arrive: CSV text, plain or gzip by content, read in blocks of bounded size.

One physical line is one row: quotes around a field are accepted, but no value of the contract holds a comma or a line
break, so that a stray quote never swallows the lines behind it. Row numbers count from the header, which is row 1;
empty lines are not rows.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import pyarrow as pa
import pyarrow.csv
from isal import igzip, isal_zlib
from numpy.typing import NDArray

from retail_forecast.domain.columns import COLUMNS
from retail_forecast.domain.errors import FileRefused

__all__ = ["KNOWN_NAMES", "Malformed", "opened", "read_blocks", "read_header", "row_numbers"]

KNOWN_NAMES = frozenset(name for c in COLUMNS for name in (c.name, c.alias) if name)

_BLOCK_BYTES = 8 << 20
_HEADER_BYTES = 64 << 10
_MALFORMED_LIMIT = 100_000  # their texts are held in memory until they are written to quarantine
_NO_ROWS = ("Empty CSV file", "Could not skip initial")
_DAMAGED = cast("type[Exception]", isal_zlib.IsalError)  # its stubs take the class for an instance
_GZIP, _ZIP, _UTF16 = b"\x1f\x8b", b"PK\x03\x04", (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line with another number of fields than the header."""

    number: int
    text: str


def _unpacked(path: Path) -> BinaryIO:
    # Quicker than zlib: docs/adr/0005.
    return cast("BinaryIO", igzip.IGzipFile(path, "rb"))  # type: ignore[no-untyped-call]


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """The decompressed bytes of `path`; what goes wrong while they are read becomes a `FileRefused`.

    Raises
    ------
    FileRefused : TRUNCATED_GZIP, NOT_UTF8, UNREADABLE
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start == _ZIP:
            raise _refused(
                "UNREADABLE", "it is a zip archive or a workbook, not CSV", path, "unpack or export it as CSV"
            )
        with _unpacked(path) if start.startswith(_GZIP) else path.open("rb") as stream:
            yield stream
    except UnicodeDecodeError as error:
        raise _not_utf8(path) from error
    except pa.ArrowInvalid as error:
        raise _refused("UNREADABLE", f"it cannot be read as CSV ({error})", path, "export it again as CSV") from error
    except EOFError as error:
        raise _refused(
            "TRUNCATED_GZIP", "the gzip stream ends early", path, "transfer the file again, completely"
        ) from error
    except (OSError, _DAMAGED) as error:
        raise _refused("UNREADABLE", f"it cannot be read ({error})", path, "transfer the file again") from error


def read_header(path: Path) -> tuple[str, ...]:
    """The column names in the first line of `path`, without quotes and byte order mark.

    Raises
    ------
    FileRefused : EMPTY_FILE, NOT_UTF8, WRONG_DELIMITER, UNKNOWN_HEADER, TRUNCATED_GZIP, UNREADABLE
    """
    with opened(path) as stream:
        start = stream.read(_HEADER_BYTES)
        if not start.strip():
            raise _refused("EMPTY_FILE", "it is empty", path, "export it again")
        if start.startswith(_UTF16):
            raise _not_utf8(path)
        line = re.split(rb"[\r\n]", start, maxsplit=1)[0].decode("utf-8-sig")
    names = tuple(name.strip().strip('"') for name in line.split(","))
    if KNOWN_NAMES.isdisjoint(names):
        raise _unknown_header(path, line)
    return names


def _unknown_header(path: Path, line: str) -> FileRefused:
    for delimiter in (";", "\t", "|"):
        if not KNOWN_NAMES.isdisjoint(name.strip().strip('"') for name in line.split(delimiter)):
            return _refused(
                "WRONG_DELIMITER", f"its fields are separated by {delimiter!r}", path, "export it with commas"
            )
    return _refused(
        "UNKNOWN_HEADER", f"its first line names no known column ({line[:80]!r})", path, "put the header line back"
    )


def read_blocks(
    path: Path, header: Sequence[str], keep: Sequence[str], malformed: list[Malformed]
) -> Iterator[pa.RecordBatch]:
    """The rows of `path` as blocks of text columns, in file order.

    Parameters
    ----------
    header : the names in the file's first line
    keep : the columns to read, in the order wanted
    malformed : receives the lines whose number of fields is not the header's

    Raises
    ------
    FileRefused : NOT_UTF8, TRUNCATED_GZIP, BROKEN_LINES, UNREADABLE
    """

    before = 0
    with opened(path) as stream:
        for lines in _whole_lines(stream, path):
            first = not before
            broken: list[Malformed] = []
            block = _parsed(lines, header, keep, broken, skip=int(first))
            malformed += [Malformed(before + line.number, line.text) for line in broken]
            if len(malformed) > _MALFORMED_LIMIT:
                raise _refused(
                    "BROKEN_LINES",
                    f"more than {_MALFORMED_LIMIT} of its lines have a wrong number of fields",
                    path,
                    "export it again",
                )
            before += block.num_rows + len(broken) + first
            yield from block.to_batches()


def _whole_lines(stream: BinaryIO, path: Path) -> Iterator[pa.Buffer]:
    """What is left of `stream` in pieces of bounded size, each of which ends where a line ends."""
    rest = b""
    while chunk := stream.read(_BLOCK_BYTES):
        block = rest + chunk
        end = block.rfind(b"\n") + 1 or block.rfind(b"\r", 0, -1) + 1
        if not end and len(block) > _BLOCK_BYTES:
            raise _refused("UNREADABLE", "a line in it is longer than any row can be", path, "export it again as CSV")
        rest = block[end:]
        if end:
            yield _utf8(block, end)
    if rest:
        yield _utf8(rest, len(rest))


def _utf8(block: bytes, end: int) -> pa.Buffer:
    """The first `end` bytes; raises `UnicodeDecodeError` unless they are UTF-8."""
    if not block.isascii():
        block[:end].decode()
    return pa.py_buffer(block).slice(0, end)


def _parsed(
    lines: pa.Buffer, header: Sequence[str], keep: Sequence[str], broken: list[Malformed], *, skip: int
) -> pa.Table:
    """The rows of whole `lines` without the first `skip`; those with a wrong number of fields go to `broken`."""

    def note(row: pa.csv.InvalidRow) -> str:
        broken.append(Malformed(row.number, row.text))
        return "skip"

    read = pa.csv.ReadOptions(block_size=lines.size, use_threads=False, skip_rows=skip, column_names=list(header))
    parse = pa.csv.ParseOptions(quote_char=False, invalid_row_handler=note)
    convert = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(header, pa.string()),
        strings_can_be_null=False,
        check_utf8=False,
        include_columns=list(keep),
    )
    try:
        table = pa.csv.read_csv(pa.BufferReader(lines), read_options=read, parse_options=parse, convert_options=convert)
    except pa.ArrowInvalid as error:
        if not any(told in str(error) for told in _NO_ROWS):
            raise
        return pa.schema([(name, pa.string()) for name in keep]).empty_table()
    return table.combine_chunks()


def row_numbers(ordinals: NDArray[np.int64], malformed: Sequence[Malformed]) -> NDArray[np.int64]:
    """Row numbers in the file of its well-formed rows `ordinals`, counted from 0, given its malformed ones."""
    well_formed_before = np.asarray([line.number - 2 - i for i, line in enumerate(malformed)], np.int64)
    return ordinals + 2 + np.searchsorted(well_formed_before, ordinals, side="right")


def _refused(code: str, what: str, path: Path, mend: str) -> FileRefused:
    return FileRefused(code, what, where=str(path), mend=mend)


def _not_utf8(path: Path) -> FileRefused:
    return _refused("NOT_UTF8", "it is not UTF-8 text", path, "export it with the encoding UTF-8")
