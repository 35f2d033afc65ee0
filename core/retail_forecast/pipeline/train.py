"""Train: a lake state in; bundles, their figures and runs of record out.

With later weeks in the lake, the model is fitted on everything before the calibration window, calibrated, and measured
on the test window. Without, it is measured on the validation window by a fit that stops before it, then fitted again on
every week allowed. A shipped model is a second fit on every week, with the settings, the calibration and the figures of
its parent.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retail_forecast.bundle.scorer import Bundle, Predictions
from retail_forecast.clouds.addresses import below
from retail_forecast.clouds.local_hosts import Log, silent
from retail_forecast.domain.labels import LabelSource
from retail_forecast.domain.progress import Progress, Silent
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.lines import Baskets
from retail_forecast.lake.tables import PATHS
from retail_forecast.models.evaluation import always_mm, evaluate
from retail_forecast.models.figures import Figures, measure
from retail_forecast.models.findings import CurvePoint
from retail_forecast.models.fitting import Fitted, fit_model
from retail_forecast.models.leakage import guard
from retail_forecast.models.learners import learner, learners_of, missing_library
from retail_forecast.models.learning_curve import fewer_weeks, learned_weeks
from retail_forecast.pipeline.keeping import Measured, Trained, keep
from retail_forecast.pipeline.labelling import agreement
from retail_forecast.pipeline.learning import Choice, Run, choose
from retail_forecast.pipeline.material import Material, read_material
from retail_forecast.pipeline.order import ALL, Order, windows_of
from retail_forecast.pipeline.registry import job_told
from retail_forecast.pipeline.workspace import lake_address, lake_state
from retail_forecast.registry.champion import bundle_folder
from retail_forecast.registry.record import Span, Windows
from retail_forecast.registry.tuned import refuse_unfit

__all__ = ["ALL", "Compared", "Order", "Trained", "repeat", "train", "train_all"]

_FLAT_LEARNER = "xgboost"


@dataclass(frozen=True, slots=True)
class Compared:
    """Runs of all learners of a task on the same baskets; `left_out` tells why a learner is not among them."""

    runs: tuple[Trained, ...]
    left_out: Mapping[str, str]


def train(
    workspace: Path,
    settings: Settings,
    order: Order,
    *,
    clock: Callable[[], datetime],
    progress: Progress | None = None,
    log: Log = silent,
) -> Trained:
    """Train one model, keep its bundle and record the run.

    Parameters
    ----------
    log : is told what each of several hosts writes

    Raises
    ------
    DataError : the lake is empty, or a file of customers does not fit
    UsageError : an unknown learner, bounds that do not fit, too few weeks, a tier without a basket, or tuned settings
        that are not there or were chosen on test weeks
    PlaceError : one of several hosts failed or was lost; the same call goes on from their checkpoint
    """
    (kept,) = _train(workspace, settings, (order,), clock, progress or Silent(), log)
    return kept


def train_all(
    workspace: Path,
    settings: Settings,
    order: Order,
    *,
    clock: Callable[[], datetime],
    progress: Progress | None = None,
    log: Log = silent,
) -> Compared:
    """Train every learner that can serve the task, on the same baskets; parameters and errors as of `train`.

    A learner whose library is not installed is left out.
    """
    absent = {name: missing_library(name) for name in learners_of(order.task)}
    orders = tuple(replace(order, model=name) for name, error in absent.items() if error is None)
    runs = _train(workspace, settings, orders, clock, progress or Silent(), log)
    return Compared(runs, {name: f"{error}; {error.mend}" for name, error in absent.items() if error})


def repeat(run: Run, *, shipped: bool) -> Measured:
    """The model of `run` and its figures, made as `train` makes them, and not kept.

    Parameters
    ----------
    shipped : the refit that an order with `ship` ends with, in place of the model that was measured
    """
    measured = _measured(run)
    return _on_every_week(run, measured)[1] if shipped or run.material.windows.test is None else measured


def _train(
    workspace: Path,
    settings: Settings,
    orders: tuple[Order, ...],
    clock: Callable[[], datetime],
    progress: Progress,
    log: Log,
) -> tuple[Trained, ...]:
    """Runs of orders that differ by their model only."""
    first = orders[0]
    title = f"train {first.task} {first.model if len(orders) == 1 else ALL}"
    with (
        job_told(workspace, title.replace(" ", "."), clock) as told,
        progress.track(title, 1 + len(orders) * (3 if first.ship else 2), "steps") as done,
    ):
        choices = [choose(workspace, settings, order) for order in orders]
        state = lake_state(workspace)
        told.reads(below(lake_address(workspace), PATHS["gold"]), state.tables["gold"])
        windows = windows_of(first, settings, state)
        material = read_material(workspace, settings, first.labels, state, windows)
        for choice in choices:
            if choice.tuned is not None:
                refuse_unfit(choice.tuned, windows, material.labels.source)
        done(1)
        trained = tuple(
            _carried_out(_begun(order, choice, material, log), clock, done)
            for order, choice in zip(orders, choices, strict=True)
        )
        for one in trained:
            told.writes(bundle_folder(one.record.run_id), one.record.bundle_digest)
        return trained


def _begun(order: Order, choice: Choice, material: Material, log: Log) -> Run:
    return Run(order, choice, material, log, {"read": round(material.read_s, 3)})


def _carried_out(run: Run, clock: Callable[[], datetime], done: Callable[[int], None]) -> Trained:
    measured, windows = _measured(run), run.material.windows
    done(1)
    if windows.test is None:
        windows, measured = _on_every_week(run, measured)
    kept = keep(run, windows, measured, clock())
    done(1)
    if run.order.ship:
        windows, measured = _on_every_week(run, measured)
        kept = keep(run, Windows(train=windows.train), measured, clock(), parent=kept.record.run_id)
        done(1)
    return kept


def _measured(run: Run) -> Measured:
    """The model fitted before the window it is measured on, its figures, and those of the simpler answers beside it."""
    material, windows, train = run.material, run.material.windows, run.choice.settings.train
    learned = material.rows(windows.train, windows.validation if windows.test else None)
    held_out = material.rows(windows.test or windows.validation)
    gold = run.gold(windows)
    baskets, label = gold.baskets.take(held_out), gold.label[held_out]
    fitted = run.learn(windows)
    with run.phase("measure"):
        before = gold.baskets.take(learned), gold.label[learned]
        bundle = fitted.bundle(material.threads)
        answers = bundle.predict(baskets)
        figures = measure(bundle, answers, baskets, label, np.random.default_rng(train.seed), before)
        figures = replace(figures, agreement=_agreement(run, answers, held_out))
    leakage = run.shared(
        "guard",
        (run.order.task, train),
        lambda: guard(run.order.task, gold.baskets, gold.label, learned, held_out, train),
    )
    figures = replace(figures, leakage=leakage, curve=_curve(run, figures, len(learned)))
    baselines = {
        "always_mm": always_mm(gold.label[learned], label).to_dict(),
        **_other_ways(bundle, answers, baskets, label),
    }
    if run.order.task is Task.ARRIVAL:
        baselines |= _other_columns(run, fitted, baskets, label)
    if run.order.task in (Task.BASKET, Task.COARSE):
        baselines["flat"] = run.shared("flat", train, lambda: _flat_figures(run, learned, held_out))
    return Measured(fitted, figures, baselines)


def _curve(run: Run, figures: Figures, learned: int) -> tuple[CurvePoint, ...]:
    """The learning curve, when the order wants it."""
    if not run.order.curve:
        return ()
    windows = run.material.windows
    fewer = tuple(run.point(each) for each in fewer_weeks(windows, run.choice.settings.windows))
    reached = figures.metrics["accuracy"], figures.metrics["macro_f1"]
    return (*fewer, CurvePoint(learned_weeks(windows), learned, *reached))


def _flat_figures(run: Run, learned: NDArray[np.intp], held_out: NDArray[np.intp]) -> dict[str, Any]:
    """What the specification's nine columns reach on the same baskets."""
    gold, threads = run.material.gold, run.material.threads
    baskets, label, train = gold.baskets.take(learned), gold.label[learned], run.choice.settings.train
    flat = fit_model(Task.FLAT, learner(_FLAT_LEARNER, task=Task.FLAT), baskets, label, train, threads)
    rng = np.random.default_rng(0)
    bundle, asked = flat.bundle(threads), gold.baskets.take(held_out)
    return measure(bundle, bundle.predict(asked), asked, gold.label[held_out], rng, (baskets, label)).metrics


