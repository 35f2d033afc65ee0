"""What an order asks a cloud for, before anything is sent: the job that `train` or `tune` starts with."""

from pathlib import Path

from retail_forecast.clouds.local_hosts import Log
from retail_forecast.domain.settings import Settings
from retail_forecast.pipeline.elsewhere import Asked, SageMaker, sagemaker
from retail_forecast.pipeline.learning import Run, choose
from retail_forecast.pipeline.material import read_material
from retail_forecast.pipeline.order import Order, windows_of
from retail_forecast.pipeline.tune import elsewhere, study_of
from retail_forecast.pipeline.workspace import lake_state

__all__ = ["asked_for"]


def asked_for(
    workspace: Path, settings: Settings, order: Order, log: Log, *, trials: int | None = None
) -> tuple[SageMaker, tuple[Asked, ...]]:
    """The place to ask, and the first training job of `order`, or its tuning by so many `trials`.

    They are the very jobs that `train` or `tune` asks for by the same order: what was started by one is taken up by the
    other.

    Raises
    ------
    DataError : the lake is empty, or a file of customers does not fit
    UsageError : the order does not fit, or the environment does not allow such jobs
    """
    if trials is not None:
        return elsewhere(workspace, study_of(workspace, settings, order), trials, None, log)
    choice, state = choose(workspace, settings, order), lake_state(workspace)
    windows = windows_of(order, settings, state)
    run = Run(order, choice, read_material(workspace, settings, order.labels, state, windows), log)
    place = sagemaker(workspace, choice.settings, order.hosts, log)
    rows = run.material.rows(windows.train, windows.validation if windows.test else None)
    return place, (place.training(run.job(place, run.gold(windows), rows)),)
