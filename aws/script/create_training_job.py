"""Start a training or tuning job on SageMaker, look at what would be asked for, follow it, or stop it.

    python aws/script/create_training_job.py --model xgboost --hosts 2 --dry-run
    python aws/script/create_training_job.py --model xgboost --hosts 2
    python aws/script/create_training_job.py --model xgboost --trials 20 --wait
    python aws/script/create_training_job.py --stop NAME

Options are those of `retail-forecast train --cloud aws` and `tune --cloud aws`, which take up what was started here,
measure it and keep it; with --wait they do so at once.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from retail_forecast.cli.console import emit, told
from retail_forecast.cli.main import run_script
from retail_forecast.cli.options import (
    DEFAULT_WORKSPACE,
    MODEL_HELP,
    Environment,
    JsonOutput,
    Seed,
    TestFromWeek,
    TestToWeek,
    TrainFromWeek,
    TrainToWeek,
    Workspace,
    settings_of,
)
from retail_forecast.cli.train import train
from retail_forecast.cli.tune import tune
from retail_forecast.clouds.aws.jobs import TRAINING, TUNING, Kind, stop
from retail_forecast.clouds.aws.outputs import account_of, outputs_of
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.pipeline.asked import asked_for
from retail_forecast.pipeline.order import Cloud, Order

__all__ = ["create_training_job"]


def create_training_job(
    *,
    task: Annotated[Task, typer.Option(help="What the model looks at.")] = Task.BASKET,
    model: Annotated[str, typer.Option(help=f"{MODEL_HELP}.")] = "xgboost",
    train_from_week: TrainFromWeek = None,
    train_to_week: TrainToWeek = None,
    test_from_week: TestFromWeek = None,
    test_to_week: TestToWeek = None,
    seed: Seed = None,
    hosts: Annotated[int, typer.Option(min=1, max=64, help="Hosts that learn together.")] = 1,
    trials: Annotated[int | None, typer.Option(min=1, help="Tune by so many jobs instead.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the requests; nothing is sent.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the job, and keep what it made.")] = False,
    stop_name: Annotated[str | None, typer.Option("--stop", metavar="NAME", help="Stop that job instead.")] = None,
    environment: Environment = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Start a training or tuning job on SageMaker; the same options find a job that was started before."""
    settings = settings_of(workspace, environment)
    if stop_name is not None:
        _stop(workspace, settings, TRAINING if trials is None else TUNING, stop_name, json_output)
        return
    bounds = (train_from_week, train_to_week, test_from_week, test_to_week)
    order = Order(task, model, *bounds, seed, hosts=hosts, cloud=Cloud.AWS)
    place, asked = asked_for(workspace, settings, order, told(json_output), trials=trials)
    if dry_run:
        emit({"requests": [one.request for one in asked]}, True, lambda: None)
        return
    names = [place.start(one).name for one in asked]
    if wait:
        _follow(order, trials, environment, workspace, json_output)
    else:
        emit({"jobs": names}, json_output, lambda: typer.echo("\n".join(names)))


def _follow(order: Order, trials: int | None, environment: str | None, workspace: Path, json_output: bool) -> None:
    """What the command does that takes up the jobs of `order`."""
    learn = partial(train, hosts=order.hosts) if trials is None else partial(tune, trials=trials)
    learn(
        task=order.task,
        model=order.model,
        train_from_week=order.train_from,
        train_to_week=order.train_to,
        test_from_week=order.test_from,
        test_to_week=order.test_to,
        seed=order.seed,
        cloud=Cloud.AWS,
        environment=environment,
        workspace=workspace,
        json_output=json_output,
    )


def _stop(workspace: Path, settings: Settings, kind: Kind, name: str, json_output: bool) -> None:
    stop(account_of(outputs_of(workspace, settings.aws)), kind, name)
    emit({"stopping": name}, json_output, lambda: typer.echo(f"{kind.title} {name} is stopping"))


if __name__ == "__main__":
    sys.exit(run_script(create_training_job, sys.argv[1:]))
