"""`retail-forecast evaluate`: figures of a model on weeks of the lake."""

from dataclasses import asdict
from typing import Annotated

import typer

from retail_forecast.cli.console import emit
from retail_forecast.cli.figures import headline, show_metrics
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace
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
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Score the baskets of some weeks with a bundle and compare with their labels."""
    from retail_forecast.domain.settings import load_settings
    from retail_forecast.pipeline.evaluate import evaluate_weeks

    found = evaluate_weeks(workspace, load_settings(workspace), model, task, from_week=from_week, to_week=to_week)
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
