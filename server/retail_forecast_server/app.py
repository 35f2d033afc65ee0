"""The app: routes over the models of all tasks. FastAPI holds the plain routes and the document, the hot route stands
beside them."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException
from starlette.routing import Route
from starlette.types import ASGIApp

from retail_forecast import __version__
from retail_forecast.domain.settings import ServerSettings
from retail_forecast_server.admin import add_admin
from retail_forecast_server.answers import Observer
from retail_forecast_server.batch import Batch, Either
from retail_forecast_server.catalogue import search
from retail_forecast_server.changing import Changer
from retail_forecast_server.guard import Guard
from retail_forecast_server.hot import COLUMNS, Predict, Service
from retail_forecast_server.keys import Keys
from retail_forecast_server.metrics import Metrics
from retail_forecast_server.page import BASKET, DOCS, Page
from retail_forecast_server.probes import Alive, Ready
from retail_forecast_server.problems import CONTENT_TYPE, Problem
from retail_forecast_server.schema import (
    INVOCATIONS,
    PREDICT,
    PREDICT_BATCH,
    PREDICT_COLUMNS,
    PRODUCT_QUERY,
    PRODUCTS,
    answer_response,
    problem_responses,
    product_responses,
    schema,
)
from retail_forecast_server.shelf import Shelf

__all__ = ["application"]

_UNREADY = problem_responses(HTTPStatus.SERVICE_UNAVAILABLE)
_ALIVE = answer_response("Alive", "It lives.")
_READY = answer_response("Ready", "It is.") | _UNREADY
_FIGURES: dict[int | str, dict[str, Any]] = {
    "200": {"description": "Counted.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}
_MODEL = answer_response("Shelved", "The models of all tasks, each with its manifest and digest.")

_LONGEST = 300
"""What is told of a query comes from the client; it is not sent back whole [characters]."""

Started = Callable[[], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def _nothing() -> AsyncIterator[None]:
    yield


def application(
    shelf: Shelf,
    limits: ServerSettings,
    metrics: Metrics,
    *,
    observers: Sequence[Observer] = (),
    changer: Changer | None = None,
    instance: str = "",
    started: Started = _nothing,
) -> Guard:
    """The ASGI app.

    Parameters
    ----------
    shelf : what answers
    limits : of requests, and the digests of the API keys
    metrics : counts what is answered
    observers : told of each request that was answered
    changer : changes models when it is asked to; without one there are no routes for that
    instance : name that /healthz echoes, by which a starter knows its own server
    started : entered when the server starts, left when it stops
    """
    app = _framework(started)
    service = Service(shelf, limits, (metrics.answered, *observers))
    hot = _hot(service)
    for path, endpoint in hot.items():
        app.router.routes.append(Route(path, endpoint, methods=["POST"], include_in_schema=False))
    _add_probes(app, shelf, instance)
    _add_metrics(app, metrics)
    _add_documents(app, shelf, limits)
    if changer is not None:
        add_admin(app, changer)
    endpoints = {("POST", path): endpoint for path, endpoint in hot.items()}
    routes = [route.path for route in app.routes if isinstance(route, Route)]
    keys = Keys(limits.api_key_sha256, limits.api_keys)
    return Guard(app, endpoints, routes, metrics, keys, limits)


def _framework(started: Started) -> FastAPI:
    """The app without routes: what refuses and fails inside leaves it as problem+json."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with started():
            yield

    app = FastAPI(
        title="retail-forecast",
        version=__version__,
        description="Price sensitivity of baskets.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
    )
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(Problem, _refused)
    app.add_exception_handler(RequestValidationError, _unfit)
    app.add_exception_handler(Exception, _failed)
    return app


def _hot(service: Service) -> dict[str, ASGIApp]:
    """The endpoints that answer baskets, by path."""
    batch = Batch(service)
    return {
        PREDICT: Predict(service),
        PREDICT_COLUMNS: Predict(service, COLUMNS),
        PREDICT_BATCH: batch,
        INVOCATIONS: Either(Predict(service), batch),
    }


def _add_probes(app: FastAPI, shelf: Shelf, instance: str) -> None:
    @app.get("/healthz", tags=["probes"], response_class=Response, responses=_ALIVE, summary="The process lives")
    async def healthz() -> Response:
        return _json(Alive(os.getpid(), instance))

    @app.get(
        "/readyz", tags=["probes"], response_class=Response, responses=_READY, summary="A verified model is loaded"
    )
    async def readyz() -> Response:
        return _json(Ready(shelf.get().version))

    @app.get("/ping", tags=["probes"], response_class=Response, responses=_READY, summary="The same, for SageMaker")
    async def ping() -> Response:
        return _json(Ready(shelf.get().version))


def _add_metrics(app: FastAPI, metrics: Metrics) -> None:
    @app.get("/metrics", tags=["probes"], response_class=Response, responses=_FIGURES, summary="Figures for Prometheus")
    async def figures() -> Response:
        metrics.settle()
        return Response(await asyncio.to_thread(metrics.exposition), headers={"content-type": CONTENT_TYPE_LATEST})


def _add_documents(app: FastAPI, shelf: Shelf, limits: ServerSettings) -> None:
    @app.get(
        "/model", tags=["model"], response_class=Response, responses=_MODEL, summary="What answers, with its figures"
    )
    async def describe() -> Response:
        return _json(shelf.describe())

    @app.get(
        PRODUCTS,
        tags=["model"],
        response_class=Response,
        responses=product_responses(),
        openapi_extra={"parameters": PRODUCT_QUERY},
        summary="Products that the default task's model knows, by part of their code",
    )
    async def products(request: Request) -> Response:
        return _json(await asyncio.to_thread(search, request.scope["query_string"], shelf.get()))

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return _json(schema(app, shelf.default, limits))

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        return _html(DOCS)

    @app.get("/", include_in_schema=False)
    async def basket() -> Response:
        return _html(BASKET)


def _html(page: Page) -> Response:
    return Response(page.text, media_type="text/html", headers={"content-security-policy": page.policy})


def _json(document: msgspec.Struct | Sequence[msgspec.Struct] | dict[str, Any]) -> Response:
    return Response(msgspec.json.encode(document), media_type="application/json")


async def _refused(_request: Request, error: Exception) -> Response:
    """A path or method that is not there, or a model that is not."""
    headers = {}
    if isinstance(error, HTTPException):
        headers = dict(error.headers or {})
        error = Problem(error.status_code, str(error.detail))
    assert isinstance(error, Problem)  # noqa: S101 - it is registered for nothing else
    return Response(error.body(), error.status, headers, media_type=CONTENT_TYPE.decode())


async def _unfit(_request: Request, error: Exception) -> Response:
    """A query that does not fit."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for nothing else
    (first, *_) = error.errors()
    problem = Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:_LONGEST])
    return Response(problem.body(), problem.status, media_type=CONTENT_TYPE.decode())


async def _failed(_request: Request, _error: Exception) -> Response:
    """A fault of the program, which the guard logs."""
    problem = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "A fault of the program; the log has it under the request id.")
    return Response(problem.body(), problem.status, media_type=CONTENT_TYPE.decode())