def _other_ways(
    bundle: Bundle, answers: Predictions, baskets: Baskets, label: NDArray[np.int8]
) -> dict[str, dict[str, Any]]:
    """The model behind `answers` answering in other ways: by the likeliest label, and with the history that its bundle
    holds."""
    ways = {}
    if bundle.manifest.rule != "likeliest":
        ways["likeliest"] = evaluate(label, answers.probabilities).to_dict()
    if bundle.history is not None:
        held = bundle.predict(replace(baskets, known=None))
        ways["held_history"] = evaluate(label, held.probabilities, held.label).to_dict()
    return ways


def _other_columns(run: Run, fitted: Fitted, baskets: Baskets, label: NDArray[np.int8]) -> dict[str, dict[str, Any]]:
    """The same learner, answering by the same rule, with the segments of the customer file when the model is without
    them, and the other way round."""
    settings, material, windows = run.choice.settings, run.material, run.material.windows
    flipped = not settings.train.segments
    other = settings.model_copy(update={"train": settings.train.model_copy(update={"segments": flipped})})
    with run.phase("segments"):
        elsewhere = Run(run.order, replace(run.choice, settings=other), material, run.log)
        found = replace(elsewhere.fitted(windows), weights=fitted.weights)
        answers = found.bundle(material.threads).predict(baskets)
    metrics = evaluate(label, answers.probabilities, answers.label).to_dict()
    return {"with_segments" if flipped else "without_segments": metrics}


def _agreement(run: Run, answers: Predictions, rows: NDArray[np.intp]) -> dict[str, Any] | None:
    """How the answers of a model of made labels for the baskets at `rows` agree with those of the tills."""
    material = run.material
    if material.labels.source is LabelSource.GIVEN:
        return None
    return agreement(material.given[rows], material.gold.label[rows], answers)


def _on_every_week(run: Run, measured: Measured) -> tuple[Windows, Measured]:
    """The same model fitted on all weeks of the run, with the calibration and the rule of the measured one."""
    windows, told = run.material.windows, measured.fitted
    everything = Span.of(windows.weeks)
    fitted = run.fit(Windows(train=everything), everything, phase="refit")
    fitted = replace(fitted, temperature=told.temperature, noise=told.noise, weights=told.weights)
    return replace(windows, train=everything), replace(measured, fitted=fitted)
