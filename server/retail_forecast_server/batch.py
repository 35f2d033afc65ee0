"""`POST /v1/predict/batch`: baskets as a stream, answered as a stream, in memory that does not grow with its length.

NDJSON has a basket a line, and an answer a line; a line that does not fit is answered by a problem that names it, and
the next ones all the same. An Arrow IPC stream (`arrow.py`) has a batch of answers for each of its batches. The work is
done in threads; the client is read only as fast as it is answered. Observers are told of each part that was answered.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator
from http import HTTPStatus
from io import BufferedReader

import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from retail_forecast.bundle.scorer import Predictions
from retail_forecast.domain.basket import Basket
from retail_forecast.domain.settings import ServerSettings
from retail_forecast_server.answers import Answered, encoded_lines
from retail_forecast_server.asked import check_basket, parsed
from retail_forecast_server.bridge import Bridge, Inlet, Outlet
from retail_forecast_server.hot import Service
from retail_forecast_server.models import Model
from retail_forecast_server.problems import Problem, ProblemDetails
from retail_forecast_server.query import read_query

__all__ = ["ARROW", "NDJSON", "Batch", "Either"]

NDJSON, ARROW = b"application/x-ndjson", b"application/vnd.apache.arrow.stream"
_AT_ONCE = 2048
_MOST = 4
_LINE = msgspec.json.Decoder(Basket)

Part = tuple[Collection[Basket], Predictions]
Work = Callable[[Bridge, Model, ServerSettings], Iterator[Part]]


class _LineProblem(msgspec.Struct, frozen=True):
    line: int
    problem: ProblemDetails


class Batch:
    """The endpoint."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one stream.

        Raises
        ------
        Problem : it is refused
        """
        query, kind = read_query(scope["query_string"]), kind_of(scope)
        if kind not in _WORK:
            told = (
                f"The header Content-Type must be {NDJSON.decode()} or {ARROW.decode()}, and the body not compressed."
            )
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, told)
        if query.explain:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "A stream is not explained: ask /v1/predict.")
        model = self._service.shelf.get(query.task)
        if self._running >= _MOST:
            told = f"{_MOST} streams are being answered: come back in a second."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, told, headers=((b"retry-after", b"1"),))
        limits = self._service.limits
        bridge = Bridge(receive, send, kind, limits.request_timeout_s, limits.max_batch_bytes)
        self._running += 1
        try:
            loop = asyncio.get_running_loop()
            await asyncio.to_thread(self._work, bridge, _WORK[kind], model, scope["request_id"], loop)
        finally:
            self._running -= 1
        await send({"type": "http.response.body", "body": b""})

    def _work(self, bridge: Bridge, work: Work, model: Model, request_id: str, loop: asyncio.AbstractEventLoop) -> None:
        first = 0
        try:
            for baskets, found in work(bridge, model, self._service.limits):
                bridge.mark()
                answered = Answered(request_id, time.time(), model, baskets, found, first)
                loop.call_soon_threadsafe(self._tell, answered)
                first += len(found.label)
        except Problem as problem:
            raise (bridge.problem or problem) from None

    def _tell(self, answered: Answered) -> None:
        for observe in self._service.observers:
            observe(answered)


class Either:
    """One path for both: JSON to one endpoint, streams to another."""

    def __init__(self, json: ASGIApp, stream: ASGIApp) -> None:
        self._json = json
        self._stream = stream

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await (self._stream if kind_of(scope) in _WORK else self._json)(scope, receive, send)


def kind_of(scope: Scope) -> bytes:
    """The type of a body that is not compressed; empty for one that is."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    if headers.get(b"content-encoding", b"identity") != b"identity":
        return b""
    return headers.get(b"content-type", b"").split(b";", 1)[0].strip().lower()


def _arrow(bridge: Bridge, model: Model, limits: ServerSettings) -> Iterator[Part]:
    # The library is loaded when somebody sends what it reads.
    from retail_forecast_server.arrow import answer_stream  # noqa: PLC0415

    outlet = Outlet(bridge)
    yield from answer_stream(BufferedReader(Inlet(bridge)), outlet, model, limits)
    outlet.send()


def _ndjson(bridge: Bridge, model: Model, limits: ServerSettings) -> Iterator[Part]:
    outlet, number = Outlet(bridge), 0
    for lines in _parts(bridge, limits.max_body_bytes):
        asked = [_asked(line, number + position, model, limits) for position, line in enumerate(lines, 1)]
        number += len(lines)
        baskets = [one for one in asked if isinstance(one, Basket)]
        if baskets:
            found = model.predict(baskets)
            answers = iter(encoded_lines(baskets, model, found))
        outlet.write(b"".join(one if isinstance(one, bytes) else next(answers) for one in asked))
        if baskets:
            yield baskets, found
    outlet.send()


def _asked(line: bytes, number: int, model: Model, limits: ServerSettings) -> Basket | bytes:
    """The basket of a line, or the line that answers one that does not fit."""
    if not line.strip():
        return b""
    try:
        basket = parsed(_LINE, line)
        check_basket(basket, model.task, limits)
    except Problem as problem:
        return msgspec.json.encode(_LineProblem(number, problem.details)) + b"\n"
    return basket


def _parts(bridge: Bridge, longest: int) -> Iterator[list[bytes]]:
    """The lines as they arrive, some at once."""
    rest = b""
    while True:
        arrived = bridge.read()
        if not arrived:
            break
        *lines, rest = (rest + arrived).split(b"\n")
        if len(rest) > longest:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A line is longer than {longest} bytes.")
        for first in range(0, len(lines), _AT_ONCE):
            yield lines[first : first + _AT_ONCE]
    if rest:
        yield [rest]


_WORK: dict[bytes, Work] = {NDJSON: _ndjson, ARROW: _arrow}
