"""The hot route: `POST /v1/predict` as a thin ASGI endpoint.

It stands inside the FastAPI app, but decodes and encodes by itself: validation by pydantic and the response classes
would cost more than the prediction. Small bodies are answered on the event loop, large ones in a thread, so that the
probes and small requests do not wait for them.
"""

import asyncio
from http import HTTPStatus
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope, Send

from retail_forecast.domain.settings import ServerSettings
from retail_forecast_server.answers import answer
from retail_forecast_server.models import Model, NoModel
from retail_forecast_server.problems import Problem

__all__ = ["Predict"]

_INLINE_BYTES = 1 << 16
"""About a hundred baskets, a few milliseconds."""

_TRUTH = {"true": True, "false": False}
_LONGEST = 200
"""A query comes from the client; a long one is not sent back whole [characters]."""

_JSON = b"application/json"
_HEADERS = (b"content-type", _JSON)


class Predict:
    """The endpoint.

    Parameters
    ----------
    model : what answers
    limits : of body, baskets and lines
    """

    def __init__(self, model: Model | NoModel, limits: ServerSettings) -> None:
        self._model = model
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises
        ------
        Problem : it is refused
        """
        model = self._model
        if isinstance(model, NoModel):
            raise model.refusal()
        _check_headers(scope, self._limits.max_body_bytes)
        body = await _read(receive, self._limits.max_body_bytes)
        explained = bool(scope["query_string"]) and _explained(scope["query_string"])
        if len(body) <= _INLINE_BYTES and not explained:
            payload = answer(body, model, self._limits)
        else:
            payload = await asyncio.to_thread(answer, body, model, self._limits, explained=explained)
        headers = [_HEADERS, (b"content-length", b"%d" % len(payload))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": payload})


def _explained(query: bytes) -> bool:
    """Whether `?explain=true` was asked for; other words are refused, so that a slip does not pass for nothing."""
    asked = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    for name, value in asked:
        if name != "explain" or value not in _TRUTH:
            raise Problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"The query {name}={value} is not known: ask with explain=true or explain=false."[:_LONGEST],
            )
    return any(_TRUTH[value] for _, value in asked)


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
