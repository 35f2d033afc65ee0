"""Formats of what the lake publishes: older ones are brought up to date when they are read, newer ones are refused.

A state says its own format and the version of each table's columns. States that stand in the journal are never
rewritten; the next one is published in the newest format, over tables that have all columns by then.
"""

from collections.abc import Callable, Mapping
from typing import Any

from retail_forecast.domain.errors import DataError
from retail_forecast.lake.schemas import SCHEMA_VERSIONS

__all__ = ["FORMAT", "upgraded"]

FORMAT = 2
"""Format of a lake state. 1: without format and schemas."""


def upgraded(entry: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The state `entry` in the newest format.

    Parameters
    ----------
    where : where it stands, for errors

    Raises
    ------
    DataError : it, or a table of it, was written by a newer release
    """
    found = dict(entry)
    while (now := found.get("format", 1)) < FORMAT:
        found = _STEPS[now](found)
    newer = [name for name, version in found["schemas"].items() if version > SCHEMA_VERSIONS.get(name, version)]
    if now > FORMAT or newer:
        what = f"format {now}" if now > FORMAT else f"newer columns of {', '.join(newer)}"
        raise DataError(
            f"the lake was written by a newer release: {what}", where=where, mend="use that release or a later one"
        )
    return found


def _with_schemas(entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {"format": 2, "schemas": dict.fromkeys(entry["tables"], 1)}


_STEPS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {1: _with_schemas}
