"""`retail-forecast predictions`: the log of what servers answered, on its way into the lake."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from retail_forecast.cli.console import emit
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace

__all__ = ["predictions"]

predictions = typer.Typer(
    help="Bring what servers answered into the lake.", add_completion=False, rich_markup_mode=None, no_args_is_help=True
)

Place = Annotated[
    str | None,
    typer.Option(metavar="PLACE", help="Of the objects: a folder, s3:// or az://; by default lake.predictions_uri."),
]


@predictions.command()
def upload(
    spool: Annotated[Path, typer.Argument(metavar="FOLDER", file_okay=False, help="The server's prediction_log.")],
    *,
    place: Place = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Make Parquet objects of the finished segments of a spool, and remove those."""
    from retail_forecast.pipeline.predictions import upload_predictions

    done = upload_predictions(workspace, spool, place)
    told = f"{done.segments:,} segments with {done.answers:,} answers uploaded"
    emit(asdict(done), json_output, lambda: typer.echo(told))


@predictions.command()
def commit(*, place: Place = None, workspace: Workspace = DEFAULT_WORKSPACE, json_output: JsonOutput = False) -> None:
    """Add uploaded objects to the lake's table of predictions, each once however often it is asked for."""
    from retail_forecast.pipeline.predictions import commit_predictions

    done = commit_predictions(workspace, place)
    told = f"{done.objects:,} objects with {done.answers:,} answers committed, {done.waiting:,} wait for one before"
    emit(asdict(done), json_output, lambda: typer.echo(told))
