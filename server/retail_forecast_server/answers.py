"""From the body of a request to the body of an answer. A label in the request is an unknown field."""

from collections.abc import Sequence

import msgspec

from retail_forecast.bundle.explanation import explain
from retail_forecast.bundle.scorer import Predictions
from retail_forecast.domain.basket import Basket
from retail_forecast.domain.labels import LABELS, SENSITIVITIES, Label, Sensitivity
from retail_forecast.domain.settings import ServerSettings
from retail_forecast.domain.tasks import Task
from retail_forecast_server.models import Model
from retail_forecast_server.problems import at_fault, undecodable

__all__ = ["Contribution", "Prediction", "Probabilities", "answer"]


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


_DECODER = msgspec.json.Decoder(Basket | tuple[Basket, ...])
_ENCODER = msgspec.json.Encoder()


def answer(body: bytes, model: Model, limits: ServerSettings, *, explained: bool = False) -> bytes:
    """The JSON answer to a JSON body: one basket for one, a list for a list.

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
    if isinstance(asked, Basket):
        _check(asked, model.task, limits)
        return _ENCODER.encode(_answered([asked], model, limits, explained)[0])
    if len(asked) > limits.max_baskets:
        raise at_fault(f"{len(asked)} baskets in one request; at most {limits.max_baskets} are answered")
    for position, basket in enumerate(asked):
        _check(basket, model.task, limits, position)
    return _ENCODER.encode(_answered(asked, model, limits, explained))


def _answered(baskets: Sequence[Basket], model: Model, limits: ServerSettings, explained: bool) -> list[Prediction]:
    if not baskets:
        return []
    if not explained:
        return _predictions(baskets, model, model.bundle.predict_rows(baskets))
    count = sum(len(basket.lines) for basket in baskets)
    if count > limits.max_explained_lines:
        raise at_fault(
            f"{count} lines in a request to be explained; at most {limits.max_explained_lines} are: send fewer baskets"
        )
    why = explain(model.bundle, model.bundle.baskets(baskets))
    values = iter(why.contributions.tolist())
    return [
        msgspec.structs.replace(
            prediction,
            contributions=tuple(
                Contribution(number, line.prod_code, next(values)) for number, line in enumerate(basket.lines)
            ),
        )
        for basket, prediction in zip(baskets, _predictions(baskets, model, why.answers), strict=True)
    ]


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
