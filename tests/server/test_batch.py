"""POST /v1/predict/batch: streams of NDJSON and Arrow, answered alike and in order, with bounds."""

from __future__ import annotations

import io
import json
import threading
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import msgspec
import numpy as np
import psutil
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retail_forecast.domain.basket import Basket, Line
from retail_forecast.domain.labels import LABELS
from retail_forecast_server.process import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.server.conftest import Answer, Client, MakeClient

    from retail_forecast.bundle.scorer import Predictions
    from retail_forecast_server.answers import Answered
    from retail_forecast_server.models import Model

NDJSON, ARROW = "application/x-ndjson", "application/vnd.apache.arrow.stream"
LINE = {"prod_code": "PRD0000001", "quantity": 1, "spend_gbp": 1.0}


def _baskets(count: int) -> list[Basket]:
    rng = np.random.default_rng(count)
    return [
        Basket(
            tuple(
                Line(int(rng.integers(1, 5)), int(rng.integers(1, 900)) / 100, f"PRD{p:07d}", "CL00003")
                for p in rng.integers(0, 160, rng.integers(1, 9))
            ),
            basket_id=f"{number:015d}",
            store_region="E02",
            type="Top Up" if number % 3 else None,
        )
        for number in range(count)
    ]


def _ndjson(baskets: list[Basket]) -> bytes:
    return b"".join(msgspec.json.encode(basket) + b"\n" for basket in baskets)


def _table(baskets: list[Basket], encoded: bool = False, **kinds: pa.DataType) -> pa.Table:
    code = pa.dictionary(pa.int32(), pa.string()) if encoded else pa.string()
    rows = msgspec.to_builtins(baskets)
    spend = kinds.get("spend_gbp", pa.float64())
    line = pa.struct([("prod_code", code), ("prod_code_10", code), ("quantity", pa.int32()), ("spend_gbp", spend)])
    header = [("basket_id", pa.string()), ("store_region", pa.string()), ("type", pa.string())]
    table = pa.Table.from_pylist(rows, pa.schema([*header, ("lines", pa.list_(line.field(0).with_type(line)))]))
    assert isinstance(table, pa.Table)
    return table


def _stream(table: pa.Table, rows: int = 100) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)
    return sink.getvalue()


def _ask(client: Client, kind: str, *pieces: bytes, query: str = "", path: str = "/v1/predict/batch") -> Answer:
    return client.ask("POST", path, *pieces, headers=[("Content-Type", kind)], query=query)


def _in_pieces(body: bytes, size: int = 1000) -> Iterator[bytes]:
    return (body[start : start + size] for start in range(0, len(body), size))


def _check(answered: pa.Table, baskets: list[Basket], direct: Predictions) -> None:
    assert answered["basket_id"].to_pylist() == [basket.basket_id for basket in baskets]
    probabilities = np.stack([answered[label].to_numpy() for label in LABELS], axis=1)
    np.testing.assert_allclose(probabilities, direct.probabilities, atol=1e-6)
    assert answered["label"].to_pylist() == [LABELS[label] for label in direct.label]
    np.testing.assert_array_equal(answered["unknown_share"].to_numpy(), direct.unknown_share)


def test_lines_are_answered_like_single_requests(client: Client, model: Model) -> None:
    baskets = _baskets(300)
    answer = _ask(client, NDJSON, *_in_pieces(_ndjson(baskets)))
    assert (answer.status, answer.headers["content-type"]) == (200, NDJSON)
    told = [json.loads(line) for line in answer.body.splitlines()]
    direct = model.predict(baskets)
    assert [one["basket_id"] for one in told] == [basket.basket_id for basket in baskets]
    found = [list(one["probabilities"].values()) for one in told]
    np.testing.assert_allclose(found, direct.probabilities, atol=1e-6)


