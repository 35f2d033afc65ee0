"""Arrow IPC streams, read from clients that nobody vouches for.

The libraries that read such streams trust them: a forged one ends the process (nanoarrow, arro3), or they are too large
for the server (pyarrow). This reader takes what baskets are made of and checks it before use: every length, offset and
index lies within what was sent, so that the arrays it gives out are safe to index. Whatever does not fit is a
`ValueError`. Columns of further types are passed over; compressed batches and dictionaries sent in parts are refused.
The layout is that of the Arrow Columnar Format, version 1.5 (https://arrow.apache.org/docs/format/Columnar.html).
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import IOBase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retail_forecast_server.fields import Field, fields_of
from retail_forecast_server.flatbuffer import FlatTable, root

__all__ = ["Batch", "Column", "TooLarge", "read_stream"]

_SCHEMA, _DICTIONARY, _BATCH = 1, 2, 3
_CONTINUATION = 0xFFFFFFFF
_MOST_HEADER = 1 << 20
_MOST_ROWS = 1 << 18
_LITTLE = 0
_NONE = np.zeros(0, np.uint8)

Array = NDArray[Any]


class TooLarge(ValueError):
    """A batch with more bytes than are taken."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a batch, checked.

    Attributes
    ----------
    field : its name and type
    length : of the column
    present : bool array of shape (length,); None where nothing is missing
    values : of shape (length,): the numbers; of a dictionary the places in `words`; of text and lists the offsets, of
        shape (length + 1,), not decreasing and from 0 on within what they point to; of a decimal its lower 64 bits
    letters : of text, the bytes that the offsets point to
    words : of a dictionary, the column that the places are of
    children : of a list the column of its items, of a struct its columns, each at least as long as it is pointed to
    """

    field: Field
    length: int
    present: NDArray[np.bool_] | None
    values: Array
    letters: NDArray[np.uint8]
    words: "Column | None"
    children: "Mapping[str, Column]"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of `length` rows."""

    length: int
    columns: Mapping[str, Column]


def read_stream(source: IOBase, most_bytes: int) -> Iterator[tuple[tuple[Field, ...], Batch | None]]:
    """The fields of the stream with None, and then with each of its batches, as they arrive.

    Raises
    ------
    ValueError : it is no such stream; `TooLarge` where a batch has more than `most_bytes`
    """
    fields: tuple[Field, ...] = ()
    dictionaries: dict[int, Column] = {}
    for kind, header, body in _messages(source, most_bytes):
        if kind == _SCHEMA and not fields:
            if header.number(0, "h") != _LITTLE:
                raise ValueError("its numbers are big-endian")
            fields = fields_of(header)
            yield fields, None
        elif kind == _DICTIONARY and fields:
            _learn(dictionaries, fields, header, body)
        elif kind == _BATCH and fields:
            yield fields, _batch(fields, header, body, dictionaries)
        else:
            raise ValueError("a message of it has no place here")
    if not fields:
        raise ValueError("it has no schema")


def _messages(source: IOBase, most_bytes: int) -> Iterator[tuple[int, FlatTable, bytes]]:
    """Kind, header and body of each message."""
    while start := source.read(8):
        mark, size = struct.unpack("<II", _whole(start, 8))
        if mark != _CONTINUATION or size > _MOST_HEADER:
            raise ValueError("a message of it begins otherwise")
        if size == 0:
            return
        message = root(_whole(source.read(size), size))
        header, length = message.table(2), message.number(3, "q")
        if header is None or length < 0:
            raise ValueError("a message of it has no header")
        if length > most_bytes:
            raise TooLarge
        yield message.number(1, "B"), header, _whole(source.read(length), length)


def _whole(payload: bytes, size: int) -> bytes:
    if len(payload) < size:
        raise ValueError("it breaks off")
    return payload


def _learn(dictionaries: dict[int, Column], fields: tuple[Field, ...], header: FlatTable, body: bytes) -> None:
    """Take a dictionary, in the place of one of that number."""
    number, data = header.number(0, "q"), header.table(1)
    kinds = [one.words for one in _all(fields) if one.words and one.dictionary == number]
    if data is None or not kinds or header.number(2, "B"):
        raise ValueError("a dictionary of it belongs to no column, or is sent in parts")
    batch = _batch((kinds[0],), data, body, {})
    dictionaries[number] = batch.columns[kinds[0].name]


