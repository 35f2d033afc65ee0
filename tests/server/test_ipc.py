"""Arrow streams are read as pyarrow writes them, and nothing that anybody makes of one is more than a refusal."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import flatbuffers
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_forecast.domain.settings import ServerSettings
from retail_forecast_server.arrow import answer_stream
from retail_forecast_server.fields import fields_of
from retail_forecast_server.flatbuffer import root
from retail_forecast_server.ipc import TooLarge, read_stream
from retail_forecast_server.problems import Problem

if TYPE_CHECKING:
    from retail_forecast_server.ipc import Batch, Column
    from retail_forecast_server.models import Model

MOST = 1 << 20
WHOLE = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
PASSED_OVER: dict[str, pa.Array] = {
    "nothing": pa.nulls(5),
    "bytes": pa.array([b"a", None, b"bc", b"", b"d"]),
    "truth": pa.array([True, None, False, True, True]),
    "time": pa.array([1, None, 3, 4, 5], pa.timestamp("us")),
    "pair": pa.array([[1, 2]] * 5, pa.list_(pa.int8(), 2)),
    "map": pa.array([[("a", 1)], [], None, [], []], pa.map_(pa.string(), pa.int8())),
    "milliseconds": pa.array([1, None, 3, 4, 5], pa.date64()),
    "thousandths": pa.array([Decimal("1.000")] * 5, pa.decimal128(9, 3)),
}


def _stream(table: pa.Table, rows: int = 100, **options: Any) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=rows)
    return sink.getvalue()


def _batches(body: bytes, most: int = MOST) -> list[Batch]:
    return [batch for _, batch in read_stream(io.BytesIO(body), most) if batch is not None]


def _listed(column: Column) -> list[Any]:
    """The values of a column, None where they are missing."""
    values: list[Any]
    if column.field.kind == "text":
        letters, ends = column.letters.tobytes(), column.values.tolist()
        values = [letters[start:end].decode() for start, end in pairwise(ends)]
    elif column.words is not None:
        words = _listed(column.words)
        present = [True] * column.length if column.present is None else column.present.tolist()
        values = [words[place] if there else None for place, there in zip(column.values, present, strict=True)]
    elif column.field.kind == "list":
        (item,) = column.children.values()
        items, ends = _listed(item), column.values.tolist()
        values = [items[start:end] for start, end in pairwise(ends)]
    elif column.field.kind == "struct":
        fields = {name: _listed(child) for name, child in column.children.items()}
        values = [{name: rows[row] for name, rows in fields.items()} for row in range(column.length)]
    elif column.field.kind == "decimal":
        values = [Decimal(pence) / 100 for pence in column.values["f0"].tolist()]
    elif column.field.kind == "day":
        values = [date.fromordinal(date(1970, 1, 1).toordinal() + day) for day in column.values.tolist()]
    else:
        values = column.values.tolist()
    if column.present is None:
        return values
    return [value if there else None for value, there in zip(values, column.present.tolist(), strict=True)]


def _check(table: pa.Table, rows: int) -> None:
    batches = _batches(_stream(table, rows))
    for name in table.column_names:
        found = [value for batch in batches for value in _listed(batch.columns[name])]
        assert found == table[name].to_pylist(), name


words = st.none() | st.text("aé€𝄞", max_size=4)


@settings(max_examples=60)
@given(st.lists(words, max_size=20), st.integers(1, 7), st.sampled_from(WHOLE), st.data())
def test_columns_are_read_as_they_were_written(
    texts: list[str | None], rows: int, places: pa.DataType, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(texts)))
    table = pa.table(
        {
            "text": pa.array(texts, pa.string()),
            "large": pa.array(texts, pa.large_string()),
            "coded": pa.array(texts, pa.string()).dictionary_encode().cast(pa.dictionary(places, pa.string())),
            "whole": pa.array([len(text) if text else None for text in texts], places),
            "float": pa.array([None if text is None else len(text) / 4 for text in texts], pa.float32()),
            "day": pa.array([date(2007, 1, 1 + row) for row in range(len(texts))], pa.date32()),
            "pounds": pa.array([Decimal(row - 5) / 100 for row in range(len(texts))], pa.decimal128(12, 2)),
            "lists": pa.array([[{"a": text, "b": 7}] * row for row, text in enumerate(texts)],
                              pa.list_(pa.struct([("a", pa.string()), ("b", pa.int32())]))),
        }
    )  # fmt: skip
    _check(table.slice(start), rows)


def test_columns_of_other_types_are_passed_over() -> None:
    table = pa.table({**PASSED_OVER, "kept": pa.array([1, 2, None, 4, 5])})
    (batch,) = _batches(_stream(table))
    assert _listed(batch.columns["kept"]) == [1, 2, None, 4, 5]
    assert {batch.columns[name].field.kind for name in PASSED_OVER} == {"other"}


def test_a_dictionary_may_be_replaced() -> None:
    kind = pa.schema([("code", pa.dictionary(pa.int32(), pa.string()))])
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, kind) as writer:
        for word in "ab":
            writer.write_batch(pa.record_batch([pa.array([word]).dictionary_encode()], schema=kind))
    assert [_listed(batch.columns["code"]) for batch in _batches(sink.getvalue())] == [["a"], ["b"]]


def _with_delta() -> bytes:
    kind, sink = pa.schema([("code", pa.dictionary(pa.int32(), pa.string()))]), io.BytesIO()
    options = pa.ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with pa.ipc.new_stream(sink, kind, options=options) as writer:
        for codes in (["a"], ["a", "b"]):
            coded = pa.DictionaryArray.from_arrays(pa.array([0], pa.int32()), pa.array(codes))
            writer.write_batch(pa.record_batch([coded], schema=kind))
    return sink.getvalue()


def _deep(levels: int) -> pa.Array:
    found = pa.array([1])
    for _ in range(levels):
        found = pa.StructArray.from_arrays([found], ["a"])
    return found


ONE = pa.table({"a": pa.array([1, 2, 3])})


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (_stream(ONE, compression="lz4"), "compressed"),
        (_stream(ONE, compression="zstd"), "compressed"),
        (_with_delta(), "sent in parts"),
        (_stream(pa.table({"a": pa.array(["x"], pa.string_view())})), "a type that is not taken"),
        (_stream(pa.table({"a": _deep(12)})), "nested too deeply"),
        (_stream(pa.table({f"c{number}": [1] for number in range(1100)})), "at most 1024"),
        (_stream(pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])), "one name"),
        (_stream(pa.table({"a": pa.nulls(1 << 19)}), rows=1 << 19), "rows; at most"),
        (_stream(pa.table({"a" * 2000: [1]})), "at most 1024"),
        (_stream(ONE)[:-40], "breaks off"),
        (_stream(ONE)[:13], "breaks off"),
        (_stream(ONE)[8:], "begins otherwise"),
        (b"", "no schema"),
        (b"ARROW1\0\0\0\0", "begins otherwise"),
        (b"ARROW1", "breaks off"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f", "begins otherwise"),
        (_stream(ONE)[:8] + bytes(400), "breaks off|header"),
    ],
)  # fmt: skip
def test_what_is_no_such_stream_is_told(body: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        _batches(body)


def test_a_batch_that_is_too_large_is_not_read() -> None:
    body = _stream(pa.table({"a": pa.array(range(1000))}), rows=1000)
    with pytest.raises(TooLarge):
        _batches(body, most=4000)
    assert len(_batches(body, most=9000)) == 1


def test_few_bytes_that_tell_of_many_columns_are_refused() -> None:
    """A schema whose columns all point to the same children, which do so again: a hundred to the power of five."""
    made = flatbuffers.Builder(0)
    names, children = [made.CreateString(f"c{number}") for number in range(100)], None
    for _ in range(5):
        made.StartObject(0)
        struct_type = made.EndObject()
        fields = []
        for name in names:
            made.StartObject(7)
            made.PrependUOffsetTRelativeSlot(0, name, 0)
            made.PrependUint8Slot(2, 13, 0)
            made.PrependUOffsetTRelativeSlot(3, struct_type, 0)
            if children is not None:
                made.PrependUOffsetTRelativeSlot(5, children, 0)
            fields.append(made.EndObject())
        made.StartVector(4, len(fields), 4)
        for one in fields:
            made.PrependUOffsetTRelative(one)
        children = made.EndVector()
    made.StartObject(2)
    made.PrependUOffsetTRelativeSlot(1, children, 0)
    made.Finish(made.EndObject())
    with pytest.raises(ValueError, match="more than 1024 columns"):
        fields_of(root(bytes(made.Output())))


def _seeds() -> list[bytes]:
    """Streams of baskets with all that baskets may be sent in."""
    rng, rows = np.random.default_rng(5), []
    for number in range(30):
        lines = [
            {"prod_code": f"PRD{p:07d}" if p % 5 else None, "prod_code_10": "CL00003", "quantity": 1, "spend_gbp": 2}
            for p in rng.integers(0, 160, 1 + number % 4).tolist()
        ]
        rows.append({"basket_id": f"{number}" if number % 7 else None, "shop_hour": number % 24, "lines": lines})
    found = []
    for code, spend, lists in (
        (pa.string(), pa.float64(), pa.list_),
        (pa.dictionary(pa.int8(), pa.string()), pa.decimal128(12, 2), pa.large_list),
        (pa.large_string(), pa.float32(), pa.list_),
    ):
        line = pa.struct([("prod_code", code), ("prod_code_10", code), ("quantity", pa.int16()), ("spend_gbp", spend)])
        schema = pa.schema([("basket_id", pa.string()), ("shop_hour", pa.int8()), ("lines", lists(line))])
        found.append(_stream(pa.Table.from_pylist(rows, schema), rows=15))
    return found


NUMBERS = (0, 1, -1, 2, 7, 255, 2**24, 2**31 - 1, -(2**31), 2**40, 2**62, 2**63 - 1, -(2**63))


def _forged(body: bytes, rng: np.random.Generator) -> bytes:
    """The stream with some bits, numbers or pieces changed."""
    made = bytearray(body)
    for _ in range(int(rng.integers(1, 4))):
        at, how = int(rng.integers(0, len(made) - 8)), int(rng.integers(0, 5))
        if how == 0:
            made[at] ^= 1 << int(rng.integers(0, 8))
        elif how == 1:
            wide = int(rng.choice((4, 8)))
            number = NUMBERS[int(rng.integers(0, len(NUMBERS)))] % (1 << 8 * wide)
            made[at // wide * wide : at // wide * wide + wide] = number.to_bytes(wide, "little")
        elif how == 2:
            near = (int.from_bytes(made[at // 4 * 4 : at // 4 * 4 + 4], "little") + int(rng.integers(-9, 10))) % 2**32
            made[at // 4 * 4 : at // 4 * 4 + 4] = near.to_bytes(4, "little")
        elif how == 3:
            del made[at : at + int(rng.integers(1, 64))]
        else:
            made[at:at] = made[max(0, at - 32) : at]
    return bytes(made)


@pytest.mark.parametrize("seed", range(3))
def test_forged_streams_are_answered_or_refused(model: Model, seed: int) -> None:
    rng, body, outcomes = np.random.default_rng(seed), _seeds()[seed], {"answered": 0, "refused": 0}
    for _ in range(800):
        source = io.BufferedReader(io.BytesIO(_forged(body, rng)))
        try:
            for _ in answer_stream(source, io.BytesIO(), model, ServerSettings()):
                pass
            outcomes["answered"] += 1
        except Problem:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 10, "the forgeries reach all parts of the stream"
