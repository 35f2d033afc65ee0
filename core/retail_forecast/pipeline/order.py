"""An order: what to train, and on which weeks."""

from dataclasses import dataclass
from enum import StrEnum

from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.state import LakeState
from retail_forecast.models.windows import split_weeks
from retail_forecast.pipeline.labelling import GIVEN
from retail_forecast.registry.record import Windows

__all__ = ["ALL", "Cloud", "Order", "windows_of"]

ALL = "all"
"""In the place of a model: every learner that can serve the task."""


class Cloud(StrEnum):
    """Clouds whose hosts can learn."""

    AWS = "aws"


@dataclass(frozen=True, slots=True)
class Order:
    """What to train.

    Attributes
    ----------
    task, model : task, and name of the learner, or ALL
    train_from, train_to, test_from, test_to : bounds of the windows, YYYYWW; None leaves them to the settings
    seed : of every random choice; None takes the settings'
    ship : refit the measured model on every week, and return the refit
    tuned : take the settings that `tune` found for the task and the learner
    labels : "given", "price-tiers" or a file of customers (`labelling.labels_of`)
    hosts : processes of this machine, or hosts of the cloud, that learn together, each from its share of the baskets
    cloud : whose hosts learn; None for this machine
    segments : whether the task `arrival` looks at seg_1 and seg_2; None leaves it to the settings
    curve : learn from fewer weeks as well, to show what the weeks bring
    """

    task: Task
    model: str
    train_from: int | None = None
    train_to: int | None = None
    test_from: int | None = None
    test_to: int | None = None
    seed: int | None = None
    ship: bool = False
    tuned: bool = False
    labels: str = GIVEN
    hosts: int = 1
    curve: bool = False
    segments: bool | None = None
    cloud: Cloud | None = None


def windows_of(order: Order, settings: Settings, state: LakeState) -> Windows:
    """The weeks of the lake that the order learns from and is measured on.

    Raises
    ------
    UsageError : bounds that do not fit, too few weeks, or no test window where the order needs one
    """
    windows = split_weeks(
        sorted(state.weeks),
        settings.windows,
        train_from=order.train_from,
        train_to=order.train_to,
        test_from=order.test_from,
        test_to=order.test_to,
    )
    if order.ship and windows.test is None:
        raise UsageError(
            "no later week is in the lake to measure the model on before it is shipped",
            where="--ship",
            mend="leave --ship away: without test weeks the model learns from every week anyway",
        )
    if order.curve and windows.test is None:
        raise UsageError(
            "no later week is in the lake to measure a learning curve on",
            where="--curve",
            mend="leave --curve away, or let a test window follow the weeks learned from (--train-to-week)",
        )
    return windows
