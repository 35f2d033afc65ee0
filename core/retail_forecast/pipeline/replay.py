"""Replay: baskets are asked of a running server in lists, as a client would, and its answers come back as columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

import msgspec
import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.basket import Basket
from retail_forecast.domain.errors import PlaceError
from retail_forecast.domain.labels import LABELS
from retail_forecast.domain.tasks import Task

__all__ = ["Replayed", "replay"]

_AT_ONCE = 500
_PATIENCE_S = 60
_OK = 200


class _Answer(msgspec.Struct, frozen=True):
    label: str
    probabilities: dict[str, float]
    unknown_share: float
    model_version: str
    history_week: int = 0


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the server answered for n baskets.

    Attributes
    ----------
    model_versions : of the models that answered
    label : int8 array of shape (n,), positions in LABELS
    probabilities : float64 array of shape (n, 4), in the order of LABELS
    unknown_share : float64 array of shape (n,)
    history_week : int32 array of shape (n,), YYYYWW; 0 where the task does not look at history
    """

    model_versions: frozenset[str]
    label: NDArray[np.int8]
    probabilities: NDArray[np.float64]
    unknown_share: NDArray[np.float64]
    history_week: NDArray[np.int32]


def replay(url: str, task: Task, rows: Sequence[Basket], api_key: str | None = None) -> Replayed:
    """Ask the server at `url` about `rows`.

    Raises
    ------
    PlaceError : it does not answer, or refuses
    """
    place = urlsplit(url)
    kind = HTTPSConnection if place.scheme == "https" else HTTPConnection
    connection = kind(place.netloc, timeout=_PATIENCE_S)
    headers = {"Content-Type": "application/json"} | ({"X-API-Key": api_key} if api_key else {})
    answers: list[_Answer] = []
    try:
        for first in range(0, len(rows), _AT_ONCE):
            body = msgspec.json.encode(rows[first : first + _AT_ONCE])
            connection.request("POST", f"{place.path}/v1/predict?task={task}", body, headers)
            response = connection.getresponse()
            payload = response.read()
            if response.status != _OK:
                raise HTTPException(f"status {response.status}: {payload[:200].decode(errors='replace')}")
            answers += msgspec.json.decode(payload, type=list[_Answer])
    except (OSError, HTTPException, msgspec.MsgspecError) as error:
        raise PlaceError(
            f"the server did not answer ({error})", where=url, mend="check that it runs, and its API key"
        ) from error
    finally:
        connection.close()
    return _columns(answers)


def _columns(answers: Sequence[_Answer]) -> Replayed:
    return Replayed(
        frozenset(one.model_version for one in answers),
        np.array([LABELS.index(one.label) for one in answers], np.int8),
        np.array([[one.probabilities[label] for label in LABELS] for one in answers]).reshape(-1, len(LABELS)),
        np.array([one.unknown_share for one in answers]),
        np.array([one.history_week for one in answers], np.int32),
    )
