"""Tables of FlatBuffers, read only, of bytes that nobody vouches for.

A position that leads out of the bytes is a `ValueError`, whatever they claim; text and vectors end where the bytes do.
The layout is that of "FlatBuffer Internals" (https://flatbuffers.dev/internals/).
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FlatTable", "root"]

_MOST = 1024
"""Tables in one vector, or bytes of a text."""


@dataclass(frozen=True, slots=True)
class FlatTable:
    """The table at byte `at` of `data`; its fields are named by their number in the schema."""

    data: bytes
    at: int

    def number(self, field: int, form: str, default: int = 0) -> int:
        """The number in `field`, in the form of `struct`."""
        place = self._place(field)
        return int(_unpacked(self.data, form, place)) if place else default

    def text(self, field: int) -> str:
        """The text in `field`, empty where it has none."""
        start, count = self._vector(field)
        return self.data[start : start + _few(count)].decode()

    def table(self, field: int) -> "FlatTable | None":
        """The table in `field`."""
        place = self._place(field)
        return FlatTable(self.data, place + _unpacked(self.data, "I", place)) if place else None

    def tables(self, field: int) -> "list[FlatTable]":
        """The vector of tables in `field`."""
        start, count = self._vector(field)
        places = range(start, start + 4 * _few(count), 4)
        return [FlatTable(self.data, place + _unpacked(self.data, "I", place)) for place in places]

    def pairs(self, field: int) -> NDArray[np.int64]:
        """The vector in `field` of structs of two whole numbers of 64 bits; shape (n, 2)."""
        start, count = self._vector(field)
        return np.frombuffer(self.data, "<i8", 2 * count, start if count else 0).reshape(count, 2)

    def has(self, field: int) -> bool:
        """Whether `field` is given."""
        return self._place(field) > 0

    def _place(self, field: int) -> int:
        """Where `field` begins; 0 where it is not given."""
        fields = self.at - _unpacked(self.data, "i", self.at)
        slot = 4 + 2 * field
        if slot + 2 > _unpacked(self.data, "H", fields):
            return 0
        offset = _unpacked(self.data, "H", fields + slot)
        return self.at + offset if offset else 0

    def _vector(self, field: int) -> tuple[int, int]:
        """Where the elements of the vector in `field` begin, and their count."""
        place = self._place(field)
        if not place:
            return 0, 0
        start = place + _unpacked(self.data, "I", place)
        return start + 4, _unpacked(self.data, "I", start)


def root(data: bytes) -> FlatTable:
    """The outermost table."""
    return FlatTable(data, _unpacked(data, "I", 0))


def _few(count: int) -> int:
    if count > _MOST:
        raise ValueError(f"its header lists {count} of a kind; at most {_MOST} are taken")
    return count


def _unpacked(data: bytes, form: str, place: int) -> int:
    form = f"<{form}"
    if not 0 <= place <= len(data) - struct.calcsize(form):
        raise ValueError("its header points out of itself")
    found: int = struct.unpack_from(form, data, place)[0]
    return found
