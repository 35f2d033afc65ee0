"""Requests that arrive in successive turns of the event loop are scored together.

Most of what scoring costs, it costs once however many baskets there are; so a server under load answers several times
as many requests, and none waits idly for company: as soon as a turn brings no more, what has gathered is scored, be it
one basket. A basket's features and its label do not depend on the company it is scored in.
"""

import asyncio
from collections.abc import Iterable, Sequence

import msgspec

from retail_forecast.bundle.scorer import Predictions
from retail_forecast.domain.basket import Basket
from retail_forecast_server.models import Model

__all__ = ["Gathering"]

_MOST = 256
"""Baskets that are scored at once, a few milliseconds, unless a single request brings more; the
others wait for the next time."""


class _Waiting(msgspec.Struct, frozen=True):
    model: Model
    baskets: Sequence[Basket]
    found: asyncio.Future[Predictions]


class Gathering:
    """Scores what has gathered, after a turn that brought no more. To be used from one event loop."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []
        self._known = 0

    def predict(self, model: Model, baskets: Sequence[Basket]) -> asyncio.Future[Predictions]:
        """The answers of `model` for `baskets`, before long."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._score)
        waiting = _Waiting(model, baskets, loop.create_future())
        self._waiting.append(waiting)
        return waiting.found

    def _score(self) -> None:
        if self._known < len(self._waiting) < _MOST:
            self._known = len(self._waiting)
            asyncio.get_running_loop().call_soon(self._score)
            return
        taken = _as_many_as(_MOST, self._waiting)
        now, self._waiting = self._waiting[:taken], self._waiting[taken:]
        self._known = len(self._waiting)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._score)
        for model in dict.fromkeys(waiting.model for waiting in now):
            _score_together(model, [waiting for waiting in now if waiting.model is model])


def _as_many_as(most: int, waiting: Iterable[_Waiting]) -> int:
    """How many of those waiting have at most `most` baskets together, but at least one."""
    baskets = count = 0
    for one in waiting:
        baskets += len(one.baskets)
        if count and baskets > most:
            break
        count += 1
    return count


def _score_together(model: Model, waiting: Sequence[_Waiting]) -> None:
    try:
        found = model.predict([basket for one in waiting for basket in one.baskets])
    except Exception as error:  # noqa: BLE001 - it is raised where the answer is awaited, in each of the requests
        for one in waiting:
            if not one.found.done():
                one.found.set_exception(error)
        return
    first = 0
    for one in waiting:
        last = first + len(one.baskets)
        if not one.found.done():
            one.found.set_result(found.part(first, last))
        first = last
