"""Train: a lake state in; a bundle, its figures and a run of record out.

With later weeks in the lake, the model is fitted on everything before the calibration window, calibrated, and measured
on the test window. Without, it is measured on the validation window by a fit that stops before it, then fitted again on
every week allowed. A shipped model is a second fit on every week, with the settings, the temperature and the figures of
its parent.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from retail_forecast.bundle.manifest import digest_of, write_bundle
from retail_forecast.clouds.local_hosts import Log, silent
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import PlaceError, UsageError
from retail_forecast.domain.labels import LabelSource
from retail_forecast.domain.progress import Progress, Silent
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.reading import Labelled, read_gold
from retail_forecast.lake.state import LakeState
from retail_forecast.models.behaviour import try_behaviour, try_invariance
from retail_forecast.models.evaluation import always_mm, evaluate
from retail_forecast.models.figures import Figures, measure
from retail_forecast.models.findings import CurvePoint, Trial
from retail_forecast.models.fitting import Fitted, calibrated, fit_model, manifest_of
from retail_forecast.models.leakage import guard
from retail_forecast.models.learners import AnyLearner, learner
from retail_forecast.models.learning_curve import fewer_weeks, learned_weeks
from retail_forecast.models.search import split_settings
from retail_forecast.models.windows import split_weeks
from retail_forecast.pipeline.labelling import GIVEN, Labels, agreement, labels_of, relabelled
from retail_forecast.pipeline.together import Place, fit_on_hosts
from retail_forecast.pipeline.workspace import bundle_path, lake_path, lake_state
from retail_forecast.registry.card import render_card
from retail_forecast.registry.record import DataState, RunRecord, Span, Windows
from retail_forecast.registry.runs import list_runs, new_run_id, save_run, test_window_uses
from retail_forecast.registry.tracking import DATABASE, mirror_run
from retail_forecast.registry.tuned import Tuned, load_tuned, refuse_unfit

__all__ = ["Order", "Trained", "train"]

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "xgboost-cpu", "onnx", "onnxruntime", "retail-forecast")
_FLAT_LEARNER = "xgboost"
_TRIED_BASKETS = 50_000


@dataclass(frozen=True, slots=True)
class Order:
    """What to train.

    Attributes
    ----------
    task, model : task, and name of the learner
    train_from, train_to, test_from, test_to : bounds of the windows, YYYYWW; None leaves them to the settings
    seed : of every random choice; None takes the settings'
    ship : refit the measured model on every week, and return the refit
    tuned : take the settings that `tune` found for the task and the learner
    labels : "given", "price-tiers" or a file of customers (`labelling.labels_of`)
    hosts : processes of this machine that learn together, each from its share of the baskets
    curve : learn from fewer weeks as well, to show what the weeks bring
    """

    task: Task
    model: str
    train_from: int | None = None
    train_to: int | None = None
    test_from: int | None = None
    test_to: int | None = None
    seed: int | None = None
    ship: bool = False
    tuned: bool = False
    labels: str = GIVEN
    hosts: int = 1
    curve: bool = False


@dataclass(frozen=True, slots=True)
class Trained:
    """A run that is safely on record; `warnings` says what beside it failed, such as its mirror in MLflow."""

    record: RunRecord
    warnings: tuple[str, ...] = ()


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
    with (progress or Silent()).track(f"train {order.task} {order.model}", 4 if order.ship else 3, "steps") as done:
        run = _prepared(workspace, settings, order, log)
        done(1)
        fitted, figures, baselines = _measured(run)
        done(1)
        windows = run.windows
        if windows.test is None:
            windows, fitted = _on_every_week(run, fitted)
        kept = _kept(run, windows, fitted, figures, baselines, clock(), parent=None)
        done(1)
        if order.ship:
            windows, fitted = _on_every_week(run, fitted)
            everything = Windows(train=windows.train)
            kept = _kept(run, everything, fitted, figures, baselines, clock(), parent=kept.record.run_id)
            done(1)
    return kept


@dataclass(frozen=True, slots=True)
class _Run:
    """What every step of a run needs."""

    workspace: Path
    order: Order
    settings: Settings
    learner: AnyLearner
    threads: int
    state: LakeState
    windows: Windows
    gold: Labelled
    tuned: Tuned | None
    labels: Labels
    given: NDArray[np.int8]
    log: Log
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the seconds of a phase."""
        start = time.perf_counter()
        yield
        self.seconds[name] = round(self.seconds.get(name, 0.0) + time.perf_counter() - start, 3)

    def rows(self, *spans: Span | None) -> NDArray[np.intp]:
        """Baskets of the weeks of `spans` of which no line is in quarantine: a label belongs to a whole basket."""
        weeks = [week for span in spans if span is not None for week in span.weeks]
        return np.flatnonzero(np.isin(self.gold.shop_week, weeks) & self.gold.complete)

    def fit(self, task: Task, chosen: AnyLearner, rows: NDArray[np.intp]) -> Fitted:
        """Fit `chosen` on the baskets at `rows`; the model of the order itself on its hosts."""
        if self.order.hosts > 1 and chosen is self.learner:
            place = Place(self.workspace, self.order.hosts, self.threads, self.log)
            model, facts = (chosen.name, chosen.settings), {"state": self.state.number, "tables": self.state.tables}
            return fit_on_hosts(place, task, model, self.gold, rows, self.settings.train, facts)
        baskets, label = self.gold.baskets.take(rows), self.gold.label[rows]
        return fit_model(task, chosen, baskets, label, self.settings.train, self.threads)

    def learn(self, windows: Windows) -> tuple[Fitted, NDArray[np.intp]]:
        """The order's model as it is measured: fitted before the calibration window, and calibrated on it; and the
        baskets that it was fitted on."""
        rows = self.rows(windows.train, windows.validation if windows.test else None)
        calibration = self.rows(windows.calibration)
        fitted = self.fit(self.order.task, self.learner, rows)
        return calibrated(fitted, self.gold.baskets.take(calibration), self.gold.label[calibration]), rows

    def point(self, windows: Windows) -> CurvePoint:
        """The order's model learned from `windows`, and measured on their test window."""
        (fitted, learned), held_out = self.learn(windows), self.rows(windows.test)
        answers = fitted.bundle(self.threads).predict(self.gold.baskets.take(held_out))
        found = evaluate(self.gold.label[held_out], answers.probabilities, answers.label)
        return CurvePoint(learned_weeks(windows), len(learned), found.accuracy, found.macro_f1)


