"""`retail-forecast report`: the page for people about one run."""

from pathlib import Path
from typing import Annotated

import typer

from retail_forecast.cli.console import emit
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace
from retail_forecast.domain.tasks import Task

__all__ = ["report"]


def report(
    *,
    model: Annotated[str, typer.Option(metavar="champion|RUN_ID", help="Run to report on.")] = "champion",
    task: Annotated[Task, typer.Option(help="Task of the champion.")] = Task.BASKET,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", dir_okay=False, help="By default reports/report.html in the workspace."),
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Write one self-contained HTML file: data quality, figures with intervals, plots and lineage."""
    from retail_forecast.domain.settings import load_settings
    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.reporting import report_on

    path, run_id = report_on(workspace, load_settings(workspace), model, task, now=utc_now(), output=output)
    emit({"report": str(path), "run_id": run_id}, json_output, lambda: typer.echo(f"Report on {run_id}: {path}"))
