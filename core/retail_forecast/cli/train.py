"""`retail-forecast train`: fit, calibrate and measure one model on the lake."""

from typing import TYPE_CHECKING, Annotated

import typer

from retail_forecast.cli.compared import compared_document, show_compared
from retail_forecast.cli.console import emit, progress, told
from retail_forecast.cli.figures import run_document, show_findings, show_metrics
from retail_forecast.cli.options import (
    DEFAULT_WORKSPACE,
    MODEL_HELP,
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
    from retail_forecast.pipeline.train import Trained

__all__ = ["train"]


def train(
    *,
    task: Annotated[Task, typer.Option(help="What the model looks at.")] = Task.BASKET,
    model: Annotated[str, typer.Option(help=MODEL_HELP + ", or all.")] = "xgboost",
    train_from_week: TrainFromWeek = None,
    train_to_week: TrainToWeek = None,
    test_from_week: TestFromWeek = None,
    test_to_week: TestToWeek = None,
    seed: Seed = None,
    ship: Annotated[bool, typer.Option("--ship", help="Refit the measured model on every week.")] = False,
    tuned: Annotated[bool, typer.Option("--tuned", help="Use the settings that `tune` found.")] = False,
    labels: MadeLabels = "given",
    hosts: Annotated[int, typer.Option(min=1, max=64, help="Processes or hosts that learn together.")] = 1,
    cloud: CloudName = None,
    environment: Environment = None,
    curve: Annotated[bool, typer.Option("--curve", help="Learn from 4, 12 and 26 weeks as well.")] = False,
    with_segments: Annotated[
        bool | None,
        typer.Option(
            "--with-segments/--without-segments",
            help="Task arrival looks at seg_1 and seg_2. Default: the settings, without.",
        ),
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Fit, calibrate and measure a model, or all of them; each is kept as a bundle under its run's name.

    Without bounds the last 13 weeks of the lake are the test window, from which nothing is learned. Without any week
    after --train-to-week the figures are of the validation window, and named so. With --cloud the model is fitted
    there; the same command follows a job that runs already, and takes what one has made.
    """
    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.train import ALL, Order, train_all
    from retail_forecast.pipeline.train import train as train_one

    bounds = (train_from_week, train_to_week, test_from_week, test_to_week)
    order = Order(task, model, *bounds, seed, ship, tuned, labels, hosts, curve, with_segments, cloud_of(cloud))
    settings, bars, log = settings_of(workspace, environment), progress(json_output), told(json_output)
    if model == ALL:
        compared = train_all(workspace, settings, order, clock=utc_now, progress=bars, log=log)
        emit(compared_document(compared), json_output, lambda: show_compared(compared))
        return
    trained = train_one(workspace, settings, order, clock=utc_now, progress=bars, log=log)
    emit(run_document(trained.record, trained.warnings), json_output, lambda: _show(trained))


def _show(trained: "Trained") -> None:
    record = trained.record
    window = {"test": "test", "validation": "validation", "parent": "parent's test"}[record.metrics_from]
    counts = f"{record.train_baskets:,} baskets learned, {record.test_baskets:,} of the {window} window measured"
    show_metrics(f"{record.run_id}: {counts}", record.metrics, record.baselines)
    if record.label_source != "given":
        typer.echo(f"Labels: {record.label_source}, made by a rule; the figures say how well the rule was learned")
    if record.agreement:
        typer.echo(f"Agreement with the labels of the tills: macro F1 {record.agreement['model']['macro_f1']:.4f}")
    show_findings(record)
    for warning in trained.warnings:
        typer.echo(f"Warning: {warning}", err=True)
    typer.echo(f"Next: retail-forecast promote {record.run_id}")
