"""The hot route: `POST /v1/predict` as a thin ASGI endpoint.

It stands inside the FastAPI app, but decodes and encodes by itself: validation by pydantic and the response classes
would cost more than the prediction. Small bodies are answered on the event loop, all of a turn together (`gathering`);
large ones in a thread, so that probes and small requests do not wait for them.
"""

import asyncio
import time
from collections.abc import Sequence
from http import HTTPStatus

from starlette.types import Receive, Scope, Send

from retail_forecast.bundle.scorer import Predictions
from retail_forecast.domain.basket import Basket
from retail_forecast.domain.settings import ServerSettings
from retail_forecast_server.answers import Answered, Observer, encoded, explained, predicted
from retail_forecast_server.asked import decoded
from retail_forecast_server.gathering import Gathering
from retail_forecast_server.models import Model
from retail_forecast_server.problems import Problem
from retail_forecast_server.query import read_query
from retail_forecast_server.shelf import Shelf

__all__ = ["Predict"]

_INLINE_BYTES = 1 << 16
"""About a hundred baskets, a few milliseconds."""

_JSON = b"application/json"
_HEADERS = (b"content-type", _JSON)

_Answer = tuple[Sequence[Basket], bytes, Predictions]


class Predict:
    """The endpoint.

    Parameters
    ----------
    shelf : what answers
    limits : of body, baskets and lines
    observers : told of each request that was answered, after its answer was sent
    """

    def __init__(self, shelf: Shelf, limits: ServerSettings, observers: Sequence[Observer] = ()) -> None:
        self._shelf = shelf
        self._limits = limits
        self._observers = tuple(observers)
        self._gathering = Gathering()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises
        ------
        Problem : it is refused
        """
        asked = read_query(scope["query_string"])
        model = self._shelf.get(asked.task)
        _check_headers(scope, self._limits.max_body_bytes)
        body = await _read(receive, self._limits.max_body_bytes)
        if len(body) <= _INLINE_BYTES and not asked.explain:
            baskets, payload, found = await self._answer_here(body, model)
        else:
            baskets, payload, found = await asyncio.to_thread(self._answer_aside, body, model, asked.explain)
        headers = [_HEADERS, (b"content-length", b"%d" % len(payload))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": payload})
        for observe in self._observers:
            observe(Answered(scope["request_id"], time.time(), model, baskets, found))

    async def _answer_here(self, body: bytes, model: Model) -> _Answer:
        asked = decoded(body, model.task, self._limits)
        found = await self._gathering.predict(model, asked.baskets)
        return asked.baskets, encoded(asked, model, found), found

    def _answer_aside(self, body: bytes, model: Model, explain: bool) -> _Answer:
        asked = decoded(body, model.task, self._limits)
        if explain:
            return asked.baskets, *explained(asked, model, self._limits.max_explained_lines)
        return asked.baskets, *predicted(asked, model)


def _check_headers(scope: Scope, limit: int) -> None:
    headers: dict[bytes, bytes] = dict(scope["headers"])
    kind = headers.get(b"content-type", b"").split(b";", 1)[0].strip().lower()
    if kind != _JSON:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The header Content-Type must be application/json.")
    if headers.get(b"content-encoding", b"identity") != b"identity":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The header Content-Encoding is not supported: send plain JSON."
        )
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) > limit:
        raise _too_large(limit)


async def _read(receive: Receive, limit: int) -> bytes:
    """The whole body, read no further than the limit."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body"):
        return _within(body, limit)
    parts, size = [body], len(body)
    while message.get("more_body"):
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