def _all(fields: tuple[Field, ...]) -> Iterator[Field]:
    for one in fields:
        yield one
        yield from _all(one.children)


def _batch(fields: tuple[Field, ...], header: FlatTable, body: bytes, dictionaries: Mapping[int, Column]) -> Batch:
    if header.has(3):
        raise ValueError("its batches are compressed")
    length = header.number(0, "q")
    if not 0 <= length <= _MOST_ROWS:
        raise ValueError(f"a batch of it has {length} rows; at most {_MOST_ROWS} are taken")
    parts = _Parts(iter(header.pairs(1).tolist()), iter(header.pairs(2).tolist()), body, dictionaries)
    columns = {one.name: parts.column(one) for one in fields}
    if any(column.length != length for column in columns.values()):
        raise ValueError("its columns have other lengths than their batch")
    return Batch(length, columns)


@dataclass(frozen=True, slots=True)
class _Parts:
    """Lengths and buffers of a batch, in the order of its columns."""

    nodes: Iterator[list[int]]
    buffers: Iterator[list[int]]
    body: bytes
    dictionaries: Mapping[int, Column]

    def column(self, of: Field) -> Column:
        """The next column, which is `of` that field."""
        length, missing = self._next(self.nodes)
        if length < 0:
            raise ValueError(f"column {of.name} has a length below 0")
        buffers = [self._buffer() for _ in range(of.buffers)]
        present = _bits(buffers[0], length) if missing and buffers else None
        children = {child.name: self.column(child) for child in of.children}
        values, letters, words = _NONE, _NONE, None
        if of.kind == "text":
            letters = buffers[2]
            values = _offsets(buffers[1], of, length, len(letters))
        elif of.kind == "list":
            (item,) = children.values()
            values = _offsets(buffers[1], of, length, item.length)
        elif of.kind == "struct" and any(child.length < length for child in children.values()):
            raise ValueError(f"a field of {of.name} is shorter than it")
        elif of.type is not None:
            values = _numbers(buffers[1], of.type, length)
            words = self._words(of, values, present) if of.kind == "coded" else None
        return Column(of, length, present, values, letters, words, children)

    def _words(self, of: Field, places: Array, present: NDArray[np.bool_] | None) -> Column:
        words = self.dictionaries.get(of.dictionary or 0)
        if words is None:
            raise ValueError(f"column {of.name} comes before its dictionary")
        used = places if present is None else places[present]
        if len(used) and not 0 <= int(used.min()) <= int(used.max()) < words.length:
            raise ValueError(f"column {of.name} points out of its dictionary")
        return words

    def _buffer(self) -> NDArray[np.uint8]:
        offset, length = self._next(self.buffers)
        if offset < 0 or length < 0 or offset + length > len(self.body):
            raise ValueError("a buffer of it lies outside of its message")
        return np.frombuffer(self.body, np.uint8, length, offset) if length else _NONE

    @staticmethod
    def _next(these: Iterator[list[int]]) -> list[int]:
        found = next(these, None)
        if found is None:
            raise ValueError("a batch of it has fewer parts than columns")
        return found


def _numbers(buffer: NDArray[np.uint8], kind: np.dtype[Any], count: int) -> Array:
    if len(buffer) < count * kind.itemsize:
        raise ValueError("a buffer of it is too short")
    return buffer[: count * kind.itemsize].view(kind)


def _bits(buffer: NDArray[np.uint8], count: int) -> NDArray[np.bool_]:
    if len(buffer) < (count + 7) // 8:
        raise ValueError("a buffer of it is too short")
    return np.unpackbits(buffer[: (count + 7) // 8], count=count, bitorder="little").astype(np.bool_)


def _offsets(buffer: NDArray[np.uint8], of: Field, length: int, ends: int) -> Array:
    assert of.type is not None  # noqa: S101 - text and lists have one
    if not length and not len(buffer):
        return np.zeros(1, of.type)
    offsets = _numbers(buffer, of.type, length + 1)
    if offsets[0] < 0 or offsets[-1] > ends or (offsets[1:] < offsets[:-1]).any():
        raise ValueError(f"offsets of column {of.name} lead outside")
    return offsets
