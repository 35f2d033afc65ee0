"""`retail-forecast customers`: what is known of each customer as of a week."""

from pathlib import Path
from typing import Annotated

import typer

from retail_forecast.cli.console import emit
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace

__all__ = ["customers"]


def customers(
    *,
    as_of_week: Annotated[int, typer.Option(metavar="YYYYWW", help="Last week whose baskets count.")],
    output: Annotated[Path, typer.Option(metavar="FILE", dir_okay=False, help="Rows: .parquet or .csv.")],
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Baskets, spend, shares of LA, MM, UM and XX, and recency of every customer, by the baskets known as of a week."""
    from retail_forecast.pipeline.customers import write_customers

    count, baskets = write_customers(workspace, output, as_of_week=as_of_week)
    document = {"as_of_week": as_of_week, "customers": count, "baskets": baskets, "output": str(output)}
    emit(
        document,
        json_output,
        lambda: typer.echo(f"{count:,} customers with {baskets:,} baskets as of week {as_of_week}: {output}"),
    )
