"""`retail-forecast quality`: the report on the data of one ingest."""

from typing import Annotated

import typer

from retail_forecast.cli.console import emit
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace

__all__ = ["quality"]


def quality(
    *,
    state: Annotated[
        int | None, typer.Option(metavar="NUMBER", min=1, help="State that the ingest led to; by default the newest.")
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Write the quality report on an ingest anew: what was put aside and why, remarks on its weeks, and their trend."""
    from retail_forecast.domain.settings import load_settings
    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.quality import report_quality
    from retail_forecast.report.incoming import document, told

    page, facts = report_quality(workspace, load_settings(workspace), state=state, now=utc_now())

    def show() -> None:
        typer.echo(told(facts))
        for remark in facts.remarks:
            typer.echo(f"  {remark.code} {remark.week}: {remark.what}")
        typer.echo(f"Quality report: {page}")

    emit(document(facts) | {"quality_report": str(page)}, json_output, show)
