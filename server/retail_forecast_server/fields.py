"""Fields of an Arrow schema: what a column is, as far as its buffers have to be found and baskets are made of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from retail_forecast_server.flatbuffer import FlatTable

__all__ = ["Field", "Kind", "fields_of"]

Kind = Literal["whole", "float", "decimal", "day", "text", "coded", "list", "struct", "other"]

_DEEPEST = 8
_MOST = (
    1024  # a schema of more fields is none of baskets; tables may be pointed to twice, so that few bytes can tell many
)
_INT, _FLOAT, _TEXT, _DECIMAL, _DATE, _LIST, _STRUCT, _LARGE_TEXT, _LARGE_LIST = 2, 3, 5, 7, 8, 12, 13, 20, 21
_FLOATS: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 2: np.dtype("<f8")}
_OFFSETS: dict[int, tuple[Kind, np.dtype[Any]]] = {
    _TEXT: ("text", np.dtype("<i4")),
    _LARGE_TEXT: ("text", np.dtype("<i8")),
    _LIST: ("list", np.dtype("<i4")),
    _LARGE_LIST: ("list", np.dtype("<i8")),
}
_HUNDREDTHS = (2, 128)  # scale and bits of a decimal
_BUFFERS = {1: 0, 2: 2, 3: 2, 4: 3, 5: 3, 6: 2, 7: 2, 8: 2, 9: 2, 10: 2, 11: 2, 12: 2, 13: 1, 15: 2, 16: 1, 17: 2}
_BUFFERS |= {18: 2, 19: 3, 20: 3, 21: 2}
"""Buffers of a column of each type, by its number in Schema.fbs; types without a fixed count are not taken."""


@dataclass(frozen=True, slots=True)
class Field:
    """What a column is.

    Attributes
    ----------
    name, kind : its name, and what its values are: "coded" for places in a dictionary, "other" where no basket is made
        of them
    type : of its numbers or offsets; None where it has none that are looked at
    buffers : how many it has, without those of its children
    children : of a list its item, of a struct its fields
    dictionary, words : number and field of the dictionary that coded values are places in
    """

    name: str
    kind: Kind
    type: np.dtype[Any] | None
    buffers: int
    children: "tuple[Field, ...]" = ()
    dictionary: int | None = None
    words: "Field | None" = None


def fields_of(schema: FlatTable) -> tuple[Field, ...]:
    """The fields of a schema.

    Raises
    ------
    ValueError : it has none, two of a name, or one of a type that is not taken
    """
    fields = _fields(schema.tables(1), 0, iter(range(_MOST)))
    if not fields:
        raise ValueError("it has no columns")
    return fields


def _fields(tables: list[FlatTable], depth: int, left: Iterator[int]) -> tuple[Field, ...]:
    if depth > _DEEPEST:
        raise ValueError("its columns are nested too deeply")
    fields = tuple(_field(table, depth, left) for table in tables)
    if len({field.name for field in fields}) < len(fields):
        raise ValueError("two of its columns have one name")
    return fields


def _field(table: FlatTable, depth: int, left: Iterator[int]) -> Field:
    if next(left, None) is None:
        raise ValueError(f"it has more than {_MOST} columns")
    name, number, kind = table.text(0), table.number(2, "B"), table.table(3)
    if kind is None or number not in _BUFFERS:
        raise ValueError(f"column {name!r} has a type that is not taken")
    words = _typed(name, number, kind, _fields(table.tables(5), depth + 1, left))
    encoding = table.table(4)
    if encoding is None:
        return words
    places = encoding.table(1)
    type_of = np.dtype("<i4") if places is None else _whole(places)
    return Field(name, "coded", type_of, _BUFFERS[_INT], (), encoding.number(0, "q"), words)


def _typed(name: str, number: int, table: FlatTable, children: tuple[Field, ...]) -> Field:
    kind, type_of = _kind(number, table)
    if kind == "list" and len(children) != 1:
        raise ValueError(f"the list {name!r} has not one kind of item")
    return Field(name, kind, type_of, _BUFFERS[number], children)


def _kind(number: int, table: FlatTable) -> tuple[Kind, np.dtype[Any] | None]:
    """What a type of that number is, and its numbers or offsets."""
    found: tuple[Kind, np.dtype[Any] | None] = ("other", None)
    if number in _OFFSETS:
        found = _OFFSETS[number]
    elif number == _STRUCT:
        found = ("struct", None)
    elif number == _INT:
        found = ("whole", _whole(table))
    elif number == _FLOAT and table.number(0, "h") in _FLOATS:
        found = ("float", _FLOATS[table.number(0, "h")])
    elif number == _DECIMAL and (table.number(1, "i"), table.number(2, "i", 128)) == _HUNDREDTHS:
        found = ("decimal", np.dtype("<i8,<i8"))
    elif number == _DATE and table.number(0, "h", 1) == 0:
        found = ("day", np.dtype("<i4"))
    return found


def _whole(kind: FlatTable) -> np.dtype[Any]:
    bits, signed = kind.number(0, "i"), kind.number(1, "B")
    if bits not in (8, 16, 32, 64):
        raise ValueError(f"whole numbers of {bits} bits are not taken")
    return np.dtype(f"<{'i' if signed else 'u'}{bits // 8}")
