"""One learner at work on the material of an order."""

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from retail_forecast.clouds.local_hosts import Log
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.reading import Labelled
from retail_forecast.models.deciding import WEIGHTED_TASKS, choose_weights
from retail_forecast.models.evaluation import evaluate
from retail_forecast.models.examples import examples_of
from retail_forecast.models.findings import CurvePoint
from retail_forecast.models.fitting import Fitted, calibrated, fit_model
from retail_forecast.models.learners import AnyLearner, Learner, learner
from retail_forecast.models.learning_curve import learned_weeks
from retail_forecast.models.search import split_settings
from retail_forecast.pipeline.knowledge import Known, known_of
from retail_forecast.pipeline.material import Material
from retail_forecast.pipeline.order import Order
from retail_forecast.pipeline.registry import registry_store
from retail_forecast.pipeline.together import Here, Job, Place, fit_on_hosts, job_of
from retail_forecast.registry.record import Span, Windows
from retail_forecast.registry.tuned import Tuned, load_tuned

__all__ = ["Choice", "Run", "choose"]

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Choice:
    """A learner and the settings that it is trained with; `tuned` says where they were found, if by tuning."""

    learner: AnyLearner
    settings: Settings
    tuned: Tuned | None


def choose(workspace: Path, settings: Settings, order: Order) -> Choice:
    """The learner of `order`.

    Raises
    ------
    UsageError : there is none of that name, or no tuned settings are there
    """
    tuned = load_tuned(registry_store(workspace), order.task, order.model) if order.tuned else None
    own, changed = split_settings(tuned.settings if tuned else {})
    if order.seed is not None:
        changed["seed"] = order.seed
    if order.segments is not None:
        changed["segments"] = order.segments
    train = settings.train.model_copy(update=changed)
    return Choice(learner(order.model, own, order.task), settings.model_copy(update={"train": train}), tuned)


@dataclass(frozen=True, slots=True)
class Run:
    """What every step of a run needs; `seconds` fills with the time that each phase cost."""

    order: Order
    choice: Choice
    material: Material
    log: Log
    seconds: dict[str, float] = field(default_factory=dict)
    _counted: set[Hashable] = field(default_factory=set)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the seconds of a phase."""
        start = time.perf_counter()
        yield
        self._count(name, time.perf_counter() - start)

    def shared(self, phase: str, key: Hashable, make: Callable[[], Made]) -> Made:
        """What runs of the same material share; each counts once the seconds that it cost, whoever paid them."""
        made, seconds = self.material.once((phase, key), make)
        if (phase, key) not in self._counted:
            self._counted.add((phase, key))
            self._count(phase, seconds)
        return made

    def learn(self, windows: Windows) -> Fitted:
        """The model as it is measured: fitted before the calibration window, calibrated on it, and its decision rule
        chosen there."""
        fitted = self.fitted(windows)
        if self.order.task not in WEIGHTED_TASKS:
            return fitted
        with self.phase("rule"):
            asked = self.gold(windows).baskets.take(self.material.rows(windows.calibration))
            answers = fitted.bundle(self.material.threads).predict(asked)
            return replace(fitted, weights=choose_weights(answers.probabilities))

    def fitted(self, windows: Windows) -> Fitted:
        """The model fitted before the calibration window and calibrated on it; it answers by the likeliest label."""
        fitted = self.fit(windows, windows.train, windows.validation if windows.test else None)
        rows, gold = self.material.rows(windows.calibration), self.gold(windows)
        return calibrated(fitted, gold.baskets.take(rows), gold.label[rows])

    def gold(self, windows: Windows) -> Labelled:
        """The baskets of the material, with what the task may know of them when it learns from `windows`."""
        return self.material.gold if self.order.task is not Task.ARRIVAL else self._known(windows).gold

    def fit(self, windows: Windows, *spans: Span | None, phase: str = "fit") -> Fitted:
        """The model fitted on the baskets of `spans`, which are of `windows`, on the hosts of the order."""
        task, chosen, train = self.order.task, self.choice.learner, self.choice.settings.train
        gold, rows = self.gold(windows), self.material.rows(*spans)
        if self.order.hosts > 1 or self.order.cloud is not None:
            place = self._place()
            job = self.job(place, gold, rows)
            with self.phase(phase):
                fitted = fit_on_hosts(place, job)
        else:
            baskets, label = gold.baskets.take(rows), gold.label[rows]
            examples = (
                self.shared("features", (task, windows, spans, train), lambda: examples_of(task, baskets, label, train))
                if isinstance(chosen, Learner)
                else None
            )
            with self.phase(phase):
                fitted = fit_model(task, chosen, baskets, label, train, self.material.threads, examples=examples)
        if task is not Task.ARRIVAL:
            return fitted
        known = self._known(windows)
        return replace(fitted, products=known.products, history=known.history)

    def point(self, windows: Windows) -> CurvePoint:
        """The model learned from `windows`, and measured on their test window."""
        fitted, held_out, gold = self.learn(windows), self.material.rows(windows.test), self.gold(windows)
        answers = fitted.bundle(self.material.threads).predict(gold.baskets.take(held_out))
        found = evaluate(gold.label[held_out], answers.probabilities, answers.label)
        learned = len(self.material.rows(windows.train, windows.validation))
        return CurvePoint(learned_weeks(windows), learned, found.accuracy, found.macro_f1)

    def _known(self, windows: Windows) -> Known:
        """What was known of each basket, by leanings of the training window."""
        settings = self.choice.settings
        key = (windows.train, windows.last_learned_week, settings.train.leaning_penalty, settings.train.folds)
        make = partial(known_of, self.material.gold, windows, settings)
        return self.shared("history", (*key, settings.train.seed), make)

    def job(self, place: Place, gold: Labelled, rows: NDArray[np.intp]) -> Job:
        """The job that fits the learner on the baskets of `gold` at `rows`."""
        task, chosen, material = self.order.task, self.choice.learner, self.material
        model, facts = (chosen.name, chosen.settings), {"state": material.state.number, "tables": material.state.tables}
        return job_of(place, task, model, gold, rows, self.choice.settings.train, facts)

    def _place(self) -> Place:
        workspace, hosts, threads = self.material.workspace, self.order.hosts, self.material.threads
        if self.order.cloud is None:
            return Here(workspace, hosts, max(1, threads // hosts), self.log)
        from retail_forecast.pipeline.elsewhere import sagemaker

        return sagemaker(workspace, self.choice.settings, hosts, self.log)

    def _count(self, phase: str, seconds: float) -> None:
        self.seconds[phase] = round(self.seconds.get(phase, 0.0) + seconds, 3)
