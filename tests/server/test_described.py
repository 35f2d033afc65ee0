"""The OpenAPI document holds: whatever is made from it is answered as it says, and never by a fault of the program."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from retail_forecast.domain.settings import ServerSettings
from retail_forecast.domain.tasks import Task
from retail_forecast_server.app import application
from retail_forecast_server.changing import Changer
from retail_forecast_server.metrics import Metrics
from retail_forecast_server.models import Model, NoModel, Source
from retail_forecast_server.shelf import Shelf

if TYPE_CHECKING:
    from schemathesis import Case, SerializationContext
    from schemathesis.schemas import BaseSchema

CHECKED = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


KEY = "of the scope predict"

OPERATIONS = [
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/ping"),
    ("GET", "/model"),
    ("GET", "/metrics"),
    ("GET", "/v1/products"),
    ("POST", "/v1/predict"),
    ("POST", "/v1/predict/batch"),
    ("POST", "/predict"),
    ("POST", "/invocations"),
    ("POST", "/admin/reload"),
    ("POST", "/admin/rollback"),
]
STREAMS = ("application/x-ndjson", "application/vnd.apache.arrow.stream")


@schemathesis.serializer(*STREAMS)
def _streamed(_context: SerializationContext, value: object) -> bytes:
    """A stream of whatever text or bytes were made for it."""
    return getattr(value, "data", None) or str(value).encode()


Describe = Callable[[ServerSettings], "BaseSchema"]


@pytest.fixture(scope="module")
def describe(model: Model, flat_model: Model, tmp_path_factory: pytest.TempPathFactory) -> Describe:
    """What a server with these settings says of itself, to be asked through it."""
    none, home = NoModel("it has no champion yet"), tmp_path_factory.mktemp("described")

    def made(limits: ServerSettings) -> BaseSchema:
        shelf = Shelf({Task.BASKET: model, Task.FLAT: flat_model, Task.COARSE: none, Task.ARRIVAL: none})
        metrics = Metrics()
        changer = Changer(shelf, Source(Path(home)), metrics, home)
        return schemathesis.openapi.from_asgi("/openapi.json", application(shelf, limits, metrics, changer=changer))

    return made


@pytest.fixture(scope="module")
def described(describe: Describe) -> BaseSchema:
    return describe(ServerSettings())


@pytest.fixture(scope="module")
def locked(describe: Describe) -> BaseSchema:
    """The same behind keys."""
    return describe(ServerSettings(api_key_sha256=(sha256(KEY.encode()).hexdigest(),)))


def test_every_operation_is_tried(described: BaseSchema) -> None:
    paths = described.raw_schema["paths"]
    assert {(method.upper(), path) for path in paths for method in paths[path]} == set(OPERATIONS)


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_document_holds(described: BaseSchema, data: st.DataObject, method: str, path: str) -> None:
    _check(data.draw(described[path][method].as_strategy()))


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": KEY}], ids=["without a key", "with a key"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
@settings(max_examples=3, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_it_holds_where_keys_are_asked_for(
    locked: BaseSchema, data: st.DataObject, method: str, path: str, headers: dict[str, str]
) -> None:
    _check(data.draw(locked[path][method].as_strategy()), headers)


def _check(case: Case[Any], headers: dict[str, str] | None = None) -> None:
    response = case.call(headers=headers)
    # 503 is what a task without a champion is answered; the document has it.
    assert response.status_code < 500 or response.status_code == 503
    case.validate_response(response, checks=CHECKED)
