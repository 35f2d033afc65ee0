"""`retail-forecast tune`: search the settings of a learner on the validation window."""

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retail_forecast.cli.console import emit, told
from retail_forecast.cli.options import (
    DEFAULT_WORKSPACE,
    CloudName,
    Environment,
    JsonOutput,
    MadeLabels,
    Seed,
    TestFromWeek,
    TestToWeek,
    TrainFromWeek,
    TrainToWeek,
    Workspace,
    cloud_of,
    settings_of,
)
from retail_forecast.domain.tasks import Task

if TYPE_CHECKING:
    from retail_forecast.models.tuning import Told
    from retail_forecast.registry.tuned import Tuned

__all__ = ["tune"]


class Cloud(StrEnum):
    """Services that can search the same space."""

    SAGEMAKER = "sagemaker"
    AZUREML = "azureml"


Timeout = Annotated[
    float | None, typer.Option(min=0, metavar="SECONDS", help="Start no further trial after this time.")
]
Export = Annotated[
    Cloud | None, typer.Option(help="Only print the search space: ParameterRanges or a sweep's search_space.")
]


def tune(
    *,
    task: Annotated[Task, typer.Option(help="What the model looks at.")] = Task.BASKET,
    model: Annotated[str, typer.Option(help="Learner to tune.")] = "xgboost",
    trials: Annotated[int, typer.Option(min=1, help="Finished trials that the study is brought to.")] = 20,
    timeout: Timeout = None,
    train_from_week: TrainFromWeek = None,
    train_to_week: TrainToWeek = None,
    test_from_week: TestFromWeek = None,
    test_to_week: TestToWeek = None,
    seed: Seed = None,
    labels: MadeLabels = "given",
    export: Export = None,
    cloud: CloudName = None,
    environment: Environment = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Choose the settings of a model by macro F1 on the validation window; `train --tuned` then uses them.

    The windows are those that `train` would take with the same bounds. The same command goes on with a study that was
    interrupted, and adds trials to one that was not. With --cloud each trial is a job there.
    """
    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.train import Order
    from retail_forecast.pipeline.tune import tune as carry_out

    if export is not None:
        _export(task, model, export, json_output)
        return
    bounds = (train_from_week, train_to_week, test_from_week, test_to_week)
    order = Order(task, model, *bounds, seed, labels=labels, cloud=cloud_of(cloud))
    tuned = carry_out(
        workspace,
        settings_of(workspace, environment),
        order,
        trials=trials,
        timeout_s=timeout,
        clock=utc_now,
        tell=lambda trial: None if json_output else _tell(trial),
        log=told(json_output),
    )
    emit(_document(tuned), json_output, lambda: _show(tuned))


def _export(task: Task, model: str, cloud: Cloud, json_output: bool) -> None:
    import yaml

    from retail_forecast.models.search import azureml_space, sagemaker_ranges, search_space

    space = search_space(task, model)
    if cloud is Cloud.SAGEMAKER:
        ranges = {"ParameterRanges": sagemaker_ranges(space)}
        emit(ranges, json_output, lambda: typer.echo(json.dumps(ranges, indent=2)))
        return
    sweep = {"search_space": azureml_space(space)}
    emit(sweep, json_output, lambda: typer.echo(yaml.safe_dump(sweep, sort_keys=False), nl=False))


def _document(tuned: "Tuned") -> dict[str, Any]:
    return {
        "study": tuned.study,
        "task": str(tuned.task),
        "model": tuned.model,
        "trials": tuned.trials,
        "pruned": tuned.pruned,
        "best": {"value": tuned.value, "settings": tuned.settings},
        "windows": {name: [span.first, span.last] for name, span in _spans(tuned).items()},
        "lake_state": tuned.lake_state,
    }


def _spans(tuned: "Tuned") -> dict[str, Any]:
    return {"train": tuned.train, "validation": tuned.validation}


def _tell(told: "Told") -> None:
    value = "stopped early" if told.value is None else f"macro F1 {told.value:.4f}"
    best = "none" if told.best is None else f"{told.best:.4f}"
    typer.echo(f"Trial {told.number}: {value}, best so far {best}", err=True)


def _show(tuned: "Tuned") -> None:
    weeks = f"{tuned.validation.first} to {tuned.validation.last}"
    typer.echo(f"{tuned.study}: {tuned.trials} trials, {tuned.pruned} of them stopped early")
    typer.echo(f"Best: macro F1 {tuned.value:.4f} on the validation weeks {weeks}")
    for name, value in tuned.settings.items():
        typer.echo(f"  {name}: {value:.6g}" if isinstance(value, float) else f"  {name}: {value}")
    typer.echo(f"Next: retail-forecast train --task {tuned.task} --model {tuned.model} --tuned")
