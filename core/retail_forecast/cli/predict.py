"""`retail-forecast predict`: answers for files of till lines or baskets, or for the baskets of the lake."""

from typing import Annotated, Literal

import typer

from retail_forecast.cli.console import emit, progress
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.tasks import Task

__all__ = ["predict"]


def predict(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE...]",
            help="CSV or CSV.gz of till lines, JSONL of baskets, or a folder of them in a store; without any, the "
            "baskets of the lake.",
        ),
    ] = None,
    *,
    output: Annotated[str, typer.Option(metavar="FILE|URI", help="Answers: .parquet, .csv or .jsonl.")],
    model: Annotated[str, typer.Option(metavar="champion|RUN_ID", help="Which model.")] = "champion",
    task: Annotated[Task, typer.Option(help="Task of the model.")] = Task.BASKET,
    from_week: Annotated[int | None, typer.Option(metavar="YYYYWW", help="First week of the lake.")] = None,
    to_week: Annotated[int | None, typer.Option(metavar="YYYYWW", help="Last week of the lake.")] = None,
    engine: Annotated[
        Literal["duckdb", "spark"], typer.Option(help="What answers for the lake: this process, or Spark.")
    ] = "duckdb",
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Answer for every basket of files, in order of first appearance, or of the lake, by week.

    A label is never read.
    """
    from retail_forecast.domain.settings import load_settings
    from retail_forecast.lake.engines import EngineName
    from retail_forecast.pipeline.predict import predict_files
    from retail_forecast.pipeline.scoring import predict_lake

    settings = load_settings(workspace)
    if files:
        _require_none(from_week, to_week, engine)
        run_id, baskets = predict_files(workspace, settings, files, output, model=model, task=task)
    else:
        run_id, baskets = predict_lake(
            workspace,
            settings,
            output,
            model=model,
            task=task,
            from_week=from_week,
            to_week=to_week,
            engine=EngineName(engine),
            progress=progress(json_output),
        )
    document = {"baskets": baskets, "model_version": run_id, "task": str(task), "output": output}
    emit(document, json_output, lambda: typer.echo(f"{baskets:,} baskets answered by {run_id}: {output}"))


def _require_none(from_week: int | None, to_week: int | None, engine: str) -> None:
    """Raise unless the options of the lake are left alone.

    Raises
    ------
    UsageError : one is given
    """
    if (from_week, to_week, engine) != (None, None, "duckdb"):
        raise UsageError(
            "weeks and engine concern the baskets of the lake, not files",
            where="--from-week, --to-week, --engine",
            mend="leave them out, or the files",
        )
