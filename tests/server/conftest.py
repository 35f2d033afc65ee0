"""Apps over the tiny bundle, and a client that speaks ASGI to them, without a socket."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.types import ASGIApp, Message

from retail_forecast.domain.settings import ServerSettings
from retail_forecast.domain.tasks import Task
from retail_forecast_server.answers import Observer
from retail_forecast_server.app import application
from retail_forecast_server.changing import Changer
from retail_forecast_server.metrics import Metrics
from retail_forecast_server.models import Model, NoModel, Source, open_model
from retail_forecast_server.shelf import Shelf


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was answered
        return msgspec.json.decode(self.body)


class Client:
    """Sends a request to `app` in the given pieces and collects what it sends back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    def ask(
        self,
        method: str,
        path: str,
        *pieces: bytes,
        headers: Sequence[tuple[str, str]] = (),
        http: str = "1.1",
        query: str = "",
    ) -> Answer:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": http,
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "scheme": "http",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
            "state": {},
        }
        waiting = list(pieces) or [b""]
        sent: list[Message] = []

        async def receive() -> Message:
            piece = waiting.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(waiting)}

        async def send(message: Message) -> None:
            sent.append(message)

        async def call() -> None:
            await self.app(scope, receive, send)

        asyncio.run(call())
        headers_back = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], headers_back, b"".join(m.get("body", b"") for m in sent[1:]))

    def predict(
        self, body: bytes | object, *headers: tuple[str, str], query: str = "", path: str = "/v1/predict"
    ) -> Answer:
        payload = body if isinstance(body, bytes) else msgspec.json.encode(body)
        stated = [("Content-Type", "application/json"), *headers]
        return self.ask("POST", path, payload, headers=stated, query=query)


MakeClient = Callable[..., Client]


@pytest.fixture(scope="session")
def model(tiny_bundle: tuple[Path, str]) -> Model:
    return _opened(tiny_bundle[0], Task.BASKET)


@pytest.fixture(scope="session")
def flat_model(tiny_flat_bundle: tuple[Path, str]) -> Model:
    return _opened(tiny_flat_bundle[0], Task.FLAT)


def _opened(folder: Path, task: Task) -> Model:
    opened = open_model(Source(Path("unused"), folder), task)
    assert isinstance(opened, Model)
    return opened


@pytest.fixture
def make_client(model: Model, flat_model: Model, tmp_path: Path) -> MakeClient:
    def make(loaded: Model | NoModel | None = None, observers: Sequence[Observer] = (), **limits: Any) -> Client:
        none = NoModel("it has no champion yet")
        shelf = Shelf({Task.BASKET: loaded or model, Task.FLAT: flat_model, Task.COARSE: none, Task.ARRIVAL: none})
        metrics = Metrics()
        changer = Changer(shelf, Source(tmp_path), metrics, tmp_path)
        settings = ServerSettings(**limits)
        return Client(application(shelf, settings, metrics, observers=observers, changer=changer, instance="me"))

    return make


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    return make_client()
