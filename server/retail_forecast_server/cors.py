"""Which pages of other origins may call the server from a browser: none, unless the settings name them."""

from collections.abc import Mapping

from starlette.types import Send

__all__ = ["allowed", "answer_preflight"]

_LASTS_S = b"600"

Headers = tuple[tuple[bytes, bytes], ...]


def allowed(headers: Mapping[bytes, bytes], origins: frozenset[bytes]) -> Headers:
    """What an answer tells the browser of a page whose origin is among `origins`."""
    origin = headers.get(b"origin")
    return ((b"access-control-allow-origin", origin), (b"vary", b"origin")) if origin in origins and origin else ()


async def answer_preflight(send: Send) -> None:
    """Answer a browser that asks, before a request, whether it may send it."""
    headers = (
        (b"access-control-allow-methods", b"GET, POST"),
        (b"access-control-allow-headers", b"authorization, content-type, x-api-key, x-request-id"),
        (b"access-control-max-age", _LASTS_S),
        (b"content-length", b"0"),
    )
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
