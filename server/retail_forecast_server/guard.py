"""The guard around the app: API keys, request ids, security headers, the log of requests, and no bare 500.

Everything that was refused or went wrong inside leaves as problem+json; a fault of the program is logged with its
traceback under the request's id, and tells the client no more than that id.
"""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import count

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from retail_forecast.domain.settings import ServerSettings
from retail_forecast_server.cors import allowed, answer_preflight
from retail_forecast_server.keys import ADMIN, PREDICT, Keys
from retail_forecast_server.logs import Request, log_requests
from retail_forecast_server.metrics import Metrics
from retail_forecast_server.problems import CONTENT_TYPE, Problem

__all__ = ["ADMIN_PATHS", "OPEN_PATHS", "Guard"]

OPEN_PATHS = frozenset({"/", "/healthz", "/readyz", "/ping", "/docs", "/openapi.json"})
"""Paths that need no key: probes have none, and pages and documentation tell nothing about the model or the data."""

ADMIN_PATHS = "/admin/"
"""What paths begin with that need a key of the scope admin."""

_LOG = logging.getLogger(__name__)
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")

_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
_NOTHING_LOADS = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")

_PROCESS = secrets.token_hex(8).encode()
_NUMBERS = count()
"""New request ids: what tells this process from others, and a number."""

_ELSEWHERE = "other"

Headers = Sequence[tuple[bytes, bytes]]


class Guard:
    """The outermost ASGI app.

    Parameters
    ----------
    app : what it stands around
    hot : endpoints that are reached past the app's own layers, by method and path
    routes : paths that requests are counted under; others are counted together
    metrics : counts requests
    keys : who may do what; while there are none, no key is asked for
    limits : of what is answered at once, and who is trusted
    """

    def __init__(
        self,
        app: ASGIApp,
        hot: Mapping[tuple[str, str], ASGIApp],
        routes: Collection[str],
        metrics: Metrics,
        keys: Keys,
        limits: ServerSettings,
    ) -> None:
        self._app = app
        self._hot = hot
        self._routes = frozenset(routes)
        self._metrics = metrics
        self._most = limits.max_in_flight
        self._in_flight = 0
        self._over: list[Request] = []
        self._accounting = False
        self._keys = keys
        self._trusted = limits.trusted_network
        self._origins = frozenset(origin.encode() for origin in limits.cors_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through."""
        if scope["type"] == "http":
            await self._guard(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        start, request_id, status = time.perf_counter(), _request_id(scope["headers"]), 0
        scope["request_id"] = request_id.decode()

        async def dress(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _dressed(message.get("headers", ()), request_id)
                if self._origins:
                    message["headers"] = (*message["headers"], *allowed(dict(scope["headers"]), self._origins))
            await send(message)

        self._metrics.in_flight += 1
        self._account_soon()
        try:
            if scope["method"] == "OPTIONS" and allowed(dict(scope["headers"]), self._origins):
                await answer_preflight(dress)
                return
            self._check_key(scope)
            hot = self._hot.get((scope["method"], scope["path"]))
            await (self._app(scope, receive, dress) if hot is None else self._admit(hot, scope, receive, dress))
        except Problem as problem:
            if status:
                # A stream that breaks off in the middle of its answer: there is no other way left to say so.
                _LOG.warning("stream broken off", extra={"fields": {"what": str(problem)}})
                raise
            await _refuse(problem, dress)
        except Exception:  # noqa: BLE001 - the outermost frame of a request: it is logged and answered, whatever it was
            _LOG.exception("fault", extra={"fields": {"request_id": request_id.decode()}})
            if not status:
                told = f"A fault of the program; the log has it under request id {request_id.decode()}."
                await _refuse(Problem(HTTPStatus.INTERNAL_SERVER_ERROR, told), dress)
        finally:
            self._metrics.in_flight -= 1
            taken_ms = round((time.perf_counter() - start) * 1000, 3)
            self._over.append(
                Request(datetime.now(UTC), scope["request_id"], scope["method"], scope["path"], status, taken_ms)
            )
            self._account_soon()

    def _account_soon(self) -> None:
        """Count and log what is over by the end of this turn of the event loop: all at once costs less than each by
        itself."""
        if not self._accounting:
            self._accounting = True
            asyncio.get_running_loop().call_soon(self._account)

    def _account(self) -> None:
        over, self._over, self._accounting = self._over, [], False
        routes = ((one.path if one.path in self._routes else _ELSEWHERE, one) for one in over)
        self._metrics.requests((route, one.status, one.duration_ms / 1000) for route, one in routes)
        self._metrics.settle()
        log_requests(over)

    async def _admit(self, hot: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer unless there is too much to do: who comes later is told so at once, and does not queue."""
        if self._in_flight >= self._most:
            self._metrics.refused.inc()
            raise Problem(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{self._most} requests are being answered: come back in a second.",
                headers=((b"retry-after", b"1"),),
            )
        self._in_flight += 1
        try:
            await hot(scope, receive, send)
        finally:
            self._in_flight -= 1

    def _check_key(self, scope: Scope) -> None:
        path = scope["path"]
        if path in OPEN_PATHS:
            return
        needed = ADMIN if path.startswith(ADMIN_PATHS) else PREDICT
        if not self._keys:
            if needed is ADMIN and self._trusted:
                raise Problem(HTTPStatus.FORBIDDEN, "Without keys of the scope admin nobody may do that.")
            return
        scopes = self._keys.scopes(_key(scope["headers"]))
        if not scopes:
            raise Problem(
                HTTPStatus.UNAUTHORIZED,
                "An API key is needed: send it as `Authorization: Bearer KEY` or `X-API-Key: KEY`.",
                headers=((b"www-authenticate", b"Bearer"),),
            )
        if needed not in scopes:
            raise Problem(HTTPStatus.FORBIDDEN, f"The key has not the scope {needed}.")


async def _refuse(problem: Problem, send: Send) -> None:
    body = problem.body()
    headers = [(b"content-type", CONTENT_TYPE), (b"content-length", b"%d" % len(body)), *problem.headers]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _dressed(headers: Headers, request_id: bytes) -> Headers:
    own_policy = _NOTHING_LOADS[0] in dict(headers)
    return [*headers, *_SECURITY, *(() if own_policy else (_NOTHING_LOADS,)), (b"x-request-id", request_id)]


def _request_id(headers: Headers) -> bytes:
    """The client's own id when it is harmless, else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value
    return b"%s-%x" % (_PROCESS, next(_NUMBERS))


def _key(headers: Headers) -> bytes:
    found = dict(headers)
    scheme, _, token = found.get(b"authorization", b"").partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else found.get(b"x-api-key", b"")
