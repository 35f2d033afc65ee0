"""`retail-forecast sql`: a question in SQL about the lake."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retail_forecast.cli.console import emit, told
from retail_forecast.cli.options import DEFAULT_WORKSPACE, Environment, JsonOutput, Workspace, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

__all__ = ["sql"]


def sql(
    question: Annotated[str | None, typer.Argument(metavar="QUESTION", help="One SELECT, in quotes.")] = None,
    *,
    state: Annotated[int | None, typer.Option(metavar="N", help="State of the lake; by default the newest.")] = None,
    csv_output: Annotated[bool, typer.Option("--csv", help="Print all rows as CSV.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Rows of the table for people.")] = 40,
    athena: Annotated[
        str | None, typer.Option(metavar="S3_URI", help="Print the DDL of the same views for Athena instead.")
    ] = None,
    engine: Annotated[
        str,
        typer.Option(metavar="duckdb|athena", help="Who answers; Athena does in its own SQL."),
    ] = "duckdb",
    views: Annotated[
        bool, typer.Option("--views", help="Make the views in Athena that questions ask, or make them anew.")
    ] = False,
    environment: Environment = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Ask raw, silver, gold and quarantine in DuckDB's SQL, as one state of the lake holds them; nothing is changed.

    Example: retail-forecast sql "select label, count(*) from gold group by label"
    """
    from retail_forecast.domain.errors import UsageError

    if [question is not None, athena is not None, views].count(True) != 1 or (csv_output and json_output):
        raise UsageError(
            "give a question, --athena or --views, and one form of output",
            where="sql",
            mend='sql "select ..." --csv, or --json',
        )
    if views:
        _make_views(workspace, environment, json_output)
    elif athena is not None:
        _print_ddl(athena, json_output)
    elif question is not None:
        form = "csv" if csv_output else "json" if json_output else "table"
        if engine == "duckdb":
            _answer(workspace, question, state, limit, form)
        else:
            _ask_athena(workspace, question, state, limit, form, engine, environment)


def _print_ddl(location: str, json_output: bool) -> None:
    from retail_forecast.lake.athena import athena_ddl

    statements = athena_ddl(location)
    emit({"ddl": statements}, json_output, lambda: typer.echo("\n\n".join(f"{one};" for one in statements)))


def _make_views(workspace: "Workspace", environment: str | None, json_output: bool) -> None:
    from retail_forecast.pipeline.athena import make_views

    made = make_views(workspace, settings_of(workspace, environment))
    emit({"views": made}, json_output, lambda: typer.echo(f"made in Athena: {', '.join(made)}"))


def _answer(workspace: "Workspace", question: str, number: int | None, limit: int, form: str) -> None:
    from retail_forecast.domain.settings import load_settings
    from retail_forecast.lake.explore import answer
    from retail_forecast.pipeline.workspace import lake_path, lake_state

    settings, state = load_settings(workspace), lake_state(workspace, number)
    with answer(lake_path(workspace), state, question, settings.lake) as rows:
        _print(rows, {"state": state.number}, limit, form)


def _ask_athena(
    workspace: "Workspace",
    question: str,
    state: int | None,
    limit: int,
    form: str,
    engine: str,
    environment: str | None,
) -> None:
    from retail_forecast.domain.errors import UsageError
    from retail_forecast.pipeline.athena import ask_athena

    if engine != "athena":
        raise UsageError(f"there is no engine {engine!r}", where="--engine", mend="--engine duckdb or athena")
    if state is not None:
        raise UsageError(
            "Athena reads the newest version of each table, never a state",
            where="--state",
            mend="leave --state or --engine athena out",
        )
    rows = ask_athena(workspace, settings_of(workspace, environment), question, told(form == "json"))
    _print(rows, {"engine": engine}, limit, form)


def _print(rows: "pa.RecordBatchReader", about: dict[str, Any], limit: int, form: str) -> None:
    if form == "csv":
        _write_csv(rows)
    elif form == "json":
        columns = [{"name": field.name, "type": str(field.type)} for field in rows.schema]
        emit(about | {"columns": columns, "rows": list(_rows(rows))}, True, lambda: None)
    else:
        _show(rows, limit)


def _rows(batches: "Iterable[pa.RecordBatch]") -> "Iterable[list[Any]]":
    """Each row as plain values; columns may share a name."""
    for batch in batches:
        columns = [[_plain(value) for value in column.to_pylist()] for column in batch.columns]
        yield from map(list, zip(*columns, strict=True))


def _plain(value: Any) -> Any:  # noqa: ANN401 - any value of SQL
    """A value as JSON can say it; an amount becomes a number, what is not finite becomes nothing."""
    from decimal import Decimal
    from math import isfinite

    if isinstance(value, dict):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, float | Decimal):
        return float(value) if isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _write_csv(rows: "pa.RecordBatchReader") -> None:
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(rows.schema.names)
    writer.writerows(map(_cells, _rows(rows)))


def _cells(row: "list[Any]") -> "list[Any]":
    import json

    return [json.dumps(value) if isinstance(value, list | dict) else value for value in row]


def _show(rows: "pa.RecordBatchReader", limit: int) -> None:
    from itertools import islice

    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*map(escape, rows.schema.names), box=None, pad_edge=False, header_style="bold")
    shown = list(islice(_rows(rows), limit + 1))
    for row in shown[:limit]:
        table.add_row(*("" if cell is None else escape(str(cell)) for cell in _cells(row)))
    Console().print(table)
    if len(shown) > limit:
        typer.echo(f"Only the first {limit} rows are shown; --limit, --csv and --json show more.", err=True)
