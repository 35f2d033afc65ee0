"""Baskets out of Arrow and back: nested rows of gold become the kernel's columns, without a Python loop over rows."""

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from retail_forecast.domain.calendar import EPOCH
from retail_forecast.kernel.lines import HEADER, LEVELS, MISSING, Baskets, Codes

__all__ = [
    "MOMENT_COLUMNS",
    "basket_sizes",
    "baskets_from_arrow",
    "baskets_to_arrow",
    "codes_from_arrow",
    "days",
    "pence",
]

MOMENT_COLUMNS = ("shop_date", "shop_hour")
"""Columns of a table behind `kernel.lines.MOMENTS`."""

_ONE_WORD = 18  # decimal digits that 64 bits always hold
_EPOCH_DAYS = (EPOCH - date(1970, 1, 1)).days


def baskets_from_arrow(table: pa.Table) -> Baskets:
    """The baskets of `table`: a column `lines` of lists of structs, and header columns named as the fields of `Basket`.

    Header columns and product levels that are not there are missing codes; without `lines`, no basket has any.
    SPEND is read from `spend_gbp`, decimal or float.
    """
    lists = _one(table["lines"]) if "lines" in table.column_names else pa.nulls(len(table), pa.list_(pa.struct([])))
    offsets = np.concatenate([[0], np.cumsum(np.asarray(pc.list_value_length(lists).fill_null(0), np.int64))])
    lines = lists.flatten()
    fields = dict(zip(lines.type.names, lines.flatten(), strict=True)) if len(lines) else {}
    count = int(offsets[-1])
    return Baskets(
        offsets,
        np.asarray(fields["quantity"], np.int64) if fields else np.zeros(0, np.int64),
        pence(fields["spend_gbp"]) if fields else np.zeros(0, np.int64),
        days(_numbers(table, "shop_date")),
        _numbers(table, "shop_hour"),
        None,
        *(_codes_or_none(fields.get(name), count) for name in LEVELS),
        *(_codes_or_none(_one(table[name]) if name in table.column_names else None, len(table)) for name in HEADER),
    )


def baskets_to_arrow(baskets: Baskets) -> pa.Table:
    """The table that `baskets_from_arrow` reads back as `baskets`."""
    lines = pa.StructArray.from_arrays(
        [pa.array(baskets.quantity), pa.array(baskets.spend_pence / 100)]
        + [_words(getattr(baskets, name)) for name in LEVELS],
        ["quantity", "spend_gbp", *LEVELS],
    )
    lists = pa.LargeListArray.from_arrays(pa.array(baskets.offsets), lines)
    moments = (_whole(baskets.shop_day, _EPOCH_DAYS).cast(pa.date32()), _whole(baskets.shop_hour, 0))
    return pa.table(
        {
            "lines": lists,
            **{name: _words(getattr(baskets, name)) for name in HEADER},
            **dict(zip(MOMENT_COLUMNS, moments, strict=True)),
        }
    )


def basket_sizes(gold: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Number of lines and spend [pence] of each of n baskets of gold, int64 of shape (n,)."""
    lists = pa.concat_arrays([pa.array([], gold["lines"].type), *gold["lines"].chunks])
    lengths = np.asarray(pc.list_value_length(lists), np.int64)
    running = np.concatenate([[0], np.cumsum(pence(lists.flatten().field("spend_gbp")))])
    ends = np.cumsum(lengths)
    return lengths, running[ends] - running[ends - lengths]


def codes_from_arrow(array: pa.Array) -> Codes:
    """The codes of an array of text, dictionary-encoded or not; `values` in alphabetical order, so that what is made by
    positions among them, such as folds of customers, does not depend on how the rows lay in their files."""
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    order = pc.array_sort_indices(encoded.dictionary)
    places = np.empty(len(order) + 1, np.int32)
    places[np.asarray(order)], places[-1] = np.arange(len(order), dtype=np.int32), -1
    index = places[np.asarray(encoded.indices.fill_null(-1))]
    return Codes(tuple(encoded.dictionary.take(order).to_pylist()), index)


def pence(amounts: pa.Array) -> NDArray[np.int64]:
    """Amounts in pounds as whole pence, int64."""
    if pa.types.is_decimal128(amounts.type) and amounts.type.scale == 2 and amounts.type.precision <= _ONE_WORD:
        # Such a decimal is its pence, in 128 bits of which the lower 64 come first: reading them saves the arithmetic.
        words = np.frombuffer(amounts.buffers()[1], np.int64)
        return words[2 * amounts.offset : 2 * (amounts.offset + len(amounts)) : 2].copy()
    scaled = pc.round(pc.multiply(amounts, pa.scalar(100, pa.int32())))
    return np.asarray(scaled.cast(pa.int64()), np.int64)


def days(numbers: NDArray[np.int32]) -> NDArray[np.int32]:
    """Days since 1970, as Arrow counts them, as days since EPOCH; MISSING stays."""
    counted: NDArray[np.int32] = np.where(numbers == MISSING, MISSING, numbers - np.int64(_EPOCH_DAYS)).astype(np.int32)
    return counted


def _numbers(table: pa.Table, name: str) -> NDArray[np.int32]:
    if name not in table.column_names:
        return np.full(len(table), MISSING, np.int32)
    return np.asarray(_one(table[name]).cast(pa.int32()).fill_null(MISSING), np.int32)


def _whole(numbers: NDArray[np.int32], offset: int) -> pa.Array:
    return pa.array(numbers + np.int32(offset), mask=numbers == MISSING)


def _words(codes: Codes) -> pa.Array:
    index = pa.array(codes.index, mask=codes.index < 0)
    return pa.DictionaryArray.from_arrays(index, pa.array(codes.values, pa.string())).dictionary_decode()


def _codes_or_none(array: pa.Array | None, count: int) -> Codes:
    return Codes((), np.full(count, -1, np.int32)) if array is None else codes_from_arrow(array)


def _one(column: pa.ChunkedArray) -> pa.Array:
    joined = column.combine_chunks()
    return joined if isinstance(joined, pa.Array) else pa.concat_arrays(joined.chunks)
