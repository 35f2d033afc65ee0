"""The hot routes: `POST /v1/predict` and its like as thin ASGI endpoints.

They stand inside the FastAPI app, but decode and encode by themselves: validation by pydantic and the response classes
would cost more than the prediction. Small bodies are answered on the event loop, together (`gathering`);
large ones in a thread, so that probes and small requests do not wait for them.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.types import Receive, Scope, Send

from retail_forecast.bundle.scorer import Predictions
from retail_forecast.domain.settings import ServerSettings
from retail_forecast.domain.tasks import Task
from retail_forecast_server.answers import Answered, Observer, encoded, explained
from retail_forecast_server.asked import Asked, decoded
from retail_forecast_server.columns import columns_encoded, columns_read
from retail_forecast_server.deadlines import Deadlines
from retail_forecast_server.gathering import Gathering
from retail_forecast_server.models import Model
from retail_forecast_server.problems import Problem
from retail_forecast_server.query import NOTHING, read_query
from retail_forecast_server.shelf import Shelf

__all__ = ["COLUMNS", "LINES", "Dialect", "Predict", "Service"]

_INLINE_BYTES = 1 << 16
"""About a hundred baskets, a few milliseconds."""

_JSON = b"application/json"
_HEADERS = (b"content-type", _JSON)

_Answer = tuple[Asked, bytes, Predictions]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What an endpoint speaks.

    Attributes
    ----------
    read : the baskets of a body
    write : the body of an answer
    task : the only task it asks; None where the query picks one, and may ask why
    """

    read: Callable[[bytes, Task, ServerSettings], Asked]
    write: Callable[[Asked, Model, Predictions], bytes]
    task: Task | None = None


LINES = Dialect(decoded, encoded)
"""Baskets with their lines, as everywhere else."""

COLUMNS = Dialect(columns_read, columns_encoded, Task.FLAT)
"""The nine columns of the specification."""


@dataclass(frozen=True, slots=True)
class Service:
    """What all endpoints share.

    Attributes
    ----------
    shelf : what answers
    limits : of body, baskets and lines
    observers : told of each request that was answered, after its answer was sent
    """

    shelf: Shelf
    limits: ServerSettings
    observers: tuple[Observer, ...] = ()
    gathering: Gathering = field(default_factory=Gathering)


class Predict:
    """An endpoint that answers baskets in JSON."""

    def __init__(self, service: Service, dialect: Dialect = LINES) -> None:
        self._service = service
        self._dialect = dialect
        self._bodies = Deadlines(service.limits.request_timeout_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises
        ------
        Problem : it is refused
        """
        limits = self._service.limits
        query = read_query(scope["query_string"])
        if self._dialect.task and query != NOTHING:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{scope['path']} takes no query.")
        model = self._service.shelf.get(self._dialect.task or query.task)
        length = _stated_length(scope, limits.max_body_bytes)
        body = await read_body(receive, limits.max_body_bytes, self._bodies, length)
        if len(body) <= _INLINE_BYTES and not query.explain:
            asked, payload, found = await self._answer_here(body, model)
        else:
            asked, payload, found = await self._answer_in_time(body, model, query.explain)
        headers = [_HEADERS, (b"content-length", b"%d" % len(payload))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": payload})
        for observe in self._service.observers:
            observe(Answered(scope["request_id"], time.time(), model, asked.baskets, found))

    async def _answer_here(self, body: bytes, model: Model) -> _Answer:
        asked = self._dialect.read(body, model.task, self._service.limits)
        found = await self._service.gathering.predict(model, asked.baskets)
        return asked, self._dialect.write(asked, model, found), found

    async def _answer_in_time(self, body: bytes, model: Model, explain: bool) -> _Answer:
        try:
            async with asyncio.timeout(self._service.limits.request_timeout_s):
                return await asyncio.to_thread(self._answer_aside, body, model, explain)
        except TimeoutError:
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The answer took too long: send fewer baskets at once, or come back later.",
                headers=((b"retry-after", b"1"),),
            ) from None

    def _answer_aside(self, body: bytes, model: Model, explain: bool) -> _Answer:
        asked = self._dialect.read(body, model.task, self._service.limits)
        if explain:
            return asked, *explained(asked, model, self._service.limits.max_explained_lines)
        found = model.predict(asked.baskets)
        return asked, self._dialect.write(asked, model, found), found


def _stated_length(scope: Scope, limit: int) -> int | None:
    """The length of a body of plain JSON, when it is told beforehand.

    Raises
    ------
    Problem : it is something else, or too large
    """
    headers: dict[bytes, bytes] = dict(scope["headers"])
    kind = headers.get(b"content-type", b"")
    if kind != _JSON and kind.split(b";", 1)[0].strip().lower() != _JSON:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The header Content-Type must be application/json.")
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The header Content-Encoding is not supported: send plain JSON."
        )
    stated = headers.get(b"content-length", b"")
    length = int(stated) if stated.isdigit() else None
    if length is not None and length > limit:
        raise _too_large(limit)
    return length


async def read_body(receive: Receive, limit: int, deadlines: Deadlines, length: int | None = None) -> bytes:
    """The whole body, read no further than the limit and no longer than `deadlines` allow.

    Parameters
    ----------
    length : of the body, where it is known: the message that says that nothing follows is then not waited for

    Raises
    ------
    Problem : it is too large, or too slow
    """
    try:
        return await deadlines.within(_read(receive, limit, length))
    except TimeoutError:
        raise Problem(
            HTTPStatus.REQUEST_TIMEOUT, "The body did not arrive in time.", headers=((b"connection", b"close"),)
        ) from None


async def _read(receive: Receive, limit: int, length: int | None) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if len(body) == length or not message.get("more_body"):
        return _within(body, limit)
    parts, size = [body], len(body)
    while size != length and message.get("more_body"):
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise _too_large(limit)
    return b"".join(parts)


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> Problem:
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body is larger than {limit} bytes: send fewer baskets at once.",
        headers=((b"connection", b"close"),),
    )
