"""Baskets in columns from an Arrow IPC stream, and answers into one, without a Python object a basket.

The shape is that of gold: `lines`, a list of structs with `quantity`, `spend_gbp` (decimal of two digits or float) and
product codes, and header columns named as the fields of `Basket`; what a model does not look at may be left out, and
further columns are passed over. Answers are `basket_id` (as it was given), `label`, `LA`, `MM`, `UM`, `XX`
(probabilities) and `unknown_share`. What is read is checked by `ipc.py`; nanoarrow writes the answers, of nothing but
checked columns and our own. It is imported when the first such body arrives.
"""

import math
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from functools import partial
from http import HTTPStatus
from io import IOBase
from itertools import pairwise
from typing import Any

import nanoarrow as na
import numpy as np
from nanoarrow.ipc import StreamWriter
from numpy.typing import NDArray

from retail_forecast.bundle.scorer import Predictions
from retail_forecast.domain.calendar import EPOCH
from retail_forecast.domain.columns import column
from retail_forecast.domain.labels import LABELS
from retail_forecast.domain.settings import ServerSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.lines import HEADER, LEVELS, MISSING, Baskets, Codes, encode
from retail_forecast_server.fields import Field
from retail_forecast_server.ipc import Batch, Column, TooLarge, read_stream
from retail_forecast_server.models import Model
from retail_forecast_server.problems import Problem, at_fault
from retail_forecast_server.rows import Rows

__all__ = ["answer_stream"]

_PENCE = 100
_EPOCH_DAYS = (EPOCH - date(1970, 1, 1)).days
_BOUNDS = {
    "shop_date": ((date.min - date(1970, 1, 1)).days, (date.max - date(1970, 1, 1)).days),
    "shop_hour": (column("SHOP_HOUR").minimum, column("SHOP_HOUR").maximum),
}
_LARGEST = np.iinfo(np.int64).max
_SLOTS = 16
"""For each number, in which numbers are looked up; where they lie farther apart, sorting them takes less memory."""

_LONGEST = 300
_SPELLED = np.array([list(label.encode()) for label in LABELS], np.uint8)
"""A row of letters for each of LABELS, which are equally long."""

_ID = "basket_id"
_ANSWERS: dict[str, Any] = {
    "label": na.string(),
    **{str(label): na.float64() for label in LABELS},
    "unknown_share": na.float64(),
}

Lines = Mapping[str, Column]

NanoArray = Any
"""`nanoarrow.c_array.CArray`; the library has no types."""


def answer_stream(
    source: IOBase, sink: IOBase, model: Model, limits: ServerSettings
) -> Iterator[tuple[Rows, Predictions]]:
    """Answer every batch of the stream `source` with one in `sink`; yields what was asked and found, batch by batch.

    Raises
    ------
    Problem : the stream does not fit, with the column at fault
    """
    writer, answered = StreamWriter.from_writable(sink), False
    try:
        for fields, batch in read_stream(source, limits.max_batch_bytes):
            if batch is None:
                ids = _ids(fields)
                continue
            baskets, given = _baskets(batch, model, limits), batch.columns[_ID] if ids else None
            found = model.bundle.predict(baskets)
            writer.write_array(_answers(given, found))
            answered = True
            yield Rows(baskets, None if given is None else partial(_told_ids, given)), found
        if not answered:
            writer.write_array(_answers(_no_ids(ids) if ids else None, _NOTHING))
        writer.close()
    except TooLarge as error:
        told = f"One batch of the stream is larger than {limits.max_batch_bytes} bytes: send smaller ones."
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, told) from error
    except ValueError as error:
        raise at_fault(f"this is no Arrow stream of baskets: {error}"[:_LONGEST]) from error


_NOTHING = Predictions(np.zeros((0, len(LABELS))), np.zeros(0, np.int8), np.zeros(0), np.zeros((0, 0), np.float32))


def _baskets(batch: Batch, model: Model, limits: ServerSettings) -> Baskets:
    """The columns of one batch, as far as the model looks at them."""
    columns, count, wanted = batch.columns, batch.length, model.bundle.columns
    offsets, first, lines = _lines(columns, count, model.task, limits)
    total = int(offsets[-1])
    return Baskets(
        offsets,
        _quantities(lines.get("quantity"), first, total),
        _pence(lines.get("spend_gbp"), first, total),
        _moment(columns, "shop_date", wanted, count, "shop_day", _EPOCH_DAYS),
        _moment(columns, "shop_hour", wanted, count, "shop_hour", 0),
        None,
        *(_codes(lines.get(name) if name in wanted else None, first, total, f"lines/{name}") for name in LEVELS),
        *(_codes(columns.get(name) if name in wanted else None, 0, count, name) for name in HEADER),
    )


