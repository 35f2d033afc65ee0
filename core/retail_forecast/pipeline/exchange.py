"""Baskets and answers as the lines that a batch transform exchanges with the server.

Lines are without whose the basket was: no task that looks at lines looks at customers. What comes back is held against
the baskets that were asked about, one by one.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa

from retail_forecast.bundle.scorer import Predictions
from retail_forecast.domain.errors import PlaceError
from retail_forecast.domain.labels import LABELS, Label
from retail_forecast.kernel.lines import Baskets, Codes
from retail_forecast.kernel.rows import rows_of
from retail_forecast.pipeline.predict import answers_table

__all__ = ["read_answers", "write_lines"]

_POSITION = {label: number for number, label in enumerate(LABELS)}


class _Shares(msgspec.Struct, frozen=True, gc=False):
    LA: float
    MM: float
    UM: float
    XX: float


class _Answer(msgspec.Struct, frozen=True, gc=False):
    """What is taken of a line of answers (`retail_forecast_server.answers.Prediction`)."""

    basket_id: str
    label: Label
    probabilities: _Shares
    unknown_share: float


_DECODER = msgspec.json.Decoder(_Answer)


def write_lines(baskets: Baskets, file: Path) -> None:
    """Write the baskets as the server takes them, a line each."""
    nobody = Codes((), np.full(len(baskets), -1, np.int32))
    rows = rows_of(replace(baskets, customer=nobody, seg_1=nobody, seg_2=nobody))
    with file.open("wb") as lines:
        lines.writelines(msgspec.json.encode(basket) + b"\n" for basket in rows)


def read_answers(file: Path, asked: Baskets, address: str) -> pa.Table:
    """The answers in `file`, with the columns of `predict.answers_table`.

    Parameters
    ----------
    asked : the baskets that were asked about, in this order
    address : where the file comes from

    Raises
    ------
    PlaceError : a line is no answer, or the answers are not those for these baskets
    """
    with file.open("rb") as lines:
        try:
            # Between the answers to two requests a newline is set, whether there is one or not.
            answers = [_DECODER.decode(line) for line in lines if line.strip()]
        except msgspec.MsgspecError as error:
            raise _unfit(address, f"one of them is none: {error}") from error
    if [answer.basket_id for answer in answers] != asked.basket_id.to_list():
        raise _unfit(address, "they are not those for the baskets that were asked about")
    return answers_table(asked, _predictions(answers))


def _predictions(answers: Sequence[_Answer]) -> Predictions:
    shares = [msgspec.structs.astuple(answer.probabilities) for answer in answers]
    return Predictions(
        np.asarray(shares, np.float64).reshape(-1, len(LABELS)),
        np.asarray([_POSITION[answer.label] for answer in answers], np.int8),
        np.asarray([answer.unknown_share for answer in answers], np.float64),
        np.zeros((len(answers), 0), np.float32),
    )


def _unfit(address: str, why: str) -> PlaceError:
    return PlaceError(
        f"the answers of the job cannot be taken: {why}",
        where=address,
        mend="look at the object, remove it, and repeat the command: it starts the job again",
    )
