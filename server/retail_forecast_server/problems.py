"""Problems: every refusal as `application/problem+json` (RFC 9457), with the fields at fault.

`errors` holds one entry per fault: what is wrong, and a JSON pointer (RFC 6901) to where it is in the body.
"""

import re
from http import HTTPStatus
from typing import Any

import msgspec

__all__ = ["CONTENT_TYPE", "Fault", "Problem", "ProblemDetails", "at_fault", "undecodable"]

CONTENT_TYPE = b"application/problem+json"

_PLACE = re.compile(r"(?s)(.*?)(?: - at `\$([^`]*)`)?")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_NAMED = re.compile(r"(?s)(?:unknown|required) field `(.+)`$|^`(\w+)`")

_LONGEST = 200
"""A field's name comes from the client; a long one is not sent back whole [characters]."""


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong with a request; `pointer` is where in the body."""

    detail: str
    pointer: str


class ProblemDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """The body of a refusal. `title` is the status in words, `detail` what to know about this one."""

    title: str
    status: int
    detail: str
    errors: tuple[Fault, ...] = ()


class Problem(Exception):
    """A request that is refused.

    Parameters
    ----------
    status : HTTP status
    detail : what is wrong and what to do
    faults : the fields at fault
    headers : to be sent along
    """

    def __init__(
        self, status: int, detail: str, faults: tuple[Fault, ...] = (), headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers
        self.details = ProblemDetails(HTTPStatus(status).phrase, status, detail, faults)

    def body(self) -> bytes:
        """The refusal as JSON."""
        return msgspec.json.encode(self.details)


def at_fault(detail: str, *steps: str | int) -> Problem:
    """422 for the field at `steps` of the body."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, (Fault(detail, _pointer(steps)),))


def undecodable(error: Exception) -> Problem:
    """What a decoder's error means: 422 with the field at fault when the JSON has the wrong shape, else 400.

    msgspec says where by a path such as `$[2].lines[0].quantity` at the end of its message, and names unknown and
    missing fields in its text.
    """
    if isinstance(error, UnicodeDecodeError):
        return Problem(HTTPStatus.BAD_REQUEST, "The body is not UTF-8.")
    if isinstance(error, RecursionError):
        return Problem(HTTPStatus.BAD_REQUEST, "The body is nested too deeply.")
    text, path = _parts(str(error))
    if not isinstance(error, msgspec.ValidationError):
        return Problem(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {text}.")
    steps: list[Any] = [name or int(number) for name, number in _STEP.findall(path)]
    if named := _NAMED.search(text):
        steps.append((named[1] or named[2])[:_LONGEST])
    return at_fault(text[:_LONGEST], *steps)


def _parts(message: str) -> tuple[str, str]:
    found = _PLACE.fullmatch(message)
    return (found[1], found[2] or "") if found else (message, "")


def _pointer(steps: tuple[str | int, ...]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