def _prepared(workspace: Path, settings: Settings, order: Order, log: Log) -> _Run:
    tuned = load_tuned(open_store(workspace), order.task, order.model) if order.tuned else None
    own, changed = split_settings(tuned.settings if tuned else {})
    if order.seed is not None:
        changed["seed"] = order.seed
    settings = settings.model_copy(update={"train": settings.train.model_copy(update=changed)})
    chosen, labels = learner(order.model, own), labels_of(workspace, order.labels)
    state = lake_state(workspace)
    bounds = {
        "train_from": order.train_from,
        "train_to": order.train_to,
        "test_from": order.test_from,
        "test_to": order.test_to,
    }
    windows = split_weeks(sorted(state.weeks), settings.windows, **bounds)
    if tuned is not None:
        refuse_unfit(tuned, windows, labels.source)
    if order.ship and windows.test is None:
        raise UsageError(
            "no later week is in the lake to measure the model on before it is shipped",
            where="--ship",
            mend="leave --ship away: without test weeks the model learns from every week anyway",
        )
    if order.curve and windows.test is None:
        raise UsageError(
            "no later week is in the lake to measure a learning curve on",
            where="--curve",
            mend="leave --curve away, or let a test window follow the weeks learned from (--train-to-week)",
        )
    start = time.perf_counter()
    read = read_gold(lake_path(workspace), state, _weeks(windows))
    gold = relabelled(workspace, read, labels, _weeks(replace(windows, test=None)))
    seconds = {"read": round(time.perf_counter() - start, 3)}
    threads = settings.train.threads or os.cpu_count() or 1
    given = read.label
    return _Run(workspace, order, settings, chosen, threads, state, windows, gold, tuned, labels, given, log, seconds)


def _measured(run: _Run) -> tuple[Fitted, Figures, dict[str, dict[str, Any]]]:
    """The model fitted before the window it is measured on, its figures, and those of the simpler answers beside it."""
    windows = run.windows
    held_out = run.rows(windows.test or windows.validation)
    baskets, label = run.gold.baskets.take(held_out), run.gold.label[held_out]
    with run.phase("fit"):
        fitted, learned = run.learn(windows)
    with run.phase("measure"):
        figures = measure(fitted.bundle(run.threads), baskets, label, np.random.default_rng(run.settings.train.seed))
        figures = replace(figures, agreement=_agreement(run, fitted, held_out))
    with run.phase("guard"):
        gold = run.gold
        leakage = guard(run.order.task, gold.baskets, gold.label, learned, held_out, run.settings.train)
        figures = replace(figures, leakage=leakage)
    if run.order.curve:
        with run.phase("curve"):
            reached = figures.metrics["accuracy"], figures.metrics["macro_f1"]
            whole = CurvePoint(learned_weeks(windows), len(learned), *reached)
            fewer = fewer_weeks(windows, run.settings.windows)
            figures = replace(figures, curve=(*(run.point(each) for each in fewer), whole))
    with run.phase("baselines"):
        baselines = {"always_mm": always_mm(run.gold.label[learned], label).to_dict()}
    if run.order.task is not Task.FLAT:
        with run.phase("flat"):
            flat = run.fit(Task.FLAT, learner(_FLAT_LEARNER), learned)
            baselines["flat"] = measure(flat.bundle(run.threads), baskets, label, np.random.default_rng(0)).metrics
    return fitted, figures, baselines


def _agreement(run: _Run, fitted: Fitted, rows: NDArray[np.intp]) -> dict[str, Any] | None:
    """How a model of made labels agrees with those of the tills, on the baskets at `rows`."""
    if run.labels.source is LabelSource.GIVEN:
        return None
    answers = fitted.bundle(run.threads).predict(run.gold.baskets.take(rows))
    return agreement(run.given[rows], run.gold.label[rows], answers)


