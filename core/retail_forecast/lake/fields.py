"""Read the text of a column as its contract says: typed values, and the fault bits of texts that do not fit.

Works on the distinct words of a column, so that its cost follows the number of distinct values, not of rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from retail_forecast.domain.columns import Column, Kind
from retail_forecast.lake.rules import Faults, flagged

__all__ = ["SHAPES", "TYPES", "Field", "arrow_type", "join_fields", "read_field", "read_text"]

TYPES: dict[Kind, pa.DataType] = {
    Kind.INTEGER: pa.int32(),
    Kind.MONEY: pa.decimal128(9, 2),
    Kind.DATE: pa.date32(),
    Kind.CODE: pa.string(),
    Kind.CATEGORY: pa.string(),
}

SHAPES = {
    Kind.INTEGER: r"^-?[0-9]{1,18}$",
    Kind.MONEY: r"^-?[0-9]{1,15}(\.[0-9]{1,2})?$",
    Kind.DATE: r"^[1-9][0-9]{7}$",
}
"""How the texts of typed columns look."""

# Wider than what is kept, so that a number out of bounds is told apart from a text that is no number.
_WIDE = {Kind.INTEGER: pa.int64(), Kind.MONEY: pa.decimal128(17, 2)}


@dataclass(frozen=True, slots=True)
class Field:
    """A column of n rows.

    Attributes
    ----------
    values : the distinct values, typed, without null
    index : int32 array of shape (n,), positions in `values`; -1 where empty or unreadable
    """

    values: pa.Array
    index: NDArray[np.int32]

    def decoded(self, missing: int) -> NDArray[np.int32]:
        """The values of a column of whole numbers or days as int32 of shape (n,), `missing` where there is none."""
        values = np.asarray(self.values.cast(pa.int32()), np.int32)
        return np.append(values, np.int32(missing))[self.index]


def arrow_type(column: Column) -> pa.DataType:
    """The Arrow type of `column` in silver."""
    return TYPES[column.kind]


def read_field(column: Column, texts: pa.DictionaryArray, *, aliased: bool) -> tuple[Field, Faults]:
    """The typed column behind dictionary-encoded `texts`, and the fault bits of each word of their dictionary.

    `aliased` says that the file carries the column under its other name, with the codes of that variant.
    """
    words = texts.dictionary
    if not aliased and pa.types.is_string(arrow_type(column)) and pc.all(_fits(column, words, aliased=False)).as_py():
        # Most files, most columns: the words are the values, and none is at fault.
        return Field(words, np.asarray(texts.indices)), np.zeros(len(words), np.uint64)
    typed, faults = _read_words(column, _unquoted(words), aliased=aliased)
    return _encoded(typed, texts), faults


def read_text(texts: pa.RecordBatch, name: str | None) -> Field:
    """A column that no contract describes, as it stands there; empty throughout where `name` is None."""
    if name is None:
        return Field(pa.array([], pa.string()), np.full(texts.num_rows, -1, np.int32))
    words = _unquoted(texts.column(name).dictionary)
    return _encoded(pc.if_else(pc.equal(words, ""), None, words), texts.column(name))


def _encoded(typed: pa.Array, texts: pa.DictionaryArray) -> Field:
    """The column behind `texts`, whose words mean `typed`."""
    # Different texts may mean one value ('7' and '07'), and unreadable ones none: encode again, without nulls.
    encoded = typed.dictionary_encode()
    index = np.asarray(texts.indices)
    if typed.null_count or len(encoded.dictionary) < len(typed):
        index = np.asarray(encoded.indices.fill_null(-1), np.int32)[index]
    return Field(encoded.dictionary, index)


def join_fields(parts: Sequence[Field]) -> Field:
    """The rows of all `parts`, in order, with one dictionary."""
    if len(parts) == 1:
        return parts[0]
    words = pa.concat_arrays([p.values for p in parts]).dictionary_encode()
    numbers = np.asarray(words.indices)
    starts = np.cumsum([0, *(len(p.values) for p in parts)])
    index = [
        np.append(numbers[start : start + len(p.values)], np.int32(-1))[p.index]
        for p, start in zip(parts, starts, strict=False)
    ]
    return Field(words.dictionary, np.concatenate(index))


def _unquoted(words: pa.StringArray) -> pa.StringArray:
    quoted = pc.match_substring_regex(words, r'^".*"$')
    if not pc.any(quoted).as_py():
        return words
    return pc.if_else(quoted, pc.utf8_slice_codeunits(words, 1, -1), words)


def _read_words(column: Column, words: pa.StringArray, *, aliased: bool) -> tuple[pa.Array, Faults]:
    empty = pc.equal(words, "")
    faults = np.zeros(len(words), np.uint64)
    if not column.nullable:
        faults |= _flag(empty, f"R_NULL_{column.name}")
    readable = pc.invert(empty)
    values = words
    if column.kind in SHAPES:
        values = _typed(column, words)
        wrong = pc.and_(readable, pc.is_null(values))
        faults |= _flag(wrong, f"R_TYPE_{column.name}")
        readable = pc.is_valid(values)
    if column.kind is not Kind.DATE:
        fits = _fits(column, values, aliased=aliased)
        faults |= _flag(pc.and_not(readable, fits), f"R_DOMAIN_{column.name}")
        readable = pc.and_(readable, fits)
    if aliased:
        values = _translated(column, values)
    return pc.if_else(readable, values, pa.scalar(None, values.type)).cast(arrow_type(column)), faults


def _flag(wrong: pa.BooleanArray, code: str) -> Faults:
    return flagged(np.asarray(wrong.fill_null(False)), code)


def _typed(column: Column, words: pa.StringArray) -> pa.Array:
    shaped = pc.if_else(pc.match_substring_regex(words, SHAPES[column.kind]), words, None)
    if column.kind is Kind.DATE:
        return _days(shaped)
    return shaped.cast(_WIDE[column.kind])


def _days(words: pa.StringArray) -> pa.Array:
    moments = pc.strptime(words, format="%Y%m%d", unit="s", error_is_null=True)
    # 31 April must not become 1 May: only a day that is written as it was read exists.
    exists = pc.equal(pc.strftime(moments, format="%Y%m%d"), words)
    return pc.if_else(exists, moments, pa.scalar(None, moments.type)).cast(pa.date32())


def _fits(column: Column, values: pa.Array, *, aliased: bool) -> pa.BooleanArray:
    if column.values:
        return pc.is_in(values, pa.array(column.alias_values if aliased else column.values, pa.string()))
    if column.pattern:
        return pc.match_substring_regex(values, f"^(?:{column.pattern})$")
    inside = pc.and_(pc.greater_equal(values, column.minimum), pc.less_equal(values, column.maximum))
    return inside.fill_null(False)


def _translated(column: Column, words: pa.StringArray) -> pa.StringArray:
    names = pa.array(column.alias_values, pa.string())
    return pa.array(column.alias_values.values(), pa.string()).take(pc.index_in(words, names))