@pytest.mark.parametrize("encoded", [False, True])
@pytest.mark.parametrize("spend", [pa.float64(), pa.decimal128(12, 2)])
def test_arrow_is_answered_like_the_bundle(client: Client, model: Model, encoded: bool, spend: pa.DataType) -> None:
    baskets = _baskets(350)
    table = _table(baskets, encoded, spend_gbp=pa.float64())
    position = table.schema.get_field_index("lines")
    if spend != pa.float64():
        line = table.schema.field("lines").type.value_type
        fields = [f.with_type(spend) if f.name == "spend_gbp" else f for f in line]
        table = table.set_column(position, "lines", table["lines"].cast(pa.list_(pa.struct(fields)), safe=False))
    answer = _ask(client, ARROW, *_in_pieces(_stream(table)))
    assert (answer.status, answer.headers["content-type"]) == (200, ARROW)
    reader = pa.ipc.open_stream(answer.body)
    _check(reader.read_all(), baskets, model.predict(baskets))


def test_arrow_for_another_task(client: Client, flat_model: Model) -> None:
    baskets = _baskets(50)
    answer = _ask(client, ARROW, _stream(_table(baskets)), query="task=flat")
    _check(pa.ipc.open_stream(answer.body).read_all(), baskets, flat_model.predict(baskets))


def test_codes_of_different_lengths_and_missing_ones(client: Client, model: Model) -> None:
    baskets = [
        Basket((Line(1, 1.0, "PRD0000003"), Line(1, 1.0, None, "CL00001")), basket_id="a"),
        Basket((Line(1, 1.0, "PRD0000120x"),), basket_id=None),
    ]
    answer = _ask(client, ARROW, _stream(_table(baskets)))
    _check(pa.ipc.open_stream(answer.body).read_all(), baskets, model.predict(baskets))


def test_a_line_that_does_not_fit_is_answered_by_its_problem(client: Client) -> None:
    good = msgspec.json.encode({"lines": [LINE]})
    answer = _ask(client, NDJSON, b"\n".join([good, b'{"lines":[]}', b"", b"no JSON", good]))
    told = [json.loads(line) for line in answer.body.splitlines()]
    assert [one.get("line") for one in told] == [None, 2, 4, None]
    assert told[1]["problem"]["errors"][0]["pointer"] == "/lines"
    assert told[2]["problem"]["status"] == 400
    assert told[0] == told[3]


def test_an_empty_stream_has_an_empty_answer(client: Client) -> None:
    answer = _ask(client, NDJSON, b"")
    assert (answer.status, answer.body) == (200, b"")
    arrow = _ask(client, ARROW, _stream(_table([])))
    assert pa.ipc.open_stream(arrow.body).read_all().num_rows == 0


def _with(name: str, values: list[Any], kind: pa.DataType) -> bytes:
    lines = pa.StructArray.from_arrays(
        [pa.array(values, kind) if field == name else pa.array([LINE[field]] * len(values)) for field in LINE],
        list(LINE),
    )
    return _stream(pa.table({"lines": pa.ListArray.from_arrays([0, len(values)], lines)}))


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (_with("quantity", [0], pa.int32()), "/lines/quantity"),
        (_with("quantity", [None], pa.int32()), "/lines/quantity"),
        (_with("quantity", [1.5], pa.float64()), "/lines/quantity"),
        (_with("spend_gbp", [1.005], pa.float64()), "/lines/spend_gbp"),
        (_with("spend_gbp", [float("nan")], pa.float64()), "/lines/spend_gbp"),
        (_with("spend_gbp", [-1.0], pa.float64()), "/lines/spend_gbp"),
        (_with("spend_gbp", [1e300], pa.float64()), "/lines/spend_gbp"),
        (_with("spend_gbp", ["1"], pa.string()), "/lines/spend_gbp"),
        (_with("prod_code", [7], pa.int64()), "/lines/prod_code"),
        (_stream(pa.table({"lines": pa.array([[]], pa.list_(pa.struct([("quantity", pa.int32())])))})), "/lines"),
        (_stream(pa.table({"lines": pa.array([1])})), "/lines"),
        (_stream(pa.table({"basket_id": ["a"]})), "/lines"),
        (b"ARROW1\0\0", ""),
        (_stream(_table(_baskets(20)))[:-200], ""),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f" + b"x" * 100, ""),
    ],
)
def test_a_stream_that_does_not_fit_names_the_column(client: Client, body: bytes, pointer: str) -> None:
    answer = _ask(client, ARROW, body)
    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == pointer


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary(max_size=30), max_size=5))
def test_bytes_are_never_a_fault_of_the_program(client: Client, lines: list[bytes]) -> None:
    answer = _ask(client, NDJSON, b"\n".join(lines))
    assert answer.status == 200
    assert len(answer.body.splitlines()) <= sum(1 + line.count(b"\n") for line in lines)


