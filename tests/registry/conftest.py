"""Runs as training would record them, with figures that a test can choose."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from retail_forecast.domain.tasks import Task
from retail_forecast.models.bootstrap import Interval
from retail_forecast.models.findings import Leakage, Trial, Twin
from retail_forecast.registry.record import DataState, RunRecord, Span, Windows

MakeRun = Callable[..., RunRecord]


def _metrics(accuracy: float, macro_f1: float, precision: float) -> dict[str, Any]:
    tiers = ("LA", "MM", "UM")
    figures = {
        "n": 300,
        "accuracy": accuracy,
        "macro_f1": macro_f1,
        "log_loss": 0.125,
        "ece": 0.0625,
        "precision": dict.fromkeys(tiers, precision),
        "recall": dict.fromkeys(tiers, accuracy),
        "f1": dict.fromkeys(tiers, macro_f1),
        "confusion": {tier: dict.fromkeys((*tiers, "XX"), 25) for tier in tiers},
        "reliability": [{"confidence": 0.9, "accuracy": accuracy, "count": 300}],
    }
    return figures | {"with_xx": dict(figures)}


@pytest.fixture
def make_run() -> MakeRun:
    def make(
        run_id: str = "basket-logistic-20261122T152700-1a2b3c",
        *,
        accuracy: float = 0.95,
        macro_f1: float = 0.94,
        precision: float = 0.93,
        **changes: object,
    ) -> RunRecord:
        record = RunRecord(
            run_id=run_id,
            task=Task.BASKET,
            model="logistic",
            created_at=datetime(2026, 11, 22, 15, 27, tzinfo=UTC),
            seed=7,
            settings={"c": 1.0, "train": {"folds": 3}},
            windows=Windows(
                train=Span.of([200701, 200702, 200704]),
                validation=Span.of([200705]),
                calibration=Span.of([200706]),
                test=Span.of([200707, 200708]),
            ),
            data=DataState(number=4, tables={"gold": 3, "silver": 5}, sources={"ab" * 32: "transactions_200701.csv"}),
            metrics=_metrics(accuracy, macro_f1, precision),
            metrics_from="test",
            intervals={"macro_f1": Interval(macro_f1 - 0.02, macro_f1 + 0.02, macro_f1 - 0.015, 0.95)},
            importance={"lean_sum": 0.5, "spend": 0.0},
            baselines={"always_mm": _metrics(0.53, 0.23, 0.18), "flat": _metrics(0.54, 0.44, 0.5)},
            train_baskets=4321,
            test_baskets=300,
            bundle_digest="sha256:" + "c" * 64,
            seconds={"read": 1.5, "fit": 10.25},
            libraries={"numpy": "2.4.6"},
            leakage=Leakage((), 600, 300, Twin(0.82, 0.43, 6400, 1000)),
            behaviour=(Trial("the order of lines changes nothing", 300, 1.0, 1.0),),
        )
        return msgspec.structs.replace(record, **changes)

    return make
