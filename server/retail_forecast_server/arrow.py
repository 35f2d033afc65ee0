"""Baskets in columns from an Arrow IPC stream, and answers into one, without a Python object a basket.

The shape is that of gold: `lines`, a list of structs with `quantity`, `spend_gbp` (decimal of two digits or float) and
product codes, and header columns named as the fields of `Basket`; what a model does not look at may be left out, and
further columns are passed over. Answers are `basket_id` (as it was given), `label`, `LA`, `MM`, `UM`, `XX`
(probabilities) and `unknown_share`. It is imported when the first such body arrives.
"""

from collections.abc import Collection, Iterator
from datetime import date
from io import IOBase
from itertools import pairwise
from typing import Any

import nanoarrow as na
import numpy as np
from nanoarrow._utils import NanoarrowException
from nanoarrow.ipc import InputStream, StreamWriter
from numpy.typing import NDArray

from retail_forecast.bundle.scorer import Predictions
from retail_forecast.domain.calendar import EPOCH
from retail_forecast.domain.columns import column
from retail_forecast.domain.labels import LABELS
from retail_forecast.domain.settings import ServerSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.lines import HEADER, LEVELS, MISSING, Baskets, Codes, encode
from retail_forecast_server.models import Model
from retail_forecast_server.problems import at_fault

__all__ = ["answer_stream"]

_PENCE = 100
_EPOCH_DAYS = (EPOCH - date(1970, 1, 1)).days
_WORD = 8
_LONGEST = 300
_ID = "basket_id"
_WHOLE = {"int8", "int16", "int32", "int64"}
_TEXT = {"string", "large_string"}
_LISTS = {"list", "large_list"}
_ANSWERS: dict[str, Any] = {
    "label": na.string(),
    **{str(label): na.float64() for label in LABELS},
    "unknown_share": na.float64(),
}

Batch = Any
"""An array of structs, a row for each basket (`nanoarrow.c_array.CArray`)."""

View = Any
"""A view of an array's buffers (`nanoarrow.c_array.CArrayView`)."""


def answer_stream(source: IOBase, sink: IOBase, model: Model, limits: ServerSettings) -> Iterator[Predictions]:
    """Answer every batch of the stream `source` with one in `sink`; yields what was found, batch by batch.

    Raises
    ------
    Problem : the stream does not fit, with the column at fault
    """
    try:
        with InputStream.from_readable(source) as stream, StreamWriter.from_writable(sink) as writer:
            arrays = na.c_array_stream(stream)
            schema = arrays.get_schema()
            names = [child.name for child in schema.children]
            ids, answered = _ids(schema, names), False
            for array in arrays:
                view = array.view()
                columns = dict(zip(names, view.children, strict=True))
                _check_lines(columns, model.task, limits)
                found = model.bundle.predict(_baskets(columns, array, model))
                writer.write_array(_answers(ids, array.child(names.index(_ID)) if ids else None, found))
                answered = True
                yield found
            if not answered:
                writer.write_array(_answers(ids, na.c_array([], ids) if ids else None, _NOTHING))
    except (NanoarrowException, ValueError, IndexError, RuntimeError) as error:
        raise at_fault(f"this is no Arrow stream of baskets: {error}"[:_LONGEST]) from error


_NOTHING = Predictions(np.zeros((0, len(LABELS))), np.zeros(0, np.int8), np.zeros(0), np.zeros((0, 0), np.float32))


def _baskets(columns: dict[str, View], array: Batch, model: Model) -> Baskets:
    """The columns of one batch, as far as the model looks at them."""
    count, wanted = array.length, model.bundle.columns
    lists = columns.get("lines")
    if lists is None:
        offsets, lines, total = np.zeros(count + 1, np.int64), {}, 0
    else:
        offsets = np.asarray(lists.buffer(1))[: count + 1].astype(np.int64)
        lines, total = _fields(array, lists), int(offsets[-1])
    return Baskets(
        offsets,
        _quantities(lines.get("quantity"), total),
        _pence(lines.get("spend_gbp"), total),
        _moment(columns, "shop_date", count, wanted, "shop_day", _EPOCH_DAYS),
        _moment(columns, "shop_hour", count, wanted, "shop_hour", 0),
        None,
        *(_codes(lines.get(name) if name in wanted else None, total, f"lines/{name}") for name in LEVELS),
        *(_codes(columns.get(name) if name in wanted else None, count, name) for name in HEADER),
    )


def _fields(array: Batch, lists: View) -> dict[str, View]:
    position = [child.name for child in array.schema.children].index("lines")
    names = [field.name for field in array.schema.child(position).child(0).children]
    return dict(zip(names, lists.child(0).children, strict=True))


def _check_lines(columns: dict[str, View], task: Task, limits: ServerSettings) -> None:
    lists = columns.get("lines")
    if lists is None:
        if task is Task.ARRIVAL:
            return
        raise at_fault("a column is missing", "lines")
    if lists.storage_type not in _LISTS or lists.child(0).storage_type != "struct":
        raise at_fault("a list of structs is expected", "lines")
    counts = np.diff(np.asarray(lists.buffer(1))[: lists.length + 1])
    if len(counts) and counts.max() > limits.max_lines:
        raise at_fault(f"{counts.max()} lines in one basket; at most {limits.max_lines} are answered", "lines")
    if task is not Task.ARRIVAL and len(counts) and counts.min() == 0:
        raise at_fault("a basket without lines cannot be answered by this model", "lines")


def _quantities(view: View | None, count: int) -> NDArray[np.int64]:
    if not count:
        return np.zeros(0, np.int64)
    if view is None or view.storage_type not in _WHOLE or view.null_count > 0:
        raise at_fault("whole numbers are expected, none missing", "lines", "quantity")
    quantity: NDArray[np.int64] = np.asarray(view.buffer(1))[:count].astype(np.int64)
    _check_range(quantity, "QUANTITY", "quantity", 1)
    return quantity


