"""Tuning: settings chosen by macro F1 on the validation window, and on nothing later.

Trials are drawn by TPE (Bergstra, Bardenet, Bengio and Kegl, 2011, "Algorithms for Hyper-Parameter Optimization"). Each
first learns from the newest quarter of the training baskets; one that is then below the median of the trials before it
is stopped there. The study lies in a SQLite file, is asked first for the learner's own settings, and goes on where it
was interrupted.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from sqlalchemy.exc import SQLAlchemyError

from retail_forecast.domain.errors import DataError, PlaceError
from retail_forecast.domain.settings import TrainSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.lines import Baskets
from retail_forecast.models.fitting import fit_model
from retail_forecast.models.judging import judged
from retail_forecast.models.learners import learner
from retail_forecast.models.search import Parameter, Range, split_settings

__all__ = ["Ask", "Best", "Objective", "Told", "Validation", "search"]

_PRUNED_FROM = 4
_SHARES = (0.25, 1.0)
_FINISHED = (optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.PRUNED)

Ask = Callable[[int, float], bool]
Objective = Callable[[Mapping[str, Any], Ask], float | None]
"""Settings and a question to a figure: `ask(step, value)` tells the figure of a step and answers whether to go on; the
objective then returns the final figure, or None when it was told to stop."""


@dataclass(frozen=True, slots=True)
class Best:
    """The best trial of a study: its figure and settings; `trials` have finished, `pruned` of them early."""

    value: float
    settings: dict[str, Any]
    trials: int
    pruned: int


@dataclass(frozen=True, slots=True)
class Told:
    """One finished trial: its number from 0, its figure (None when it was stopped early), and the best so far."""

    number: int
    value: float | None
    best: float | None


@dataclass(frozen=True, slots=True)
class Validation:
    """The objective: macro F1 on the validation baskets of a model that learned from the training baskets.

    Attributes
    ----------
    task, model : task and name of the learner
    train, train_label : n baskets in time order with their labels, positions in LABELS
    held_out, held_out_label : the validation baskets
    settings, threads : as training takes them
    """

    task: Task
    model: str
    train: Baskets
    train_label: NDArray[np.int8]
    held_out: Baskets
    held_out_label: NDArray[np.int8]
    settings: TrainSettings
    threads: int

    def __call__(self, chosen: Mapping[str, Any], ask: Ask) -> float | None:
        """Macro F1 with the settings `chosen`; None when `ask` said no on the way."""
        own, train = split_settings(chosen)
        one = learner(self.model, own, self.task)
        settings = self.settings.model_copy(update=train)
        value = 0.0
        for step, share in enumerate(_SHARES):
            rows = np.arange(round(len(self.train) * (1 - share)), len(self.train))
            fitted = fit_model(self.task, one, self.train.take(rows), self.train_label[rows], settings, self.threads)
            value = judged(fitted, self.held_out, self.held_out_label, self.threads).macro_f1
            if not ask(step, value):
                return None
        return value


def search(
    file: Path,
    study: str,
    space: Sequence[Parameter],
    objective: Objective,
    *,
    trials: int,
    timeout_s: float | None,
    start: Mapping[str, Any],
    seed: int,
    tell: Callable[[Told], None],
) -> Best:
    """Search `space` until the study has `trials` finished trials, or the time is over.

    Parameters
    ----------
    file : SQLite file of all studies, made when missing
    study : name; an earlier study of that name goes on
    timeout_s : after which no further trial starts [s]; None never stops
    start : settings of the first trial
    tell : hears of each finished trial

    Raises
    ------
    DataError : no trial finished within the time
    PlaceError : the file cannot be written
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found = _opened(file, study, seed)
    if not _complete(found):
        found.enqueue_trial({p.name: start[p.name] for p in space})
    left = trials - len(found.get_trials(deepcopy=False, states=_FINISHED))
    if left > 0:
        found.optimize(
            lambda trial: _figure(trial, space, objective),
            n_trials=left,
            timeout=timeout_s,
            callbacks=[lambda all_trials, trial: tell(_told(all_trials, trial))],
        )
    return _best(found)


def _opened(file: Path, name: str, seed: int) -> optuna.Study:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
        study = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError) as error:
        raise PlaceError(
            "the studies cannot be read or kept", where=str(file), mend="make the file writable"
        ) from error
    # A sampler with the seed alone would repeat its first draws when a study goes on.
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.get_trials(deepcopy=False)))
    study.pruner = optuna.pruners.MedianPruner(n_startup_trials=_PRUNED_FROM)
    return study


def _figure(trial: optuna.Trial, space: Sequence[Parameter], objective: Objective) -> float:
    def ask(step: int, value: float) -> bool:
        trial.report(value, step)
        return step == len(_SHARES) - 1 or not trial.should_prune()

    value = objective({p.name: _suggested(trial, p) for p in space}, ask)
    if value is None:
        raise optuna.TrialPruned
    return value


def _suggested(trial: optuna.Trial, parameter: Parameter) -> float | int | str:
    if not isinstance(parameter, Range):
        return str(trial.suggest_categorical(parameter.name, parameter.values))
    if parameter.whole:
        return trial.suggest_int(parameter.name, int(parameter.low), int(parameter.high), log=parameter.log)
    return trial.suggest_float(parameter.name, parameter.low, parameter.high, log=parameter.log)


def _complete(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(optuna.trial.TrialState.COMPLETE,))


def _told(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> Told:
    complete = trial.state is optuna.trial.TrialState.COMPLETE
    return Told(trial.number, trial.value if complete else None, study.best_value if _complete(study) else None)


def _best(study: optuna.Study) -> Best:
    complete, finished = _complete(study), study.get_trials(deepcopy=False, states=_FINISHED)
    if not complete:
        raise DataError("no trial finished", where=study.study_name, mend="give more time with --timeout")
    return Best(study.best_value, dict(study.best_params), len(finished), len(finished) - len(complete))
