"""`retail-forecast predict`: answers for files of till lines or baskets."""

from pathlib import Path
from typing import Annotated

import typer

from retail_forecast.cli.console import emit
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace
from retail_forecast.domain.tasks import Task

__all__ = ["predict"]


def predict(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...", exists=True, dir_okay=False, help="CSV or CSV.gz of till lines, or JSONL of baskets."
        ),
    ],
    *,
    output: Annotated[Path, typer.Option(metavar="FILE", dir_okay=False, help="Answers: .parquet, .csv or .jsonl.")],
    model: Annotated[str, typer.Option(metavar="champion|RUN_ID", help="Which model.")] = "champion",
    task: Annotated[Task, typer.Option(help="Task of the model.")] = Task.BASKET,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Answer for every basket of the files, in order of first appearance. A label column is never read."""
    from retail_forecast.domain.settings import load_settings
    from retail_forecast.pipeline.predict import predict_files

    run_id, baskets = predict_files(workspace, load_settings(workspace), files, output, model=model, task=task)
    document = {"baskets": baskets, "model_version": run_id, "task": str(task), "output": str(output)}
    emit(document, json_output, lambda: typer.echo(f"{baskets:,} baskets answered by {run_id}: {output}"))
