"""The ceiling of our server: a constant answer by plain ASGI under the same runner.

Usage: python ceiling_serve.py PORT.
"""

import sys

from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from starlette.types import Receive, Scope, Send

BODY = b'{"label":"MM","probabilities":{"LA":0.0,"MM":1.0,"UM":0.0,"XX":0.0}}'
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]


async def constant(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body, as an answer must, and answer the same to everything."""
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        await send({"type": "http.response.body", "body": BODY})


def main() -> None:
    server = Granian(
        "ceiling_serve:constant",
        port=int(sys.argv[1]),
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_level=LogLevels.warning,
        workers=1,
    )
    server.serve(target_loader=lambda: constant, wrap_loader=False)


if __name__ == "__main__":
    main()