def _lines(columns: Lines, count: int, task: Task, limits: ServerSettings) -> tuple[NDArray[np.int64], int, Lines]:
    """Where each basket's lines begin, counted from the first line of the batch; which one that is, and the columns of
    the lines."""
    lists = columns.get("lines")
    if lists is None and task is Task.ARRIVAL:
        return np.zeros(count + 1, np.int64), 0, {}
    if lists is None:
        raise at_fault("a column is missing", "lines")
    items = next(iter(lists.children.values()), None)
    if lists.field.kind != "list" or items is None or items.field.kind != "struct" or items.present is not None:
        raise at_fault("a list of structs is expected, none missing", "lines")
    offsets = lists.values.astype(np.int64)
    counts = np.diff(offsets)
    if len(counts) and counts.max() > limits.max_lines:
        raise at_fault(f"{counts.max()} lines in one basket; at most {limits.max_lines} are answered", "lines")
    if task is not Task.ARRIVAL and len(counts) and counts.min() == 0:
        raise at_fault("a basket without lines cannot be answered by this model", "lines")
    return offsets - offsets[0], int(offsets[0]), items.children


def _quantities(of: Column | None, first: int, count: int) -> NDArray[np.int64]:
    if not count:
        return np.zeros(0, np.int64)
    if of is None or of.field.kind != "whole" or _missing(of, first, count):
        raise at_fault("whole numbers are expected, none missing", "lines", "quantity")
    given = of.values[first : first + count]
    _check_range(given, "QUANTITY", "quantity", 1)
    return given.astype(np.int64)


def _pence(of: Column | None, first: int, count: int) -> NDArray[np.int64]:
    if not count:
        return np.zeros(0, np.int64)
    if of is None or of.field.kind not in ("decimal", "float") or _missing(of, first, count):
        raise at_fault("decimals of two digits or floats are expected, none missing", "lines", "spend_gbp")
    values = of.values[first : first + count]
    if of.field.kind == "decimal":
        # Such a decimal is its pence, in 128 bits of which the lower 64 come first; the upper ones are their sign.
        pence: NDArray[np.int64] = values["f0"].copy()
        if (values["f1"] != pence >> 63).any():
            raise at_fault("out of range", "lines", "spend_gbp")
    else:
        pounds = values.astype(np.float64)
        if not np.isfinite(pounds).all():
            raise at_fault("not a number", "lines", "spend_gbp")
        pence = np.round(np.clip(pounds, -1.0, 1e12) * _PENCE).astype(np.int64)
        if (pence / _PENCE != pounds).any():
            raise at_fault("more than two decimals", "lines", "spend_gbp")
    _check_range(pence, "SPEND", "spend_gbp", _PENCE)
    return pence


def _missing(of: Column, first: int, count: int) -> bool:
    return of.present is not None and not of.present[first : first + count].all()


def _check_range(values: NDArray[np.integer[Any]], name: str, field: str, scale: int) -> None:
    spec = column(name)
    assert spec.minimum is not None  # noqa: S101 - the contract bounds both
    assert spec.maximum is not None  # noqa: S101
    if values.min() < spec.minimum * scale or values.max() > spec.maximum * scale:
        raise at_fault(f"from {spec.minimum} to {spec.maximum} is expected", "lines", field)


def _moment(
    columns: Lines, name: str, wanted: Collection[str], count: int, moment: str, epoch: int
) -> NDArray[np.int32]:
    of = columns.get(name)
    if of is None or moment not in wanted:
        return np.full(count, MISSING, np.int32)
    if of.field.kind not in ("whole", "day"):
        raise at_fault("a date (date32) or a whole number is expected", name)
    low, high = _BOUNDS[name]
    given = of.values if of.present is None else np.where(of.present, of.values, of.values.dtype.type(low))
    if count and not low <= given.min() <= given.max() <= high:
        raise at_fault(f"from {low} to {high} is expected", name)
    values = given.astype(np.int32) - np.int32(epoch)
    return values if of.present is None else np.where(of.present, values, np.int32(MISSING))


