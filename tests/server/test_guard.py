"""Keys, request ids, headers, logs, and what a fault of the program looks like from outside."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.server.conftest import Client, MakeClient

    from retail_forecast_server.models import Model

BODY = {"customer": "CUST0000123456", "lines": [{"prod_code": "PRD0000001", "quantity": 1, "spend_gbp": 1.0}]}
KEYS = {"api_key_sha256": tuple(hashlib.sha256(key).hexdigest() for key in (b"first", b"second"))}


def _logged(capfd: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (("Authorization", "Bearer first"), 200),
        (("Authorization", "bearer second"), 200),
        (("X-API-Key", "first"), 200),
        (("X-API-Key", "third"), 401),
        (("X-API-Key", ""), 401),
        (("X-API-Key", KEYS["api_key_sha256"][0]), 401),
        (("Authorization", "Basic first"), 401),
        (("Authorization", "first"), 401),
        (("X-Other", "first"), 401),
    ],
)
def test_a_key_is_needed_once_one_is_configured(make_client: MakeClient, header: tuple[str, str], status: int) -> None:
    client = make_client(**KEYS)
    assert client.predict(BODY, header).status == status
    assert client.ask("GET", "/model", headers=[header]).status == status


def test_without_a_key_nothing_of_the_model_is_told(make_client: MakeClient) -> None:
    client = make_client(**KEYS)
    answer = client.predict(b"not even JSON")
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert client.ask("GET", "/nowhere").status == 401


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/docs", "/openapi.json"])
def test_probes_and_documentation_need_no_key(make_client: MakeClient, path: str) -> None:
    assert make_client(**KEYS).ask("GET", path).status == 200


def test_no_key_is_needed_where_none_is_configured(client: Client) -> None:
    assert client.predict(BODY).status == 200


@pytest.mark.parametrize("path", ["/v1/predict", "/healthz", "/docs", "/nowhere"])
def test_security_headers_stand_on_every_answer(client: Client, path: str) -> None:
    headers = client.ask("GET", path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(("given", "kept"), [("abc-1.2_3", True), ("a" * 65, False), ("a b", False), ("<x>", False)])
def test_request_ids(client: Client, given: str, kept: bool) -> None:
    found = client.ask("GET", "/healthz", headers=[("X-Request-ID", given)]).headers["x-request-id"]
    assert (found == given) is kept
    assert found


def test_new_request_ids_differ(client: Client) -> None:
    assert len({client.ask("GET", "/healthz").headers["x-request-id"] for _ in range(20)}) == 20


def test_a_request_is_one_line_without_its_body(client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    client.predict(BODY, ("X-Request-ID", "mine"))
    (entry,) = _logged(capfd)
    expected = {"event": "request", "request_id": "mine", "method": "POST", "path": "/v1/predict", "status": 200}
    assert entry | expected == entry
    assert entry["duration_ms"] > 0
    assert set(entry) == {*expected, "time", "duration_ms"}


def test_no_customer_is_logged_wherever_the_code_stands(client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    client.ask("GET", "/customers/CUST0000123456", headers=[("X-Request-ID", "CUST0000123456")])
    client.predict(BODY)
    text = capfd.readouterr().err
    assert len(text.splitlines()) == 2
    assert "CUST0000123456" not in text
    assert "CUST-hidden" in text


@pytest.mark.parametrize("path", ["/v1/predict", "/model"])
def test_a_fault_tells_its_request_id_and_nothing_else(
    make_client: MakeClient, model: Model, path: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("secret of CUST0000123456")

    monkeypatch.setattr(type(model.bundle), "predict", broken)
    monkeypatch.setattr(type(model), "describe", broken)
    client = make_client()
    answer = client.predict(BODY) if path == "/v1/predict" else client.ask("GET", path)
    assert answer.status == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert b"secret" not in answer.body
    assert "CUST0000123456" not in capfd.readouterr().err
    assert client.ask("GET", "/healthz").status == 200
