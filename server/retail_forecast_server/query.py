"""The query of a prediction: `?task=` and `?explain=`. Other words are refused, so that a slip does not pass for
nothing."""

from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import parse_qsl

from retail_forecast.domain.tasks import Task
from retail_forecast_server.problems import Problem

__all__ = ["NOTHING", "Query", "read_query"]

_TRUTH = {"true": True, "false": False}
_TASKS = {str(task): task for task in Task}
_KNOWN = f" is not known: ask with explain=true or explain=false, and with task={' or task='.join(_TASKS)}."
_LONGEST = 200
"""A query comes from the client; a long one is not sent back whole [characters]."""


@dataclass(frozen=True, slots=True)
class Query:
    """What a request asks for beside its body; the default task where `task` is None."""

    task: Task | None = None
    explain: bool = False


NOTHING = Query()
"""Asked without a query."""


@lru_cache(maxsize=64)
def read_query(text: bytes) -> Query:
    """The query `text`, of which the last word on a matter counts.

    Raises
    ------
    Problem : a name or a value is not known
    """
    task, explain = None, False
    for name, value in parse_qsl(text.decode("latin-1"), keep_blank_values=True):
        if name == "task" and value in _TASKS:
            task = _TASKS[value]
        elif name == "explain" and value in _TRUTH:
            explain = _TRUTH[value]
        else:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"The query {name}={value}"[:_LONGEST] + _KNOWN)
    return Query(task, explain)
