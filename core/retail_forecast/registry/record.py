"""The record of one training run: what it read, did and reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from retail_forecast.domain.labels import LabelSource
from retail_forecast.domain.tasks import Task
from retail_forecast.models.bootstrap import Interval
from retail_forecast.models.findings import CurvePoint, Leakage, Slice, Trial
from retail_forecast.registry.machine import Machine

__all__ = ["SIMPLER", "DataState", "RunRecord", "Span", "Windows"]

SIMPLER = ("always_mm", "flat")
"""Names of the answers that need less than the model does: one for all baskets, or nine columns."""


@dataclass(frozen=True, slots=True)
class Span:
    """Weeks of one window, YYYYWW.

    Attributes
    ----------
    first, last : its ends, inclusive
    weeks : the weeks between them that are present, ascending
    """

    first: int
    last: int
    weeks: tuple[int, ...]

    @classmethod
    def of(cls, weeks: Sequence[int]) -> "Span":
        """The span of `weeks`, at least one, in any order."""
        present = tuple(sorted({int(week) for week in weeks}))
        return cls(present[0], present[-1], present)


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of a run in time order; None is a window that the run did without."""

    train: Span
    validation: Span | None = None
    calibration: Span | None = None
    test: Span | None = None

    @property
    def last_learned_week(self) -> int:
        """Last week that anything was learned from: weights, stopping or calibration."""
        return max(span.last for span in (self.train, self.validation, self.calibration) if span is not None)

    @property
    def weeks(self) -> tuple[int, ...]:
        """The weeks of all windows, ascending."""
        spans = (self.train, self.validation, self.calibration, self.test)
        return tuple(sorted({week for span in spans if span is not None for week in span.weeks}))


@dataclass(frozen=True, slots=True)
class DataState:
    """What a run read.

    Attributes
    ----------
    number : lake state
    tables : version of each table in it
    sources : name of each source file behind it, by sha256
    """

    number: int
    tables: dict[str, int]
    sources: dict[str, str]


class RunRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One training run.

    Attributes
    ----------
    run_id, task, model : name of the run, its task and its kind of learner
    created_at : when training began, UTC
    seed, settings : of the run, as they were in force
    windows : weeks of train, validation, calibration and test
    data : state of the lake that was read
    metrics : `Metrics.to_dict()`
    metrics_from : the baskets behind them: the test window, the validation window when no later week was there, or
        the parent's test window when this run is a refit with the parent's settings
    intervals : of the metrics, by the names that `bootstrap.intervals` gives
    importance : macro F1 lost when a feature is shuffled, by feature, largest first
    baselines : metrics of other answers on the same baskets, by name: those of SIMPLER, and ways of this model itself
    train_baskets, test_baskets : baskets learned from, and behind the metrics
    bundle_digest : digest of the bundle's manifest
    parent : run whose settings and figures this refit carries
    label_source : where the labels come from that were learned, and that all figures but `agreement` are measured by
    agreement : figures of the model, and of the rule that made its labels, by the labels of the tills; None where the
        labels are those, or the tills give none
    slices : figures per kind of basket
    attributions : mean absolute SHAP value of each feature, largest first; empty for learners that have none
    curve : figures on the same baskets after fewer weeks of learning, when they were asked for
    leakage : what the leakage guard found
    behaviour : trials of the model that the bundle holds
    seconds : wall time per phase [s]
    libraries : versions of the libraries that matter
    order : what was asked for, by the fields of `pipeline.order.Order`; None in records older than this field
    machine : where the model was made; None in records older than this field
    peak_memory_mib : the most memory that the process had needed when the run was kept; None in older records [MiB]
    cost_usd : price of the `seconds` on the machine; None where no price of an hour was set [USD]
    """

    run_id: str
    task: Task
    model: str
    created_at: Annotated[datetime, msgspec.Meta(tz=True)]
    seed: int
    settings: dict[str, Any]
    windows: Windows
    data: DataState
    metrics: dict[str, Any]
    metrics_from: Literal["test", "validation", "parent"]
    intervals: dict[str, Interval]
    importance: dict[str, float]
    baselines: dict[str, dict[str, Any]]
    train_baskets: int
    test_baskets: int
    bundle_digest: str
    seconds: dict[str, float]
    libraries: dict[str, str]
    parent: str | None = None
    label_source: LabelSource = LabelSource.GIVEN
    agreement: dict[str, Any] | None = None
    slices: tuple[Slice, ...] = ()
    attributions: dict[str, float] = {}
    curve: tuple[CurvePoint, ...] = ()
    leakage: Leakage | None = None
    behaviour: tuple[Trial, ...] = ()
    order: dict[str, Any] | None = None
    machine: Machine | None = None
    peak_memory_mib: int | None = None
    cost_usd: float | None = None

    def __post_init__(self) -> None:
        if (self.metrics_from == "parent") != (self.parent is not None):
            raise ValueError("a run with a parent carries the parent's figures, and no other run does")
        window = {"test": self.windows.test, "validation": self.windows.validation, "parent": self.windows.train}
        if window[self.metrics_from] is None:
            raise ValueError(f"figures are said to be of the {self.metrics_from} window, which the run does not have")
