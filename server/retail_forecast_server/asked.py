"""From the body of a request to baskets that fit the model. A label in the request is an unknown field."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from retail_forecast.domain.basket import Basket
from retail_forecast.domain.settings import ServerSettings
from retail_forecast.domain.tasks import Task
from retail_forecast_server.problems import at_fault, undecodable

__all__ = ["Asked", "check_basket", "checked", "decoded", "parsed"]

T = TypeVar("T")

_DECODER = msgspec.json.Decoder(Basket | tuple[Basket, ...])


class Asked(msgspec.Struct, frozen=True):
    """The baskets of a request; `alone` when one was sent and no list."""

    baskets: Sequence[Basket]
    alone: bool


def decoded(body: bytes, task: Task, limits: ServerSettings) -> Asked:
    """The baskets of a JSON body that are to be answered for `task`.

    Raises
    ------
    Problem : the body does not fit, with the field at fault
    """
    asked = parsed(_DECODER, body)
    if isinstance(asked, Basket):
        check_basket(asked, task, limits)
        return Asked((asked,), True)
    checked(len(asked), limits)
    for position, basket in enumerate(asked):
        check_basket(basket, task, limits, position)
    return Asked(asked, False)


def parsed(decoder: "msgspec.json.Decoder[T]", body: bytes) -> T:
    """What `decoder` reads from `body`.

    Raises
    ------
    Problem : the body does not fit, with the field at fault
    """
    try:
        return decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise undecodable(error) from error


def checked(count: int, limits: ServerSettings) -> None:
    """Whether `count` baskets may be asked at once.

    Raises
    ------
    Problem : they are too many
    """
    if count > limits.max_baskets:
        raise at_fault(f"{count} baskets in one request; at most {limits.max_baskets} are answered")


def check_basket(basket: Basket, task: Task, limits: ServerSettings, *steps: int) -> None:
    """Whether a basket, found at `steps` of the body, can be answered.

    Raises
    ------
    Problem : it cannot, with the field at fault
    """
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
