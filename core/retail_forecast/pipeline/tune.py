"""Tune: search the settings of a learner on the validation window of a lake state, and keep the best for training.

Only baskets of the training and the validation weeks are read, so that nothing can be chosen on later ones.
"""

import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from retail_forecast.bundle.manifest import digest_of
from retail_forecast.clouds.local_hosts import Log, silent
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.reading import Labelled, read_gold
from retail_forecast.lake.state import LakeState
from retail_forecast.models.learners import learner
from retail_forecast.models.search import Parameter, sagemaker_ranges, search_space
from retail_forecast.models.tuning import Best, Told, Validation, search
from retail_forecast.models.windows import split_weeks
from retail_forecast.pipeline.knowledge import known_of
from retail_forecast.pipeline.labelling import Labels, labels_of, relabelled
from retail_forecast.pipeline.registry import registry_store
from retail_forecast.pipeline.together import job_of
from retail_forecast.pipeline.train import Order
from retail_forecast.pipeline.workspace import lake_path, lake_state
from retail_forecast.registry.record import Windows
from retail_forecast.registry.tuned import Tuned, save_tuned

if TYPE_CHECKING:
    from retail_forecast.pipeline.elsewhere import Asked, SageMaker

__all__ = ["STUDIES", "Study", "elsewhere", "study_of", "tune", "validation_of"]

STUDIES = "runs/tuning.db"
"""SQLite file of all studies, within a workspace."""


@dataclass(frozen=True, slots=True)
class Study:
    """What is tuned: settings of `space`, on the baskets of the training and the validation weeks of a lake state."""

    name: str
    order: Order
    settings: Settings
    space: tuple[Parameter, ...]
    windows: Windows
    gold: Labelled
    state: LakeState
    labels: Labels

    @property
    def start(self) -> dict[str, Any]:
        """The learner's own settings, which the first trial has."""
        return {**self.settings.train.model_dump(), **learner(self.order.model, task=self.order.task).settings}


def tune(
    workspace: Path,
    settings: Settings,
    order: Order,
    *,
    trials: int,
    timeout_s: float | None,
    clock: Callable[[], datetime],
    tell: Callable[[Told], None],
    log: Log = silent,
) -> Tuned:
    """Bring the study of `order` to `trials` finished trials, or as far as `timeout_s` allows, and keep its best.

    Parameters
    ----------
    tell, log : hear of each trial here, and of each step of jobs elsewhere

    A study is known by its task, learner, windows, seed, space, labels and lake state: the same order goes on where it
    stopped.

    Raises
    ------
    DataError : the lake is empty, or no trial finished in time
    UsageError : an unknown learner, bounds that do not fit, or too few weeks
    """
    study = study_of(workspace, settings, order)
    if order.cloud is None:
        best = _best_here(workspace, study, trials, timeout_s, tell)
    else:
        best = _best_elsewhere(workspace, study, trials, timeout_s, log)
    tuned = _tuned(study, best, clock())
    save_tuned(registry_store(workspace), tuned)
    return tuned


def _best_here(
    workspace: Path, study: Study, trials: int, timeout_s: float | None, tell: Callable[[Told], None]
) -> Best:
    return search(
        workspace / STUDIES,
        study.name,
        study.space,
        validation_of(study.gold, study.windows, study.settings, study.order),
        trials=trials,
        timeout_s=timeout_s,
        start=study.start,
        seed=study.settings.train.seed,
        tell=tell,
    )


def _best_elsewhere(workspace: Path, study: Study, trials: int, timeout_s: float | None, log: Log) -> Best:
    place, asked = elsewhere(workspace, study, trials, timeout_s, log)
    usual, *others = [place.start(one) for one in asked]
    return place.best(usual, others[0] if others else None, study.space, study.start)


