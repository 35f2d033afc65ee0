"""Logs as JSON lines on standard error. A customer's code never appears in them, whatever is logged."""

import asyncio
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Any

import msgspec

from retail_forecast.domain.columns import column

__all__ = ["JsonLines", "Request", "RequestLog", "log_settings"]

_CUSTOMER = re.compile(column("CUST_CODE").pattern.encode())
_HIDDEN = b"CUST-hidden"


class Request(msgspec.Struct, frozen=True, tag_field="event", tag="request"):
    """What is logged of a request: neither its query nor its body."""

    time: datetime
    request_id: str
    method: str
    path: str
    status: int
    duration_ms: float


_ENCODER = msgspec.json.Encoder()


class RequestLog:
    """Writes the lines of requests, those of one turn of the event loop at once; past `logging`, which would cost a
    tenth of a prediction. To be used from one event loop."""

    def __init__(self) -> None:
        self._requests: list[Request] = []

    def add(self, request: Request) -> None:
        """Take a request whose line is written before the next turn ends."""
        if not self._requests:
            asyncio.get_running_loop().call_soon(self._write)
        self._requests.append(request)

    def _write(self) -> None:
        requests, self._requests = self._requests, []
        sys.stderr.buffer.write(_CUSTOMER.sub(_HIDDEN, _ENCODER.encode_lines(requests)))
        sys.stderr.buffer.flush()


class JsonLines(logging.Formatter):
    """One JSON object a record: time, level, logger, event, the fields given as `extra={"fields": {...}}`, and the
    traceback of an error."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return _CUSTOMER.sub(_HIDDEN, msgspec.json.encode(entry)).decode()


def log_settings() -> dict[str, Any]:
    """Settings for `logging.config.dictConfig`."""
    logger = {"handlers": ["stderr"], "level": "INFO", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
        "loggers": {"_granian": dict(logger), "retail_forecast_server": dict(logger), "asyncio": dict(logger)},
    }
