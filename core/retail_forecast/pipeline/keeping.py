"""Keeping a fitted model: its bundle, then the run of record that names it, then the mirror in MLflow."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np

from retail_forecast.bundle.manifest import digest_of, write_bundle
from retail_forecast.clouds.faults import told_as_place
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import PlaceError
from retail_forecast.domain.labels import LabelSource
from retail_forecast.domain.tasks import Task
from retail_forecast.models.behaviour import try_behaviour, try_invariance
from retail_forecast.models.figures import Figures
from retail_forecast.models.findings import Trial
from retail_forecast.models.fitting import Fitted, manifest_of
from retail_forecast.models.learners import AnyLearner, VectorLearner
from retail_forecast.pipeline.learning import Run
from retail_forecast.pipeline.material import Material
from retail_forecast.pipeline.registry import publish_runs, registry_store
from retail_forecast.pipeline.workspace import bundle_path, registry_folder, registry_path
from retail_forecast.registry.machine import peak_memory_mib, this_machine
from retail_forecast.registry.record import DataState, RunRecord, Windows
from retail_forecast.registry.runs import list_runs, new_run_id, save_beside, save_run, test_window_uses
from retail_forecast.registry.tracking import DATABASE, mirror_run
from retail_forecast.report.card import card_files

__all__ = ["Measured", "Trained", "keep", "libraries_of"]

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "xgboost-cpu", "onnx", "onnxruntime", "retail-forecast")
_TRIED_BASKETS = 50_000
_SECONDS_AN_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Measured:
    """A fitted model and its figures, beside those of simpler answers on the same baskets, by name."""

    fitted: Fitted
    figures: Figures
    baselines: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Trained:
    """A run that is safely on record; `warnings` says what beside it failed, such as its mirror in MLflow."""

    record: RunRecord
    warnings: tuple[str, ...] = ()


def keep(run: Run, windows: Windows, measured: Measured, now: datetime, *, parent: str | None = None) -> Trained:
    """Write the bundle and the record of `run`.

    Parameters
    ----------
    windows : those that the model was fitted on
    parent : the run whose figures these are, when the model is a refit

    Raises
    ------
    PlaceError : the registry cannot be written; the run is kept in the workspace until a repeat publishes it
    """
    behaviour = _behaviour(run, windows, measured.fitted)
    record = _record(run, windows, measured, behaviour, now, parent)
    workspace = run.material.workspace
    uses = _window_uses(workspace, record)
    digest = _write(workspace, record, measured.fitted, uses)
    record = msgspec.structs.replace(record, bundle_digest=digest)
    here = open_store(registry_folder(workspace))
    save_run(here, record)
    save_beside(here, record.run_id, card_files(record, uses))
    publish_runs(workspace)
    try:
        mirror_run(workspace / DATABASE, record)
    except PlaceError as error:
        return Trained(record, (f"{error}; {error.mend}",))
    return Trained(record)


def _record(
    run: Run, windows: Windows, measured: Measured, behaviour: tuple[Trial, ...], now: datetime, parent: str | None
) -> RunRecord:
    material, settings, figures = run.material, run.choice.settings, measured.figures
    data = DataState(material.state.number, dict(material.state.tables), _sources(material))
    described = _described(run, measured.fitted)
    identity = msgspec.json.encode([asdict(data), described, asdict(windows), parent], order="sorted")
    return RunRecord(
        run_id=new_run_id(run.order.task, run.choice.learner.name, now, digest_of(identity)),
        task=run.order.task,
        model=run.choice.learner.name,
        created_at=now,
        seed=settings.train.seed,
        settings=described,
        windows=windows,
        data=data,
        metrics=figures.metrics,
        metrics_from=_metrics_from(windows, parent),
        intervals=figures.intervals,
        importance=figures.importance,
        baselines=measured.baselines,
        train_baskets=len(material.rows(windows.train, windows.validation if windows.test else None)),
        test_baskets=figures.baskets,
        bundle_digest="",
        seconds=dict(run.seconds),
        libraries=libraries_of(run.choice.learner),
        parent=parent,
        label_source=material.labels.source,
        agreement=figures.agreement,
        slices=figures.slices,
        attributions=figures.attributions,
        leakage=figures.leakage,
        behaviour=behaviour,
        curve=figures.curve,
        order=asdict(run.order),
        machine=this_machine(material.threads),
        peak_memory_mib=peak_memory_mib(),
        cost_usd=_cost(run.seconds, settings.machine_usd_hour),
    )


def _cost(seconds: Mapping[str, float], usd_hour: float | None) -> float | None:
    return None if usd_hour is None else sum(seconds.values()) / _SECONDS_AN_HOUR * usd_hour


def _described(run: Run, fitted: Fitted) -> dict[str, Any]:
    """The settings that were in force, and the decision rule."""
    settings, tuned = run.choice.settings, run.choice.tuned
    return {
        "learner": dict(run.choice.learner.settings),
        "train": settings.train.model_dump(),
        "windows": settings.windows.model_dump(),
        "tuned": {"study": tuned.study, "macro_f1": tuned.value} if tuned else None,
        "labels": asdict(run.material.labels),
        "hosts": run.order.hosts,
        "weights": fitted.weights,
    }


def libraries_of(chosen: AnyLearner) -> dict[str, str]:
    """Versions of the libraries that decide what `chosen` learns."""
    names = (*_LIBRARIES, "torch") if isinstance(chosen, VectorLearner) else _LIBRARIES
    return {name: version(name) for name in names}


def _behaviour(run: Run, windows: Windows, fitted: Fitted) -> tuple[Trial, ...]:
    """Trials of the model that is kept, with baskets that it learned from."""
    material, rng = run.material, np.random.default_rng(run.choice.settings.train.seed)
    answer = fitted.bundle(material.threads).predict
    rows = rng.permutation(material.rows(windows.train))[:_TRIED_BASKETS]
    baskets, label = material.gold.baskets.take(rows), material.gold.label[rows]
    with run.phase("behaviour"):
        trials = try_invariance(answer, baskets, rng)
        # Labels by customer do not follow from products, so that no product is evidence of one.
        if fitted.task in (Task.BASKET, Task.COARSE) and material.labels.source is not LabelSource.CUSTOMER_FILE:
            trials += try_behaviour(answer, baskets, label, np.asarray(fitted.prior), rng)
    return trials


def _window_uses(workspace: Path, record: RunRecord) -> int | None:
    """How many runs took figures from the run's test window, itself included; None where the registry cannot be read,
    for what was learned must not be lost by that."""
    test = record.windows.test
    if test is None:
        return 0
    place = registry_path(workspace)
    try:
        with told_as_place(place):
            runs = list_runs(registry_store(workspace))
    except PlaceError:
        return None
    return test_window_uses([*runs, record], record.task, test)


def _write(workspace: Path, record: RunRecord, fitted: Fitted, window_uses: int | None) -> str:
    """Write the bundle and return its digest."""
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
    files = fitted.files() | card_files(record, window_uses)
    return write_bundle(bundle_path(workspace, record.run_id), manifest, files)


def _metrics_from(windows: Windows, parent: str | None) -> Literal["test", "validation", "parent"]:
    if parent is not None:
        return "parent"
    return "test" if windows.test else "validation"


def _sources(material: Material) -> dict[str, str]:
    """Name of each source file behind the weeks of the run, by sha256."""
    state = material.state
    digests = {digest for week in material.windows.weeks for digest in state.weeks[week].sources}
    return {digest: state.sources[digest].name for digest in sorted(digests)}