def study_of(workspace: Path, settings: Settings, order: Order) -> Study:
    """What `order` tunes.

    Raises
    ------
    DataError : the lake is empty
    UsageError : an unknown learner, bounds that do not fit, or too few weeks
    """
    space = search_space(order.task, order.model)
    state, labels = lake_state(workspace), labels_of(workspace, order.labels)
    windows = _windows(sorted(state.weeks), settings, order)
    if order.seed is not None:
        settings = settings.model_copy(update={"train": settings.train.model_copy(update={"seed": order.seed})})
    weeks = [week for span in (windows.train, windows.validation) if span for week in span.weeks]
    gold = relabelled(workspace, read_gold(lake_path(workspace), state, weeks), labels, weeks)
    name = _name(order, windows, space, settings, state.number, labels)
    return Study(name, order, settings, space, windows, gold, state, labels)


def validation_of(gold: Labelled, windows: Windows, settings: Settings, order: Order) -> Validation:
    """The objective over the complete baskets of the training and the validation weeks; others in `gold` are not
    looked at."""
    if order.task is Task.ARRIVAL:
        gold = known_of(gold, windows, settings).gold
    train, held_out = _rows(gold, windows)
    return Validation(
        order.task,
        order.model,
        gold.baskets.take(train),
        gold.label[train],
        gold.baskets.take(held_out),
        gold.label[held_out],
        settings.train,
        settings.train.threads or os.cpu_count() or 1,
    )


def elsewhere(
    workspace: Path, study: Study, trials: int, timeout_s: float | None, log: Log
) -> "tuple[SageMaker, tuple[Asked, ...]]":
    """The place to ask, and what it is asked for: a job with the learner's own settings, for the first trial, and a
    tuning for the others.

    Raises
    ------
    UsageError : the environment does not allow such jobs
    """
    from retail_forecast.clouds.aws.definitions import Search
    from retail_forecast.pipeline.elsewhere import sagemaker

    order, settings, state = study.order, study.settings, study.state
    gold = study.gold if order.task is not Task.ARRIVAL else known_of(study.gold, study.windows, settings).gold
    train, held_out = _rows(gold, study.windows)
    place, model = sagemaker(workspace, settings, 1, log), (order.model, learner(order.model, task=order.task).settings)
    facts = {"state": state.number, "tables": state.tables}
    job = job_of(place, order.task, model, gold, train, settings.train, facts)
    usual = place.training(job, held_out)
    if trials == 1:
        return place, (usual,)
    search = Search(sagemaker_ranges(study.space), trials - 1, settings.train.seed, timeout_s)
    return place, (usual, place.tuning(job, held_out, search))


def _rows(gold: Labelled, windows: Windows) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Complete baskets of the training weeks, and those of the validation weeks."""
    weeks = [span.weeks if span else () for span in (windows.train, windows.validation)]
    train, held_out = (np.flatnonzero(np.isin(gold.shop_week, each) & gold.complete) for each in weeks)
    return train, held_out


def _name(
    order: Order, windows: Windows, space: tuple[Parameter, ...], settings: Settings, state: int, labels: Labels
) -> str:
    """Name of the study: task, learner and a digest of all that its figures hang on."""
    fixed = settings.train.model_dump(exclude={"threads"})
    identity = [asdict(windows), [asdict(parameter) for parameter in space], fixed, state, asdict(labels)]
    return f"{order.task}-{order.model}-{digest_of(msgspec.json.encode(identity, order='sorted'))[:8]}"


def _windows(weeks: list[int], settings: Settings, order: Order) -> Windows:
    return split_weeks(
        weeks,
        settings.windows,
        train_from=order.train_from,
        train_to=order.train_to,
        test_from=order.test_from,
        test_to=order.test_to,
    )


def _tuned(study: Study, best: Best, now: datetime) -> Tuned:
    windows = study.windows
    assert windows.validation is not None  # noqa: S101 - split_weeks always makes one
    return Tuned(
        study=study.name,
        task=study.order.task,
        model=study.order.model,
        value=best.value,
        settings=best.settings,
        trials=best.trials,
        pruned=best.pruned,
        train=windows.train,
        validation=windows.validation,
        lake_state=study.state.number,
        created_at=now,
        label_source=study.labels.source,
    )
