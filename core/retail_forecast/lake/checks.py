"""What a row shows by itself: whether its fields can be read, and whether they fit each other."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retail_forecast.domain.calendar import shop_week, shop_weekday
from retail_forecast.domain.columns import column
from retail_forecast.lake.fields import Field, read_field, read_text
from retail_forecast.lake.rules import WEEK_BITS, Faults, bits_of, flagged
from retail_forecast.lake.tillfile import KNOWN_NAMES

__all__ = ["examine", "plain_columns", "read_fields", "weeks_of"]

_NOTHING = -1


def examine(texts: pa.RecordBatch) -> tuple[dict[str, Field], Faults]:
    """The contract's columns among dictionary-encoded `texts`, by their names in silver, and the fault bits of each
    row.

    The faults are those that a row shows by itself: of its fields, of the calendar, of XX and of anonymous baskets.
    """
    fields: dict[str, Field] = {}
    faults = np.zeros(texts.num_rows, np.uint64)
    for name, words in _contract_columns(texts):
        spec = column(name)
        fields[spec.name], of_words = read_field(spec, words, aliased=name != spec.name)
        if of_words.any():
            faults |= of_words[np.asarray(words.indices)]
    return fields, faults | _calendar(fields) | _unclassified(fields) | _anonymous(fields, faults)


def read_fields(texts: pa.RecordBatch, plain: Collection[str], added: Mapping[str, str | None]) -> dict[str, Field]:
    """The contract's columns among dictionary-encoded `texts`, by their names in silver, and those beside them.

    `plain` names columns of which it is known that every text is its value, `added` the columns beside the contract's
    by their names in silver; None where the file lacks the column.
    """
    found = {name: read_text(texts, own) for name, own in added.items()}
    for name, words in _contract_columns(texts):
        spec = column(name)
        if spec.name in plain:
            found[spec.name] = Field(words.dictionary, np.asarray(words.indices))
        else:
            found[spec.name], _ = read_field(spec, words, aliased=name != spec.name)
    return found


def plain_columns(texts: pa.RecordBatch, fields: Mapping[str, Field]) -> frozenset[str]:
    """The columns of which every text is its value."""
    return frozenset(
        name
        for name, words in _contract_columns(texts)
        if name in fields and fields[name].values.equals(words.dictionary)
    )


def _contract_columns(texts: pa.RecordBatch) -> Iterator[tuple[str, pa.DictionaryArray]]:
    return ((name, words) for name, words in zip(texts.schema.names, texts.columns, strict=True) if name in KNOWN_NAMES)


def weeks_of(fields: Mapping[str, Field], faults: Faults) -> NDArray[np.int32]:
    """SHOP_WEEK of each row, 0 where a fault leaves it open. int32 of shape (rows,)."""
    return np.where((faults & WEEK_BITS) == 0, fields["SHOP_WEEK"].decoded(0), np.int32(0))


def _calendar(fields: Mapping[str, Field]) -> Faults:
    days = fields["SHOP_DATE"]
    return _mismatch(days, fields["SHOP_WEEK"], shop_week, "R_WEEK") | _mismatch(
        days, fields["SHOP_WEEKDAY"], shop_weekday, "R_WEEKDAY"
    )


def _mismatch(days: Field, given: Field, of_day: Callable[[date], int], code: str) -> Faults:
    numbers = np.asarray([*(of_day(day) for day in days.values.to_pylist()), _NOTHING], np.int64)[days.index]
    told = given.decoded(_NOTHING)
    return flagged((numbers != told) & (numbers != _NOTHING) & (told != _NOTHING), code)


def _unclassified(fields: Mapping[str, Field]) -> Faults:
    kind, mission = fields["BASKET_TYPE"], fields["BASKET_DOMINANT_MISSION"]
    both = (kind.index >= 0) & (mission.index >= 0)
    return flagged(both & (_is(kind, "XX") != _is(mission, "XX")), "R_XX")


def _is(field: Field, word: str) -> NDArray[np.bool_]:
    flags = np.asarray([*(w == word for w in field.values.to_pylist()), False])
    found: NDArray[np.bool_] = flags[field.index]
    return found


def _anonymous(fields: Mapping[str, Field], faults: Faults) -> Faults:
    readable = (faults & (bits_of("CUST_CODE") | bits_of("seg_1"))) == 0
    return flagged(readable & ((fields["CUST_CODE"].index < 0) != (fields["seg_1"].index < 0)), "R_ANONYMOUS")
