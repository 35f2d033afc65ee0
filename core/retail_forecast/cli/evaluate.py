"""`retail-forecast evaluate`: figures of a model on weeks of the lake."""

from dataclasses import asdict
from typing import Annotated

import typer

from retail_forecast.cli.console import emit, told
from retail_forecast.cli.figures import headline, show_metrics
from retail_forecast.cli.options import (
    DEFAULT_WORKSPACE,
    CloudName,
    Environment,
    JsonOutput,
    Workspace,
    cloud_of,
    settings_of,
)
from retail_forecast.domain.tasks import Task

__all__ = ["evaluate"]


def evaluate(
    *,
    model: Annotated[str, typer.Option(metavar="champion|RUN_ID", help="Which model.")] = "champion",
    task: Annotated[Task, typer.Option(help="Task of the model.")] = Task.BASKET,
    from_week: Annotated[
        int | None, typer.Option(metavar="YYYYWW", help="First week; by default the one after the model's last.")
    ] = None,
    to_week: Annotated[int | None, typer.Option(metavar="YYYYWW", help="Last week; by default the newest.")] = None,
    cloud: CloudName = None,
    environment: Environment = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Score the baskets of some weeks with a bundle and compare with their labels.

    With --cloud a job there does it, over a lake and a registry that lie on S3.
    """
    settings = settings_of(workspace, environment)
    if cloud_of(cloud) is None:
        from retail_forecast.pipeline.evaluate import evaluate_weeks

        found = evaluate_weeks(workspace, settings, model, task, from_week=from_week, to_week=to_week)
    else:
        from retail_forecast.pipeline.evaluation_job import evaluate_elsewhere

        bounds, log = {"from_week": from_week, "to_week": to_week}, told(json_output)
        found = evaluate_elsewhere(workspace, settings, model, task, **bounds, log=log)
    document = {
        **{key: value for key, value in asdict(found).items() if key != "figures"},
        "metrics": headline(found.figures.metrics),
        "intervals": {name: [i.lower, i.upper] for name, i in found.figures.intervals.items()},
        "baskets": found.figures.baskets,
    }

    def show() -> None:
        show_metrics(f"{found.run_id} on weeks {found.weeks[0]} to {found.weeks[-1]}", found.figures.metrics)
        if found.learned_weeks:
            typer.echo(
                f"Warning: the model learned up to week {found.learned_weeks[-1]}; figures on such weeks flatter",
                err=True,
            )

    emit(document, json_output, show)