def _codes(of: Column | None, first: int, count: int, name: str) -> Codes:
    if of is None or not count:
        return Codes((), np.full(count, -1, np.int32))
    present = None if of.present is None else of.present[first : first + count]
    if of.words is not None:
        words = _words(of.words, 0, of.words.length, name)
        numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
        places = np.array([numbers[word] for word in words] + [-1], np.int32)
        index = of.values[first : first + count].astype(np.int64)
        return Codes(tuple(numbers), places[index if present is None else np.where(present, index, -1)])
    if of.field.kind != "text":
        raise at_fault("text is expected", *name.split("/"))
    if present is None and (found := _of_one_length(of, first, count)) is not None:
        return found
    spelled = _words(of, first, count, name)
    there = [True] * count if present is None else present.tolist()
    return encode([word if known else None for word, known in zip(spelled, there, strict=True)])


def _of_one_length(of: Column, first: int, count: int) -> Codes | None:
    """Codes of one length are compared as whole numbers, whose digits are the letters where they differ; None for codes
    of several lengths, or so unlike that such numbers do not fit."""
    offsets = of.values[first : first + count + 1].astype(np.int64)
    lengths = np.diff(offsets)
    if lengths[0] == 0 or (lengths != lengths[0]).any():
        return None
    letters = of.letters[offsets[0] : offsets[-1]].reshape(count, lengths[0])
    places = np.ascontiguousarray(letters.T)
    least = places.min(axis=1)
    bases = places.max(axis=1).astype(np.int64) - least + 1
    size = math.prod(bases.tolist())
    if size > _LARGEST:
        return None
    numbers = np.zeros(count, np.int64)
    for place in np.flatnonzero(bases > 1):
        numbers *= bases[place]
        numbers += places[place] - least[place]
    rows, index = _distinct(numbers, size)
    words = letters[rows].view(f"V{lengths[0]}").ravel().tolist()
    return Codes(tuple(map(bytes.decode, words)), index)


def _distinct(numbers: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """A row of each distinct number, and of each row which of them it holds; numbers are below `size`."""
    if size > _SLOTS * len(numbers):
        _, rows, index = np.unique(numbers, return_index=True, return_inverse=True)
        return rows, index.astype(np.int32)
    slots = np.full(size, -1, np.int64)
    slots[numbers] = np.arange(len(numbers))
    taken = np.flatnonzero(slots >= 0)
    places = np.empty(size, np.int32)
    places[taken] = np.arange(len(taken))
    return slots[taken], places.take(numbers)


def _words(of: Column, first: int, count: int, name: str) -> list[str]:
    if of.field.kind != "text":
        raise at_fault("text is expected", *name.split("/"))
    return _texts(of, first, count)


def _texts(of: Column, first: int, count: int, errors: str = "strict") -> list[str]:
    letters, ends = of.letters.tobytes(), of.values[first : first + count + 1].tolist()
    return [letters[start:end].decode(errors=errors) for start, end in pairwise(ends)]


def _ids(fields: Collection[Field]) -> Field | None:
    """The column of basket ids; None where there is none."""
    found = next((field for field in fields if field.name == _ID), None)
    if found is not None and found.kind != "text":
        raise at_fault("text is expected", _ID)
    return found


def _told_ids(of: Column) -> list[str | None]:
    """The ids as text, whatever bytes were sent for them."""
    words = _texts(of, 0, of.length, "replace")
    return [word if of.present is None or of.present[row] else None for row, word in enumerate(words)]


def _no_ids(field: Field) -> Column:
    return Column(field, 0, None, np.zeros(1, field.type), np.zeros(0, np.uint8), None, {})


def _given_ids(of: Column) -> NanoArray:
    """The column of ids as nanoarrow writes it."""
    kind = na.string() if of.field.type == np.dtype("<i4") else na.large_string()
    bits = None if of.present is None else np.packbits(of.present, bitorder="little")
    return na.c_array_from_buffers(kind, of.length, [bits, np.ascontiguousarray(of.values), of.letters])


def _floats(values: NDArray[np.float64]) -> NanoArray:
    return na.c_array(np.ascontiguousarray(values) if len(values) else [], na.float64())


def _answers(ids: Column | None, found: Predictions) -> NanoArray:
    count = len(found.label)
    ends = np.arange(0, (count + 1) * _SPELLED.shape[1], _SPELLED.shape[1], dtype=np.int32)
    columns = [na.c_array_from_buffers(na.string(), count, [None, ends, _SPELLED.take(found.label, axis=0)])]
    columns += [_floats(found.probabilities[:, number]) for number in range(len(LABELS))]
    columns.append(_floats(found.unknown_share))
    fields = _ANSWERS
    if ids is not None:
        columns.insert(0, _given_ids(ids))
        fields = {_ID: columns[0].schema} | _ANSWERS
    return na.c_array_from_buffers(na.struct(fields), count, [None], children=columns)
