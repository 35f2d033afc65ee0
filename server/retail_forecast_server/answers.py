"""From the body of a request to the body of an answer. A label in the request is an unknown field."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from retail_forecast.bundle.explanation import explain
from retail_forecast.bundle.scorer import Predictions
from retail_forecast.domain.basket import Basket
from retail_forecast.domain.labels import LABELS, SENSITIVITIES, Label, Sensitivity
from retail_forecast.domain.settings import ServerSettings
from retail_forecast.domain.tasks import Task
from retail_forecast_server.models import Model
from retail_forecast_server.problems import at_fault, undecodable

__all__ = ["Answered", "Contribution", "Observer", "Prediction", "Probabilities", "answer"]


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
    contributions : of each line, when they were asked for
    """

    basket_id: str | None
    label: Label
    sensitivity: Sensitivity
    probabilities: Probabilities
    unknown_share: float
    task: Task
    model_version: str
    contributions: tuple[Contribution, ...] | msgspec.UnsetType = msgspec.UNSET


@dataclass(frozen=True, slots=True)
class Answered:
    """A request that was answered, for whoever keeps account of it.

    Attributes
    ----------
    request_id, time : of the request; `time` is when its answer was sent, in seconds of the Unix epoch
    model : what answered; its `version`, `task` and `bundle.digest` identify it
    baskets : as decoded
    predictions : of each basket
    """

    request_id: str
    time: float
    model: Model
    baskets: Sequence[Basket]
    predictions: Predictions


Observer = Callable[[Answered], None]
"""Called on the event loop after an answer was sent. It must neither block nor raise: it puts the request aside, into
a queue with a bound, and works on it elsewhere."""

_DECODER = msgspec.json.Decoder(Basket | tuple[Basket, ...])
_ENCODER = msgspec.json.Encoder()


def answer(
    body: bytes, model: Model, limits: ServerSettings, *, explained: bool = False
) -> tuple[bytes, Sequence[Basket], Predictions]:
    """The JSON answer to a JSON body, one basket for one and a list for a list; with the baskets and what was found.

    Parameters
    ----------
    explained : whether to tell what each line spoke for

    Raises
    ------
    Problem : the body does not fit, with the field at fault
    """
    try:
        asked = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise undecodable(error) from error
    alone = isinstance(asked, Basket)
    baskets = [asked] if isinstance(asked, Basket) else asked
    if len(baskets) > limits.max_baskets:
        raise at_fault(f"{len(baskets)} baskets in one request; at most {limits.max_baskets} are answered")
    for position, basket in enumerate(baskets):
        _check(basket, model.task, limits, *(() if alone else (position,)))
    predictions, told = _explained(baskets, model, limits) if explained else _plain(baskets, model)
    return _ENCODER.encode(told[0] if alone else told), baskets, predictions


def _plain(baskets: Sequence[Basket], model: Model) -> tuple[Predictions, list[Prediction]]:
    found = model.predict(baskets)
    return found, _predictions(baskets, model, found)


def _explained(baskets: Sequence[Basket], model: Model, limits: ServerSettings) -> tuple[Predictions, list[Prediction]]:
    count = sum(len(basket.lines) for basket in baskets)
    if count > limits.max_explained_lines:
        raise at_fault(
            f"{count} lines in a request to be explained; at most {limits.max_explained_lines} are: send fewer baskets"
        )
    why = explain(model.bundle, model.bundle.baskets(baskets))
    values = iter(why.contributions.tolist())
    told = [
        msgspec.structs.replace(
            prediction,
            contributions=tuple(
                Contribution(number, line.prod_code, next(values)) for number, line in enumerate(basket.lines)
            ),
        )
        for basket, prediction in zip(baskets, _predictions(baskets, model, why.answers), strict=True)
    ]
    return why.answers, told


def _check(basket: Basket, task: Task, limits: ServerSettings, *steps: int) -> None:
    if not basket.lines and task is not Task.ARRIVAL:
        raise at_fault("a basket without lines cannot be answered by this model", *steps, "lines")
    if len(basket.lines) > limits.max_lines:
        raise at_fault(
            f"{len(basket.lines)} lines in one basket; at most {limits.max_lines} are answered", *steps, "lines"
        )
    if task is Task.BASKET:
        for number, line in enumerate(basket.lines):
            if line.prod_code is None:
                raise at_fault("the product is missing", *steps, "lines", number, "prod_code")


def _predictions(baskets: Sequence[Basket], model: Model, found: Predictions) -> list[Prediction]:
    rows = zip(baskets, found.label.tolist(), found.probabilities.tolist(), found.unknown_share.tolist(), strict=True)
    return [
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
