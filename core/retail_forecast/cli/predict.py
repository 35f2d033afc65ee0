"""`retail-forecast predict`: answers for files of till lines or baskets, or for the baskets of the lake."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

import typer

from retail_forecast.cli.console import emit, progress, told
from retail_forecast.cli.options import (
    DEFAULT_WORKSPACE,
    CloudName,
    Environment,
    JsonOutput,
    Workspace,
    cloud_of,
    settings_of,
)
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
    cloud: CloudName = None,
    environment: Environment = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Answer for every basket of files, in order of first appearance, or of the lake, by week.

    A label is never read. With --cloud the baskets of the lake are answered there, by the same server that answers
    requests; the same command takes answers that are there already.
    """
    from retail_forecast.pipeline.predict import predict_files

    settings = settings_of(workspace, environment)
    if files:
        _require_none(from_week, to_week, engine, cloud)
        run_id, baskets = predict_files(workspace, settings, files, output, model=model, task=task)
    else:
        score = _here(engine, json_output) if cloud_of(cloud) is None else _elsewhere(engine, json_output)
        run_id, baskets = score(
            workspace, settings, output, model=model, task=task, from_week=from_week, to_week=to_week
        )
    document = {"baskets": baskets, "model_version": run_id, "task": str(task), "output": output}
    emit(document, json_output, lambda: typer.echo(f"{baskets:,} baskets answered by {run_id}: {output}"))


def _here(engine: str, json_output: bool) -> Callable[..., tuple[str, int]]:
    from retail_forecast.lake.engines import EngineName
    from retail_forecast.pipeline.scoring import predict_lake

    return partial(predict_lake, engine=EngineName(engine), progress=progress(json_output))


def _elsewhere(engine: str, json_output: bool) -> Callable[..., tuple[str, int]]:
    from retail_forecast.pipeline.transform_job import predict_elsewhere

    _require_none(engine=engine)
    return partial(predict_elsewhere, log=told(json_output))


def _require_none(
    from_week: int | None = None, to_week: int | None = None, engine: str = "duckdb", cloud: str | None = None
) -> None:
    """Raise unless the options of the lake are left alone.

    Raises
    ------
    UsageError : one is given
    """
    if (from_week, to_week, engine, cloud) != (None, None, "duckdb", None):
        raise UsageError(
            "weeks, cloud and engine concern the baskets of the lake, not files, and an engine those answered here",
            where="--from-week, --to-week, --engine, --cloud",
            mend="leave them out, or the files",
        )
