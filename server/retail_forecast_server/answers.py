"""From what a model found to the body of an answer."""

from collections.abc import Callable, Collection, Sequence

import msgspec

from retail_forecast.bundle.explanation import explain
from retail_forecast.bundle.scorer import Predictions
from retail_forecast.domain.basket import Basket
from retail_forecast.domain.calendar import week_at
from retail_forecast.domain.labels import LABELS, SENSITIVITIES, Label, Sensitivity
from retail_forecast.domain.tasks import Task
from retail_forecast_server.asked import Asked
from retail_forecast_server.models import Model
from retail_forecast_server.problems import at_fault

__all__ = [
    "Answered",
    "Contribution",
    "Observer",
    "Prediction",
    "Probabilities",
    "encoded",
    "encoded_lines",
    "explained",
]


class Probabilities(msgspec.Struct, frozen=True, gc=False):
    """Of each label; they sum to one."""

    LA: float
    MM: float
    UM: float
    XX: float


class Contribution(msgspec.Struct, frozen=True, gc=False):
    """What a line spoke for.

    Attributes
    ----------
    line : its position in the basket, from 0
    prod_code : as it was given
    log_odds : log-odds of the answered label for the whole basket, minus those for the basket without the line
    """

    line: int
    prod_code: str | None
    log_odds: float


class Prediction(msgspec.Struct, frozen=True):
    """The answer for one basket.

    Attributes
    ----------
    basket_id : as it was given
    label : by the model's decision rule; the likeliest, unless the task has another
    sensitivity : what the label means: LA is High, MM Medium, UM Low
    unknown_share : share of the lines whose product the model never saw; with all unknown, the prior answers.
        Of an arriving basket: 1 when its customer was never seen, else 0
    model_version : run that made the model
    history_week : week YYYYWW up to which the model knew customers and stores, where it looks at their past
    contributions : of each line, when they were asked for
    """

    basket_id: str | None
    label: Label
    sensitivity: Sensitivity
    probabilities: Probabilities
    unknown_share: float
    task: Task
    model_version: str
    history_week: int | msgspec.UnsetType = msgspec.UNSET
    contributions: tuple[Contribution, ...] | msgspec.UnsetType = msgspec.UNSET


class Answered(msgspec.Struct, frozen=True):
    """A request that was answered, for whoever keeps account of it.

    Attributes
    ----------
    request_id, time : of the request; `time` is when its answer was sent, in seconds of the Unix epoch
    model : what answered; its `version`, `task` and `bundle.digest` identify it
    baskets : as decoded, or of a stream in columns as far as the model looks at them
    predictions : of each basket
    first : position of the first of them in the request; of a stream they are told part by part
    """

    request_id: str
    time: float
    model: Model
    baskets: Collection[Basket]
    predictions: Predictions
    first: int = 0


Observer = Callable[[Answered], None]
"""Called on the event loop after an answer was sent. It must neither block nor raise: it puts the request aside, into
a queue with a bound, and works on it elsewhere."""

_ENCODER = msgspec.json.Encoder()


def encoded(asked: Asked, model: Model, found: Predictions) -> bytes:
    """The answers as JSON: one for one basket, a list for a list."""
    told = _predictions(asked.baskets, model, found)
    return _ENCODER.encode(told[0] if asked.alone else told)


def encoded_lines(baskets: Sequence[Basket], model: Model, found: Predictions) -> list[bytes]:
    """The answer for each basket as a line of JSON."""
    return [_ENCODER.encode(told) + b"\n" for told in _predictions(baskets, model, found)]


def explained(asked: Asked, model: Model, most_lines: int) -> tuple[bytes, Predictions]:
    """The answers as JSON with what each line spoke for, and what was found.

    Raises
    ------
    Problem : there are more than `most_lines` lines
    """
    count = sum(len(basket.lines) for basket in asked.baskets)
    if count > most_lines:
        raise at_fault(f"{count} lines in a request to be explained; at most {most_lines} are: send fewer baskets")
    why = explain(model.bundle, model.bundle.baskets(asked.baskets))
    values = iter(why.contributions.tolist())
    told = [
        msgspec.structs.replace(
            prediction,
            contributions=tuple(
                Contribution(number, line.prod_code, next(values)) for number, line in enumerate(basket.lines)
            ),
        )
        for basket, prediction in zip(asked.baskets, _predictions(asked.baskets, model, why.answers), strict=True)
    ]
    return _ENCODER.encode(told[0] if asked.alone else told), why.answers


def _predictions(baskets: Sequence[Basket], model: Model, found: Predictions) -> list[Prediction]:
    rows = zip(baskets, found.label.tolist(), found.probabilities.tolist(), found.unknown_share.tolist(), strict=True)
    told = [
        Prediction(
            basket.basket_id,
            LABELS[label],
            SENSITIVITIES[LABELS[label]],
            Probabilities(*probabilities),
            unknown_share,
            model.task,
            model.version,
        )
        for basket, label, probabilities, unknown_share in rows
    ]
    if found.history_week is None:
        return told
    weeks = map(week_at, found.history_week.tolist())
    return [msgspec.structs.replace(one, history_week=week) for one, week in zip(told, weeks, strict=True)]