def _on_every_week(run: _Run, measured: Fitted) -> tuple[Windows, Fitted]:
    """The same model fitted on all weeks of the run, at the temperature of the measured one."""
    everything = Span.of(_weeks(run.windows))
    with run.phase("refit"):
        fitted = run.fit(run.order.task, run.learner, run.rows(everything))
    return replace(run.windows, train=everything), replace(fitted, temperature=measured.temperature)


def _kept(
    run: _Run,
    windows: Windows,
    fitted: Fitted,
    figures: Figures,
    baselines: dict[str, dict[str, Any]],
    now: datetime,
    *,
    parent: str | None,
) -> Trained:
    """Write the bundle, then the record that names it, then the mirror."""
    store = open_store(run.workspace)
    behaviour = _behaviour(run, windows, fitted)
    data = DataState(run.state.number, dict(run.state.tables), _sources(run))
    described = {
        "learner": dict(run.learner.settings),
        "train": run.settings.train.model_dump(),
        "windows": run.settings.windows.model_dump(),
        "tuned": {"study": run.tuned.study, "macro_f1": run.tuned.value} if run.tuned else None,
        "labels": asdict(run.labels),
        "hosts": run.order.hosts,
    }
    identity = msgspec.json.encode([asdict(data), described, asdict(windows), parent], order="sorted")
    record = RunRecord(
        run_id=new_run_id(run.order.task, run.order.model, now, digest_of(identity)),
        task=run.order.task,
        model=run.order.model,
        created_at=now,
        seed=run.settings.train.seed,
        settings=described,
        windows=windows,
        data=data,
        metrics=figures.metrics,
        metrics_from=_metrics_from(windows, parent),
        intervals=figures.intervals,
        importance=figures.importance,
        baselines=baselines,
        train_baskets=len(run.rows(windows.train, windows.validation if windows.test else None)),
        test_baskets=figures.baskets,
        bundle_digest="",
        seconds=dict(run.seconds),
        libraries={name: version(name) for name in _LIBRARIES},
        parent=parent,
        label_source=run.labels.source,
        agreement=figures.agreement,
        slices=figures.slices,
        attributions=figures.attributions,
        leakage=figures.leakage,
        behaviour=behaviour,
        curve=figures.curve,
    )
    record = msgspec.structs.replace(record, bundle_digest=_write(run, record, fitted))
    save_run(store, record)
    try:
        mirror_run(run.workspace / DATABASE, record)
    except PlaceError as error:
        return Trained(record, (f"{error}; {error.mend}",))
    return Trained(record)


def _behaviour(run: _Run, windows: Windows, fitted: Fitted) -> tuple[Trial, ...]:
    """Trials of the model that is kept, with baskets that it learned from."""
    answer, rng = fitted.bundle(run.threads).predict, np.random.default_rng(run.settings.train.seed)
    rows = rng.permutation(run.rows(windows.train))[:_TRIED_BASKETS]
    baskets, label = run.gold.baskets.take(rows), run.gold.label[rows]
    with run.phase("behaviour"):
        trials = try_invariance(answer, baskets, rng)
        # Labels by customer do not follow from products, so that no product is evidence of one.
        if fitted.products is not None and run.labels.source is not LabelSource.CUSTOMER_FILE:
            trials += try_behaviour(answer, baskets, label, np.asarray(fitted.prior), rng)
    return trials


def _write(run: _Run, record: RunRecord, fitted: Fitted) -> str:
    """Write the bundle and return its digest."""
    runs = [*list_runs(open_store(run.workspace)), record]
    uses = test_window_uses(runs, record.task, record.windows.test) if record.windows.test else 0
    manifest = manifest_of(
        fitted,
        run_id=record.run_id,
        model=record.model,
        created_at=record.created_at,
        last_learned_week=record.windows.last_learned_week,
        windows=asdict(record.windows),
        data=asdict(record.data),
        metrics=record.metrics,
        metrics_from=record.metrics_from,
        parent=record.parent,
        libraries=record.libraries,
        label_source=record.label_source,
    )
    files = fitted.files() | {"card.md": render_card(record, uses).encode()}
    return write_bundle(bundle_path(run.workspace, record.run_id), manifest, files)


def _metrics_from(windows: Windows, parent: str | None) -> Literal["test", "validation", "parent"]:
    if parent is not None:
        return "parent"
    return "test" if windows.test else "validation"


def _sources(run: _Run) -> dict[str, str]:
    """Name of each source file behind the weeks of the run, by sha256."""
    digests = {digest for week in _weeks(run.windows) for digest in run.state.weeks[week].sources}
    return {digest: run.state.sources[digest].name for digest in sorted(digests)}


def _weeks(windows: Windows) -> list[int]:
    spans = (windows.train, windows.validation, windows.calibration, windows.test)
    return sorted({week for span in spans if span is not None for week in span.weeks})
