"""Routes for those who look after the server: `POST /admin/reload` and `POST /admin/rollback`."""

import asyncio
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Query, Response

from retail_forecast.domain.tasks import Task
from retail_forecast_server.changing import Changer
from retail_forecast_server.schema import answer_response, problem_responses

__all__ = ["add_admin"]


_PROBLEMS = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.CONFLICT,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.SERVICE_UNAVAILABLE,
)


def add_admin(app: FastAPI, changer: Changer) -> None:
    """Add the routes to `app`; the answers tell what the worker answers with afterwards."""
    told = answer_response("Shelved", "What answers from now on.") | problem_responses(*_PROBLEMS)
    how: dict[str, Any] = {"tags": ["admin"], "response_class": Response, "responses": told}

    @app.post("/admin/reload", summary="Look for new champions at once, in all workers", **how)
    async def reload() -> Response:
        await asyncio.to_thread(changer.reload)
        return _shelved()

    @app.post("/admin/rollback", summary="Let the model before answer again, in all workers", **how)
    async def rollback(task: Task = Query(Task.BASKET)) -> Response:  # noqa: B008 - FastAPI reads it so
        await asyncio.to_thread(changer.roll_back, task)
        return _shelved()

    def _shelved() -> Response:
        return Response(msgspec.json.encode(changer.shelf.describe()), media_type="application/json")