def _pence(view: View | None, count: int) -> NDArray[np.int64]:
    if not count:
        return np.zeros(0, np.int64)
    if view is None or view.null_count > 0 or view.storage_type not in {"decimal128", "float", "double"}:
        raise at_fault("decimals of two digits or floats are expected, none missing", "lines", "spend_gbp")
    values = np.asarray(view.buffer(1))[:count]
    if view.storage_type == "decimal128":
        # Such a decimal is its pence, in 128 bits of which the lower 64 come first.
        pence: NDArray[np.int64] = values.view(np.int64)[::2].copy()
    else:
        pounds = values.astype(np.float64)
        if not np.isfinite(pounds).all():
            raise at_fault("not a number", "lines", "spend_gbp")
        pence = np.round(np.clip(pounds, -1.0, 1e12) * _PENCE).astype(np.int64)
        if (pence / _PENCE != pounds).any():
            raise at_fault("more than two decimals", "lines", "spend_gbp")
    _check_range(pence, "SPEND", "spend_gbp", _PENCE)
    return pence


def _check_range(values: NDArray[np.int64], name: str, field: str, scale: int) -> None:
    spec = column(name)
    assert spec.minimum is not None  # noqa: S101 - the contract bounds both
    assert spec.maximum is not None  # noqa: S101
    if values.min() < spec.minimum * scale or values.max() > spec.maximum * scale:
        raise at_fault(f"from {spec.minimum} to {spec.maximum} is expected", "lines", field)


def _moment(
    columns: dict[str, View], name: str, count: int, wanted: Collection[str], field: str, epoch: int
) -> NDArray[np.int32]:
    view = columns.get(name)
    if view is None or field not in wanted:
        return np.full(count, MISSING, np.int32)
    if view.storage_type not in _WHOLE:
        raise at_fault("a date (date32) or a whole number is expected", name)
    values = np.asarray(view.buffer(1))[:count].astype(np.int32) - np.int32(epoch)
    return np.where(_present(view, count), values, np.int32(MISSING))


def _codes(view: View | None, count: int, name: str) -> Codes:
    if view is None or not count:
        return Codes((), np.full(count, -1, np.int32))
    present = _present(view, count)
    if view.dictionary is not None:
        words = _words(view.dictionary, view.dictionary.length, name)
        numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
        places = np.array([numbers[word] for word in words] + [-1], np.int32)
        index = np.where(present, np.asarray(view.buffer(1))[:count], -1)
        return Codes(tuple(numbers), places[index])
    if view.storage_type not in _TEXT:
        raise at_fault("text is expected", *name.split("/"))
    return _of_one_length(view, count, present) or encode(
        [word if there else None for word, there in zip(_words(view, count, name), present.tolist(), strict=True)]
    )


def _of_one_length(view: View, count: int, present: NDArray[np.bool_]) -> Codes | None:
    """Codes of one length, that differ in eight places at most, are compared as whole numbers: None for others."""
    offsets = np.asarray(view.buffer(1))[: count + 1].astype(np.int64)
    lengths = np.diff(offsets)
    if not present.all() or lengths[0] == 0 or (lengths != lengths[0]).any():
        return None
    letters = np.asarray(view.buffer(2)).view(np.uint8)[offsets[0] : offsets[-1]].reshape(count, lengths[0])
    differing = np.flatnonzero((letters != letters[0]).any(axis=0))
    if len(differing) > _WORD:
        return None
    packed = np.zeros((count, _WORD), np.uint8)
    packed[:, : len(differing)] = letters[:, differing]
    _, first, index = np.unique(packed.view(np.uint64).ravel(), return_index=True, return_inverse=True)
    return Codes(tuple(letters[row].tobytes().decode() for row in first), index.astype(np.int32))


def _words(view: View, count: int, name: str) -> list[str]:
    if view.storage_type not in _TEXT:
        raise at_fault("text is expected", *name.split("/"))
    offsets = np.asarray(view.buffer(1))[: count + 1].tolist()
    letters = np.asarray(view.buffer(2)).tobytes()
    return [letters[start:end].decode() for start, end in pairwise(offsets)]


def _present(view: View, count: int) -> NDArray[np.bool_]:
    if view.null_count == 0:
        return np.ones(count, np.bool_)
    bits = np.asarray(view.buffer(0)).view(np.uint8)
    if not len(bits):
        return np.ones(count, np.bool_)
    return np.unpackbits(bits, bitorder="little")[:count].astype(np.bool_)


def _ids(schema: Any, names: list[str]) -> Any:  # noqa: ANN401 - the library's own, which has no types
    """The type of the column of basket ids; None where there is none."""
    if _ID not in names:
        return None
    found = na.Schema(schema.child(names.index(_ID)))
    if found.type not in {na.Type.STRING, na.Type.LARGE_STRING}:
        raise at_fault("text is expected", _ID)
    return found


def _floats(values: NDArray[np.float64]) -> Batch:
    return na.c_array(np.ascontiguousarray(values) if len(values) else [], na.float64())


def _answers(ids: Any, column: Batch | None, found: Predictions) -> Batch:  # noqa: ANN401 - as above
    labels = [str(LABELS[label]) for label in found.label.tolist()]
    columns = [na.c_array(labels, na.string())]
    columns += [_floats(found.probabilities[:, number]) for number in range(len(LABELS))]
    columns.append(_floats(found.unknown_share))
    fields = {_ID: ids, **_ANSWERS} if ids else _ANSWERS
    columns = [column, *columns] if ids else columns
    return na.c_array_from_buffers(na.struct(fields), len(labels), [None], children=columns)
