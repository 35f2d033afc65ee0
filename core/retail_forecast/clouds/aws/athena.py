"""A question to Amazon Athena: started, followed, and its answer fetched page by page as a table.

The workgroup says where answers are kept and how much one question may scan; both are the environment's.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.jobs import Pause
from retail_forecast.domain.cloud import Tell
from retail_forecast.domain.errors import PlaceError, UsageError

__all__ = ["asked", "done"]

_SYNTAX = ("SYNTAX_ERROR", "COLUMN_NOT_FOUND", "TABLE_NOT_FOUND", "TYPE_MISMATCH", "FUNCTION_NOT_FOUND")
_SCANNED = "Bytes scanned limit was exceeded"

_KINDS: dict[str, tuple[pa.DataType, Callable[[str], Any]]] = {
    "tinyint": (pa.int64(), int),
    "smallint": (pa.int64(), int),
    "integer": (pa.int64(), int),
    "bigint": (pa.int64(), int),
    "float": (pa.float64(), float),
    "double": (pa.float64(), float),
    "boolean": (pa.bool_(), "true".__eq__),
    "date": (pa.date32(), date.fromisoformat),
}
"""By Athena's name of a type, ours and how a value is read; all others stay the text that Athena gives."""


def asked(
    account: Account, workgroup: str, database: str, question: str, tell: Tell, pause: Pause
) -> pa.RecordBatchReader:
    """The answer to a question in Athena's SQL, batch by batch.

    Parameters
    ----------
    tell : is told how much was scanned
    pause : between two looks at a question under way

    Raises
    ------
    UsageError : Athena does not understand the question
    PlaceError : AWS refused or could not be reached, or the question would scan more than the workgroup allows
    """
    name, about = _executed(account, workgroup, database, question, pause)
    scanned = about.get("Statistics", {}).get("DataScannedInBytes", 0)
    tell(f"query {name} scanned {scanned / 1e6:,.1f} MB")
    pages = account.pages("athena", "get_query_results", QueryExecutionId=name)
    first = next(pages)["ResultSet"]
    columns = first.get("ResultSetMetadata", {}).get("ColumnInfo", [])
    schema = pa.schema([(column["Name"], _kind(column)[0]) for column in columns])
    return pa.RecordBatchReader.from_batches(schema, _batches(schema, columns, first["Rows"][1:], pages))


def done(account: Account, workgroup: str, database: str, statement: str, pause: Pause) -> None:
    """Carry out a statement that answers nothing, such as one that makes a view; errors as of `asked`."""
    _executed(account, workgroup, database, statement, pause)


def _executed(
    account: Account, workgroup: str, database: str, statement: str, pause: Pause
) -> tuple[str, dict[str, Any]]:
    begun = account.call(
        "athena",
        "start_query_execution",
        QueryString=statement,
        QueryExecutionContext={"Database": database},
        WorkGroup=workgroup,
    )
    name = str(begun["QueryExecutionId"])
    return name, _ended(account, name, pause)


def _ended(account: Account, name: str, pause: Pause) -> dict[str, Any]:
    while True:
        about: dict[str, Any] = account.call("athena", "get_query_execution", QueryExecutionId=name)["QueryExecution"]
        status = about["Status"]
        if status["State"] == "SUCCEEDED":
            return about
        if status["State"] in ("FAILED", "CANCELLED"):
            raise _ill(name, status)
        pause()


def _ill(name: str, status: Mapping[str, Any]) -> PlaceError | UsageError:
    reason = status.get("StateChangeReason") or f"the query is {status['State']}"
    if any(code in reason for code in _SYNTAX):
        return UsageError(reason, where=name, mend="correct the question: it is in Athena's SQL, not in DuckDB's")
    if _SCANNED in reason:
        return PlaceError(
            reason,
            where=name,
            mend="ask for fewer columns or weeks, or raise athena_scan_limit_gb of the environment",
        )
    return PlaceError(reason, where=name, mend="repeat it; Athena's history of queries tells more")


def _batches(
    schema: pa.Schema, columns: Sequence[Mapping[str, Any]], rows: Sequence[Any], pages: Iterator[dict[str, Any]]
) -> Iterator[pa.RecordBatch]:
    readers = [_kind(column)[1] for column in columns]
    while True:
        cells = [[_value(row["Data"][place], read) for row in rows] for place, read in enumerate(readers)]
        if rows:
            yield pa.record_batch([pa.array(c, f.type) for c, f in zip(cells, schema, strict=True)], schema=schema)
        page = next(pages, None)
        if page is None:
            return
        rows = page["ResultSet"]["Rows"]


def _value(cell: Mapping[str, str], read: Callable[[str], Any]) -> Any:  # noqa: ANN401 - of its column's type
    return read(cell["VarCharValue"]) if "VarCharValue" in cell else None


def _kind(column: Mapping[str, Any]) -> tuple[pa.DataType, Callable[[str], Any]]:
    if column["Type"] == "decimal":
        return pa.decimal128(column["Precision"] or 38, column["Scale"]), Decimal
    return _KINDS.get(column["Type"], (pa.string(), str))
