"""Reports as a run would make them: small arrays, judged by the functions that judge the real ones."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from obstore.store import MemoryStore

from retail_forecast.domain.labels import LABELS
from retail_forecast.domain.settings import GateSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.models.bootstrap import basket_clusters, intervals
from retail_forecast.models.evaluation import always_mm, evaluate, likeliest
from retail_forecast.models.findings import CurvePoint, Leakage, Slice, Trial, Twin
from retail_forecast.registry.champion import promote
from retail_forecast.registry.gate import decide
from retail_forecast.registry.record import DataState, RunRecord, Span, Windows
from retail_forecast.report.data import LakeFacts, ReportData, ServedPrediction, WeekFacts

MakeReport = Callable[..., ReportData]

NOW = datetime(2026, 11, 22, 16, 5, tzinfo=UTC)
RUN = "basket-xgboost-20261122T152700-1a2b3c"
BASKETS = 400


def _probabilities(label: NDArray[np.int8], rng: np.random.Generator, skill: float) -> NDArray[np.float64]:
    scores = rng.random((len(label), len(LABELS))) + skill * np.eye(len(LABELS))[label]
    found: NDArray[np.float64] = scores / scores.sum(axis=1, keepdims=True)
    return found


@pytest.fixture(scope="session")
def run_record() -> RunRecord:
    """A run whose figures come from the functions that give a real run its own."""
    rng = np.random.default_rng(7)
    label = rng.choice(4, BASKETS, p=[0.23, 0.5, 0.24, 0.03]).astype(np.int8)
    probabilities = _probabilities(label, rng, 0.75)
    clusters = basket_clusters(rng.integers(-1, 60, BASKETS).astype(np.int32))
    return RunRecord(
        run_id=RUN,
        task=Task.BASKET,
        model="xgboost",
        created_at=datetime(2026, 11, 22, 15, 27, tzinfo=UTC),
        seed=7,
        settings={"folds": 3},
        windows=Windows(
            Span.of([200649, 200650, 200652]), Span.of([200701]), Span.of([200702]), Span.of([200703, 200704])
        ),
        data=DataState(4, {"gold": 3, "silver": 5}, {"transactions_200649.csv": "ab" * 32}),
        metrics=evaluate(label, probabilities).to_dict(),
        metrics_from="test",
        intervals=intervals(label, likeliest(probabilities), clusters, rng, draws=100),
        importance={"balance": 0.2134, "mean_lean_la": 0.1021, "lines": -0.0004},
        baselines={
            "always_mm": always_mm(label, label).to_dict(),
            "flat": evaluate(label, _probabilities(label, rng, 0.3)).to_dict(),
        },
        train_baskets=12345,
        test_baskets=BASKETS,
        bundle_digest="c" * 64,
        seconds={"read": 1.5, "fit": 10.25},
        libraries={"numpy": "2.4.6"},
        leakage=Leakage((), 600, 300, Twin(0.82, 0.43, 6400, 1000)),
        behaviour=(Trial("the order of lines changes nothing", 300, 1.0, 1.0),),
        slices=(Slice("region", "E01", 250, 0.9, 0.88), Slice("region", "E02", 40, 0.5, 0.4)),
        attributions={"balance": 1.25, "mean_lean_la": 0.5, "lines": 0.125},
        curve=(CurvePoint(4, 1000, 0.9, 0.89), CurvePoint(12, 3000, 0.95, 0.94)),
    )


@pytest.fixture(scope="session")
def lake_facts() -> LakeFacts:
    """Seven weeks, one of them missing, with some lines in quarantine and a file that was refused."""
    labels = {"LA": 20, "MM": 50, "UM": 25, "XX": 5}
    weeks = (200649, 200650, 200652, 200701, 200702, 200703, 200704)
    refused = {"file": "bad.csv", "code": "TRUNCATED_GZIP", "reason": "it ends early", "mend": "copy it again"}
    return LakeFacts(
        ingests=(
            {
                "state": 1, "files": 7, "rows_read": 4215, "rows_silver": 4200, "rows_quarantined": 15, "baskets": 700,
                "refused": [refused], "reasons": {"R_TREE": 12, "R_DUPLICATE": 9},
            },
        ),
        weeks={week: WeekFacts(100, 600, 15 if week == 200650 else 0, labels) for week in weeks},
    )  # fmt: skip


@pytest.fixture(scope="session")
def served() -> ServedPrediction:
    """A basket of two lines and the answer to it."""
    lines = [
        {"prod_code": "PRD0900005", "prod_code_10": "CL00155", "quantity": 1, "spend_gbp": 1.01},
        {"prod_code": None, "quantity": 2, "spend_gbp": 3.5},
    ]
    answer = {
        "basket_id": "994110500233340", "label": "LA", "sensitivity": "High", "unknown_share": 0.5, "task": "basket",
        "probabilities": {"LA": 0.7321, "MM": 0.2, "UM": 0.0679, "XX": 0.0}, "model_version": RUN,
    }  # fmt: skip
    request = {"basket_id": "994110500233340", "store_code": "STORE00001", "lines": lines}
    return ServedPrediction(request, answer, 4.8123, (2.5, -0.25))


@pytest.fixture(scope="session")
def make_report(run_record: RunRecord, lake_facts: LakeFacts, served: ServedPrediction) -> MakeReport:
    """Makes the data of a report on a promoted run, with the changes asked for."""

    def make(**changes: Any) -> ReportData:
        settings = GateSettings()
        decision = decide(run_record, settings)
        champion = promote(MemoryStore(), run_record, decision, replaces=None, who="dana", why="first model", when=NOW)
        whole = ReportData(run_record, settings.basket, champion, decision, lake_facts, served, 3, NOW)
        return replace(whole, **changes)

    return make
