"""The OpenAPI document holds: whatever is made from it is answered as it says, and never by a fault of the program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

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
    from schemathesis.schemas import BaseSchema

CHECKED = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def described(model: Model, flat_model: Model, tmp_path_factory: pytest.TempPathFactory) -> BaseSchema:
    none, home = NoModel("it has no champion yet"), tmp_path_factory.mktemp("described")
    shelf = Shelf({Task.BASKET: model, Task.FLAT: flat_model, Task.COARSE: none, Task.ARRIVAL: none})
    metrics = Metrics()
    changer = Changer(shelf, Source(Path(home)), metrics, home)
    app = application(shelf, ServerSettings(), metrics, changer=changer)
    return schemathesis.openapi.from_asgi("/openapi.json", app)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/model"),
        ("GET", "/metrics"),
        ("POST", "/v1/predict"),
        ("POST", "/predict"),
        ("POST", "/invocations"),
        ("POST", "/admin/rollback"),
    ],
)
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_document_holds(described: BaseSchema, data: st.DataObject, method: str, path: str) -> None:
    case = data.draw(described[path][method].as_strategy())
    response = case.call()
    # 503 is what a task without a champion is answered; the document has it.
    assert response.status_code < 500 or response.status_code == 503
    case.validate_response(response, checks=CHECKED)