def test_limits(make_client: MakeClient) -> None:
    client = make_client(max_batch_bytes=20_000, max_lines=5, max_body_bytes=2000)
    assert _ask(client, ARROW, *_in_pieces(_stream(_table(_baskets(2000)), rows=2000))).status == 413
    assert _ask(client, NDJSON, *_in_pieces(b"x" * 5000)).status == 413
    assert _ask(client, ARROW, _with("quantity", [1] * 6, pa.int32())).json["errors"][0]["pointer"] == "/lines"
    assert _ask(client, "application/json", b"{}").status == 415
    assert _ask(client, NDJSON, b"", query="explain=true").status == 422
    assert _ask(client, NDJSON, b"", query="task=coarse").status == 503


@pytest.mark.parametrize("kind", [NDJSON, ARROW])
def test_observers_are_told_of_each_part(make_client: MakeClient, model: Model, kind: str) -> None:
    told: list[Answered] = []
    baskets = _baskets(250)
    body = _ndjson(baskets) if kind == NDJSON else _stream(_table(baskets))
    _ask(make_client(observers=[told.append]), kind, *_in_pieces(body, 5000))
    assert len(told) > 1
    assert len({one.request_id for one in told}) == 1
    assert [one.first for one in told] == np.cumsum([0, *(len(one.baskets) for one in told)])[:-1].tolist()
    seen = [basket for one in told for basket in one.baskets]
    assert [basket.basket_id for basket in seen] == [basket.basket_id for basket in baskets]
    np.testing.assert_array_equal(model.predict(seen).features, model.predict(baskets).features)
    assert sum(len(one.predictions.label) for one in told) == 250


def test_ids_that_are_missing_or_no_text_are_told(make_client: MakeClient) -> None:
    told: list[Answered] = []
    baskets = [msgspec.structs.replace(basket, basket_id=None if n else "é") for n, basket in enumerate(_baskets(2))]
    body = _stream(_table(baskets)).replace("é".encode(), b"\xff\xff")
    assert _ask(make_client(observers=[told.append]), ARROW, body).status == 200
    assert [basket.basket_id for basket in told[0].baskets] == ["\ufffd\ufffd", None]
    assert next(iter(told[0].baskets)) in told[0].baskets


def test_invocations_take_streams_as_well(client: Client) -> None:
    baskets = _baskets(5)
    for kind, body in ((NDJSON, _ndjson(baskets)), (ARROW, _stream(_table(baskets)))):
        assert _ask(client, kind, body, path="/invocations").body == _ask(client, kind, body).body


def test_a_long_stream_does_not_fill_the_memory(tiny_bundle: tuple[Path, str]) -> None:
    part = _ndjson(_baskets(2000))
    with serving(bundle=tiny_bundle[0]) as url:

        def ask(times: int) -> int:
            connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
            connection.putrequest("POST", "/v1/predict/batch")
            connection.putheader("Content-Type", NDJSON)
            connection.putheader("Content-Length", str(len(part) * times))
            connection.endheaders()
            # The server reads no further than it is read: whoever sends all first would wait for ever.
            sending = threading.Thread(target=connection.send, args=(part * times,))
            sending.start()
            answers = sum(1 for _ in connection.getresponse())
            sending.join()
            connection.close()
            return answers

        with urlopen(f"{url}/healthz", timeout=20) as response:  # noqa: S310
            worker = psutil.Process(json.load(response)["pid"])
        assert ask(1) == 2000
        before = worker.memory_info().rss
        assert ask(20) == 40_000
        assert worker.memory_info().rss - before < len(part) * 10
        loaded = Path(f"/proc/{worker.pid}/maps").read_text("utf-8")
        assert "nanoarrow" not in loaded, "it is loaded with the first Arrow stream"
        assert "pyarrow" not in loaded
