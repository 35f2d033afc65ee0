"""GET /metrics counts what was answered, and what was refused for too much work."""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

from prometheus_client.parser import text_string_to_metric_families

from retail_forecast_server.metrics import Metrics
from retail_forecast_server.process import serving

if TYPE_CHECKING:
    import pytest
    from starlette.types import Message, Receive, Scope, Send
    from tests.server.conftest import Client, MakeClient

BODY: dict[str, Any] = {"lines": [{"prod_code": "PRD0000120", "quantity": 1, "spend_gbp": 1.0}]}


def _samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name.removeprefix("retail_forecast_"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _figure(text: str, name: str, **labels: str) -> float:
    return _samples(text).get((name, frozenset(labels.items())), 0.0)


def test_requests_and_predictions_are_counted(client: Client) -> None:
    client.predict(BODY)
    client.predict([BODY, BODY])
    client.predict(b"{")
    client.ask("GET", "/secret/CUST0000123456")
    answer = client.ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    text = answer.body.decode()
    assert _figure(text, "requests_total", route="/v1/predict", status="200") == 2
    assert _figure(text, "requests_total", route="/v1/predict", status="400") == 1
    assert _figure(text, "requests_total", route="other", status="404") == 1
    assert "CUST0000123456" not in text
    assert _figure(text, "request_seconds_count", route="/v1/predict") == 3
    assert _figure(text, "predictions_total", task="basket", label="UM") == 3
    assert _figure(text, "requests_in_flight") == 1, "the request for the figures itself"


def test_a_model_that_leaves_is_no_longer_in_force() -> None:
    metrics = Metrics()
    labels = {"task": "basket", "model_version": "run", "digest": "d"}
    metrics.model("basket", "run", "d", in_force=True)  # type: ignore[arg-type]
    assert _figure(metrics.exposition().decode(), "model_info", **labels) == 1
    metrics.model("basket", "run", "d", in_force=False)  # type: ignore[arg-type]
    assert _figure(metrics.exposition().decode(), "model_info", **labels) == 0


def test_who_comes_while_there_is_too_much_to_do_is_sent_away(make_client: MakeClient) -> None:
    client = make_client(max_in_flight=1)

    async def both() -> list[list[Message]]:
        first, second = _Slow(), _Slow()
        tasks = [asyncio.create_task(one.ask(client.app)) for one in (first, second)]
        await asyncio.sleep(0)
        await tasks[1]
        first.go.set()
        await tasks[0]
        return [first.sent, second.sent]

    answered, refused = asyncio.run(both())
    assert answered[0]["status"] == 200
    assert refused[0]["status"] == 503
    assert (b"retry-after", b"1") in refused[0]["headers"]
    assert _figure(client.ask("GET", "/metrics").body.decode(), "overload_refusals_total") == 1
    assert client.predict(BODY).status == 200


def test_a_body_that_does_not_arrive_is_not_waited_for(make_client: MakeClient) -> None:
    client, slow = make_client(request_timeout_s=0.05), _Slow()
    asyncio.run(slow.ask(client.app))
    assert slow.sent[0]["status"] == 408
    assert (b"connection", b"close") in slow.sent[0]["headers"]


class _Slow:
    """A request whose body comes when `go` is set."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.sent: list[Message] = []

    async def ask(self, app: Any) -> None:  # noqa: ANN401 - any ASGI app
        scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/predict",
            "query_string": b"",
            "headers": [(b"content-type", b"application/json")],
        }

        async def receive() -> Message:
            await self.go.wait()
            return {"type": "http.request", "body": json.dumps(BODY).encode(), "more_body": False}

        async def send(message: Message) -> None:
            self.sent.append(message)

        call: tuple[Receive, Send] = (receive, send)
        await app(scope, *call)


def _asked(url: str, body: bytes | None = None) -> str:
    request = Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - our own server
    with urlopen(request, timeout=20) as response:  # noqa: S310
        return str(response.read().decode())


def test_workers_add_up(tiny_bundle: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_FORECAST_SERVER__WORKERS", "2")
    with serving(bundle=tiny_bundle[0]) as url:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: _asked(f"{url}/v1/predict", json.dumps(BODY).encode()), range(40)))
        seen: set[int] = set()
        while len(seen) < 2:  # one may begin to listen later than the other
            seen.add(json.loads(_asked(f"{url}/healthz"))["pid"])
        texts = [_asked(f"{url}/metrics") for _ in range(4)]
    assert [_figure(text, "requests_total", route="/v1/predict", status="200") for text in texts] == [40.0] * 4
    version = tiny_bundle[0].name
    assert _figure(texts[0], "model_info", task="basket", model_version=version, digest=tiny_bundle[1]) == 1
