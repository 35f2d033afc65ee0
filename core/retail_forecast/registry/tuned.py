"""Settings that tuning found: the best of the newest study of a task and a learner, for `train --tuned`."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
import obstore
from obstore.exceptions import NotFoundError
from obstore.store import ObjectStore

from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.labels import LabelSource
from retail_forecast.domain.tasks import Task
from retail_forecast.registry.record import Span, Windows

__all__ = ["Tuned", "load_tuned", "refuse_unfit", "save_tuned"]


class Tuned(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The best settings of a study.

    Attributes
    ----------
    study, task, model : name of the study, and what it tuned
    value, settings : macro F1 on the validation weeks, and the settings that reached it
    trials, pruned : trials that finished, and those of them that were stopped early
    train, validation : weeks that the trials learned from, and those that chose
    lake_state : number of the state that was read
    created_at : when the study was last added to, UTC
    label_source : where the labels come from that the trials learned and were judged by
    """

    study: str
    task: Task
    model: str
    value: float
    settings: dict[str, Any]
    trials: int
    pruned: int
    train: Span
    validation: Span
    lake_state: int
    created_at: Annotated[datetime, msgspec.Meta(tz=True)]
    label_source: LabelSource


def save_tuned(store: ObjectStore, tuned: Tuned) -> None:
    """Keep `tuned` as the settings in force for its task and learner."""
    payload = msgspec.json.format(msgspec.json.encode(tuned, order="sorted"), indent=2)
    obstore.put(store, _path(tuned.task, tuned.model), payload)


def load_tuned(store: ObjectStore, task: Task, model: str) -> Tuned:
    """The settings that tuning found for `model` on `task`.

    Raises
    ------
    UsageError : nothing was tuned yet
    """
    try:
        payload = bytes(store.get(_path(task, model)).bytes())
    except (NotFoundError, FileNotFoundError) as error:
        raise UsageError(
            f"{model} has not been tuned for task {task}",
            where="--tuned",
            mend=f"retail-forecast tune --task {task} --model {model}",
        ) from error
    return msgspec.json.decode(payload, type=Tuned)


def refuse_unfit(tuned: Tuned, windows: Windows, label_source: LabelSource) -> None:
    """Refuse settings that were chosen on weeks of the test window or on later ones, or by other labels.

    Raises
    ------
    UsageError : they were
    """
    if windows.test is not None and tuned.validation.last >= windows.test.first:
        raise UsageError(
            f"the settings were chosen on weeks up to {tuned.validation.last}, "
            f"but the test window starts in {windows.test.first}",
            where="--tuned",
            mend="tune again with the same bounds as the training: nothing may be chosen on the test window",
        )
    if tuned.label_source is not label_source:
        raise UsageError(
            f"the settings were chosen by {tuned.label_source} labels, but {label_source} ones are to be learned",
            where="--tuned",
            mend="tune again with the same --labels as the training",
        )


def _path(task: Task, model: str) -> str:
    return f"runs/tuned/{task}-{model}.json"
