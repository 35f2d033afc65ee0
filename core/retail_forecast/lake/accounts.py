"""What an ingest did, for people, scripts and the report of data quality."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import obstore

from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.objects import read
from retail_forecast.clouds.opening import open_store
from retail_forecast.lake.difference import Difference
from retail_forecast.lake.examples import Example

__all__ = ["Acceptance", "IngestReport", "Refusal", "keep_report", "read_report"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A file that was refused: its path, the code, why, and what to do."""

    file: str
    code: str
    reason: str
    mend: str


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A file that was taken in although a rule of whole files spoke against it: its path, the code, and why."""

    file: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class IngestReport:
    """The account of one call.

    Attributes
    ----------
    files : files taken in
    rows_read, rows_silver, rows_quarantined, baskets : of those files
    refused : files that were left where they are
    accepted : files among those taken in of which a refusal was overruled
    unchanged : files that the lake holds already
    weeks : fiscal weeks that were written
    replaced : those of them that the lake held before
    new_columns : columns beside the contract's that silver had not carried before
    corrections : what their replacement changed in silver
    misfits : by rule and week, how many do not keep what has held without exception
    reasons : rows in quarantine for each code; a row counts under all its codes
    examples : the first rows that break each rule
    state : number of the lake's state afterwards; None while the lake is empty
    versions : version of every table in that state
    seconds : how long it took [s]
    """

    files: int
    rows_read: int
    rows_silver: int
    rows_quarantined: int
    baskets: int
    refused: tuple[Refusal, ...]
    accepted: tuple[Acceptance, ...]
    unchanged: tuple[str, ...]
    weeks: tuple[int, ...]
    replaced: tuple[int, ...]
    new_columns: tuple[str, ...]
    corrections: Difference
    misfits: Mapping[str, Mapping[int, int]]
    reasons: Mapping[str, int]
    examples: Mapping[str, tuple[Example, ...]]
    state: int | None
    versions: Mapping[str, int]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The report as a JSON document."""
        document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return document


def keep_report(root: Address, report: IngestReport) -> None:
    """Write the report of the state it led to, at `reports/<state>.json` of the lake at `root`."""
    payload = msgspec.json.format(msgspec.json.encode(report.to_dict()), indent=2)
    obstore.put(open_store(root), _path(report.state), payload)


def read_report(root: Address, state: int) -> dict[str, Any] | None:
    """The report of the call that led to `state`; None if its writer ended before it could keep one."""
    try:
        document: dict[str, Any] = msgspec.json.decode(read(open_store(root), _path(state)))
    except FileNotFoundError:
        return None
    return document


def _path(state: int | None) -> str:
    return f"reports/{state}.json"
