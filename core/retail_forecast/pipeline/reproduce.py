"""Reproduce: train a recorded run again from what it read, and compare the model with the one on record.

The same order on the same lake state must give the same model, bit by bit, where libraries, processor and threads are
those of the record. Elsewhere sums may be taken in another order; there the figures must agree within 0.001.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import msgspec

from retail_forecast.bundle.manifest import Manifest, model_digest, read_manifest, write_bundle
from retail_forecast.clouds.local_hosts import Log, silent
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.labels import LabelSource
from retail_forecast.domain.settings import Settings, TrainSettings, WindowSettings
from retail_forecast.models.fitting import Fitted, manifest_of
from retail_forecast.models.learners import learner
from retail_forecast.pipeline.keeping import libraries_of
from retail_forecast.pipeline.labelling import Labels, kept_customers
from retail_forecast.pipeline.learning import Choice, Run
from retail_forecast.pipeline.material import read_material
from retail_forecast.pipeline.order import Order, windows_of
from retail_forecast.pipeline.registry import fetched_bundle, registry_store
from retail_forecast.pipeline.train import repeat
from retail_forecast.pipeline.workspace import lake_state
from retail_forecast.registry.machine import this_machine
from retail_forecast.registry.record import RunRecord
from retail_forecast.registry.runs import load_run

__all__ = ["TOLERANCE", "Reproduction", "compare_figures", "judge", "reproduce"]

TOLERANCE = 0.001
"""How far a figure may lie from the record's where libraries, processor or threads differ."""

Verdict = Literal["identical", "equivalent", "different"]


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What training again came to.

    Attributes
    ----------
    run_id, lake_state : the run, and the state that it was trained from again
    recorded, reproduced : digests of both models (`bundle.manifest.model_digest`)
    elsewhere : what differs from the record's circumstances, "name: then -> now"; empty on the same ground
    differences : how far each figure lies from the record's
    verdict : identical (same digest), equivalent (elsewhere, figures within TOLERANCE) or different
    """

    run_id: str
    lake_state: int
    recorded: str
    reproduced: str
    elsewhere: tuple[str, ...]
    differences: Mapping[str, float]
    verdict: Verdict


def reproduce(workspace: Path, settings: Settings, run_id: str, *, log: Log = silent) -> Reproduction:
    """Train `run_id` again from its lake state, with its order and settings. Nothing is kept.

    Parameters
    ----------
    settings : of the workspace, for what is no part of the record, such as bounds of memory
    log : is told what each of several hosts writes

    Raises
    ------
    UsageError : no such run, or its record is older than the order in it
    BundleError : its bundle is gone or damaged
    DataError, PlaceError : what it read is gone
    """
    record = load_run(registry_store(workspace), run_id)
    bundle = read_manifest(fetched_bundle(workspace, run_id, record.bundle_digest), record.bundle_digest)
    run = _begun(workspace, settings, record, log)
    measured = repeat(run, shipped=record.parent is not None)
    elsewhere = _elsewhere(record, run)
    recorded, reproduced = model_digest(bundle), _digest(measured.fitted, bundle)
    differences = compare_figures(record.metrics, measured.figures.metrics)
    verdict = judge(recorded == reproduced, bool(elsewhere), differences)
    return Reproduction(run_id, record.data.number, recorded, reproduced, elsewhere, differences, verdict)


def judge(same: bool, elsewhere: bool, differences: Mapping[str, float]) -> Verdict:
    """The verdict: equal digests are needed on the same ground, close figures elsewhere.

    >>> judge(False, True, {"macro_f1": 0.0004}), judge(False, False, {"macro_f1": 0.0004})
    ('equivalent', 'different')
    """
    if same:
        return "identical"
    return "equivalent" if elsewhere and all(d <= TOLERANCE for d in differences.values()) else "different"


def compare_figures(recorded: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, float]:
    """Absolute differences of accuracy, macro F1, and precision, recall and F1 of each tier."""
    names = [
        ("accuracy",),
        ("macro_f1",),
        *((rate, tier) for rate in ("precision", "recall", "f1") for tier in recorded[rate]),
    ]
    return {".".join(path): abs(_at(recorded, path) - _at(found, path)) for path in names}


def _at(figures: Mapping[str, Any], path: tuple[str, ...]) -> float:
    found: Any = figures
    for name in path:
        found = found[name]
    return float(found)


def _begun(workspace: Path, settings: Settings, record: RunRecord, log: Log) -> Run:
    """The run as it stood before it learned anything."""
    if record.order is None or record.machine is None:
        raise UsageError(
            "the run was recorded before orders were kept with it",
            where=record.run_id,
            mend="train it again with the same options: the new run can be reproduced",
        )
    threads = record.machine.threads
    described = record.settings
    train = TrainSettings.model_validate(described["train"] | {"threads": threads})
    windows = WindowSettings.model_validate(described["windows"])
    settings = settings.model_copy(update={"train": train, "windows": windows})
    labels = msgspec.convert(described["labels"], Labels)
    order = replace(msgspec.convert(record.order, Order), curve=False, cloud=None)
    if labels.source is LabelSource.CUSTOMER_FILE:
        order = replace(order, labels=str(kept_customers(workspace, labels)))
    state = lake_state(workspace, record.data.number)
    material = read_material(workspace, settings, order.labels, state, windows_of(order, settings, state))
    return Run(order, Choice(learner(record.model, described["learner"]), settings, None), material, log)


def _elsewhere(record: RunRecord, run: Run) -> tuple[str, ...]:
    then = record.libraries | {name: str(value) for name, value in asdict(record.machine).items()}  # type: ignore[arg-type]
    machine = asdict(this_machine(run.material.threads))
    now = libraries_of(run.choice.learner) | {name: str(value) for name, value in machine.items()}
    return tuple(
        f"{name}: {then.get(name)} -> {now.get(name)}"
        for name in sorted({*then, *now})
        if then.get(name) != now.get(name)
    )


def _digest(fitted: Fitted, bundle: Manifest) -> str:
    with TemporaryDirectory(prefix="retail-forecast-reproduce-") as folder:
        manifest = manifest_of(
            fitted,
            run_id=bundle.run_id,
            model=bundle.model,
            created_at=bundle.created_at,
            last_learned_week=bundle.last_learned_week,
        )
        write_bundle(Path(folder), manifest, fitted.files())
        return model_digest(read_manifest(Path(folder)))
