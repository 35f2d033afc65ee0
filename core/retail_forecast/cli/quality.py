"""`retail-forecast quality`: the report on the data of one ingest."""

from typing import TYPE_CHECKING, Annotated

import typer

from retail_forecast.cli.console import emit
from retail_forecast.cli.options import DEFAULT_WORKSPACE, Environment, JsonOutput, Workspace, settings_of

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from retail_forecast.domain.settings import Settings

__all__ = ["quality"]


def quality(
    *,
    state: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="State that the ingest led to; by default the newest.")
    ] = None,
    send: Annotated[
        bool, typer.Option("--emit", help="Send drift and live accuracy of the newest week to CloudWatch as well.")
    ] = False,
    environment: Environment = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Write the quality report on an ingest anew: what was put aside and why, remarks on its weeks, and their trend."""
    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.quality import report_quality
    from retail_forecast.report.incoming import document, told

    settings, now = settings_of(workspace, environment), utc_now()
    page, facts = report_quality(workspace, settings, state=state, now=now)
    emitted = _emitted(workspace, settings, now) if send else {}

    def show() -> None:
        typer.echo(told(facts))
        for remark in facts.remarks:
            typer.echo(f"  {remark.code} {remark.week}: {remark.what}")
        for task, figures in emitted.items():
            for name, value in figures.items():
                typer.echo(f"Sent to CloudWatch: {name} of {task} {value:.4f}")
        typer.echo(f"Quality report: {page}")

    told_of = {"emitted": emitted} if send else {}
    emit(document(facts) | {"quality_report": str(page)} | told_of, json_output, show)


def _emitted(workspace: "Path", settings: "Settings", now: "datetime") -> dict[str, dict[str, float]]:
    from retail_forecast.domain.tasks import Task
    from retail_forecast.pipeline.emission import emit as send

    return {Task.BASKET.value: send(workspace, settings, Task.BASKET, now)}
