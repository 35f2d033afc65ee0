"""Whatever is sent, the answer is a clear 4xx that names the field, never a 500."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.server.conftest import Answer, Client, MakeClient

LINE: dict[str, Any] = {"prod_code": "PRD0000001", "quantity": 1, "spend_gbp": 1.01}


def _problem(answer: Answer, status: int) -> dict[str, Any]:
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    return problem


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ({}, "/lines", "required"),
        ({"lines": []}, "/lines", "without lines"),
        ({"lines": None}, "/lines", "array"),
        ({"lines": [3]}, "/lines/0", "object"),
        ({"lines": [{**LINE, "prod_code": None}]}, "/lines/0/prod_code", "missing"),
        ({"lines": [LINE, {"quantity": 1, "spend_gbp": 1}]}, "/lines/1/prod_code", "missing"),
        ({"lines": [LINE, {**LINE, "spend_gbp": 1.005}]}, "/lines/1/spend_gbp", "two decimals"),
        ({"lines": [{**LINE, "spend_gbp": "1.01"}]}, "/lines/0/spend_gbp", "float"),
        ({"lines": [{**LINE, "spend_gbp": -1}]}, "/lines/0/spend_gbp", ">= 0"),
        ({"lines": [{**LINE, "quantity": 0}]}, "/lines/0/quantity", ">= 1"),
        ({"lines": [{**LINE, "quantity": 1.5}]}, "/lines/0/quantity", "int"),
        ({"lines": [{**LINE, "quantity": 10**30}]}, "/lines/0/quantity", "1000000"),
        ({"lines": [{**LINE, "prod_code": "milk"}]}, "/lines/0/prod_code", "regex"),
        ({"lines": [{**LINE, "colour": "red"}]}, "/lines/0/colour", "unknown"),
        ({"lines": [LINE], "BASKET_PRICE_SENSITIVITY": "MM"}, "/BASKET_PRICE_SENSITIVITY", "unknown"),
        ({"lines": [LINE], "a/b~c": 1}, "/a~1b~0c", "unknown"),
        ({"lines": [LINE], "shop_date": "2008-13-01"}, "/shop_date", "date"),
        ({"lines": [LINE], "shop_hour": 24}, "/shop_hour", "<= 23"),
        ({"lines": [LINE], "customer": "bob"}, "/customer", "regex"),
        ([{"lines": [LINE]}, {"lines": []}], "/1/lines", "without lines"),
        ([{"lines": [LINE]}, {"lines": [{**LINE, "quantity": "1"}]}], "/1/lines/0/quantity", "int"),
        ([[]], "/0", "object"),
        (3, "", "object"),
        (None, "", "object"),
    ],
)
def test_the_field_at_fault_is_named(client: Client, body: object, pointer: str, says: str) -> None:
    problem = _problem(client.predict(body), 422)
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]
    assert says in problem["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"lines",
        b'{"lines":[{"prod_code":"PRD0000001","quantity":1,"spend_gbp":NaN}]}',
        b'{"lines":[{"prod_code":"PRD0000001","quantity":1,"spend_gbp":Infinity}]}',
        b'{"lines":[]} {}',
        b'{"lines":[],"basket_id":"\\ud800"}',
        b"\xff\xfe\x00",
        b'{"lines":[],"basket_id":"\xff"}',
        b"\xef\xbb\xbf{}",
        b"\x1f\x8b\x08\x00",
    ],
)
def test_what_is_no_json_is_a_bad_request(client: Client, body: bytes) -> None:
    _problem(client.predict(body), 400)


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"1e-400", b"1" + b"0" * 5000])
def test_numbers_out_of_range(client: Client, number: bytes) -> None:
    body = b'{"lines":[{"prod_code":"PRD0000001","quantity":1,"spend_gbp":%s}]}' % number
    assert client.predict(body).status in ({200} if number == b"1e-400" else {400, 422})


@pytest.mark.parametrize("opening", [b"[", b'{"lines":', b'{"lines":[', b'{"lines":[{"prod_code":'])
def test_deep_json(client: Client, opening: bytes) -> None:
    assert client.predict(opening * 100_000).status in {400, 422}


def test_a_long_name_is_not_sent_back_whole(client: Client) -> None:
    answer = client.predict({"lines": [LINE], "x" * 1_000_000: 1})
    _problem(answer, 422)
    assert len(answer.body) < 1000


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx"])
def test_another_content_type(client: Client, kind: str) -> None:
    headers = [("Content-Type", kind)] if kind else []
    problem = _problem(client.ask("POST", "/v1/predict", json.dumps({"lines": [LINE]}).encode(), headers=headers), 415)
    assert "Content-Type" in problem["detail"]


def test_an_encoded_body(client: Client) -> None:
    problem = _problem(client.predict({"lines": [LINE]}, ("Content-Encoding", "gzip")), 415)
    assert "Content-Encoding" in problem["detail"]


def test_a_body_over_the_limit_is_refused_before_it_is_read(make_client: MakeClient) -> None:
    client = make_client(max_body_bytes=2000)
    _problem(client.predict(b"x", ("Content-Length", "2001")), 413)


def test_a_body_that_grows_over_the_limit(make_client: MakeClient) -> None:
    client = make_client(max_body_bytes=2000)
    kind = [("Content-Type", "application/json")]
    _problem(client.ask("POST", "/v1/predict", *[b" " * 1000] * 3, headers=kind), 413)
    _problem(client.ask("POST", "/v1/predict", b" " * 2001, headers=kind), 413)
    _problem(client.ask("POST", "/v1/predict", b" " * 2000, headers=kind), 400)


def test_limits_of_baskets_and_lines(make_client: MakeClient) -> None:
    client = make_client(max_baskets=2, max_lines=3)
    assert client.predict([{"lines": [LINE] * 3}] * 2).status == 200
    assert _problem(client.predict([{"lines": [LINE]}] * 3), 422)["errors"][0]["pointer"] == ""
    too_long = [{"lines": [LINE]}, {"lines": [LINE] * 4}]
    assert _problem(client.predict(too_long), 422)["errors"][0]["pointer"] == "/1/lines"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/predict/", 404),
        ("POST", "/v1/nothing", 404),
        ("GET", "/v1/predict", 405),
        ("DELETE", "/v1/predict", 405),
        ("POST", "/healthz", 405),
        ("GET", "/\x00\udc80".encode("utf-8", "replace").decode(), 404),
    ],
)
def test_unknown_paths_and_methods(client: Client, method: str, path: str, status: int) -> None:
    answer = client.ask(method, path)
    _problem(answer, status)
    if status == 405:
        assert answer.headers["allow"] in {"POST", "GET"}


junk = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["lines", *LINE, "basket_id", "x"]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(junk | st.fixed_dictionaries({"lines": st.lists(st.fixed_dictionaries(dict.fromkeys(LINE, junk)), max_size=2)}))
def test_junk_is_never_a_fault_of_the_program(client: Client, body: object) -> None:
    assert client.predict(json.dumps(body).encode()).status in {200, 400, 422}


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60))
def test_bytes_are_never_a_fault_of_the_program(client: Client, body: bytes) -> None:
    assert client.predict(body).status in {200, 400, 422}
