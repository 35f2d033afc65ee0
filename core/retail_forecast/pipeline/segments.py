"""Segments: one row per customer out of the baskets known as of a week, for promotions and for the report.

As of a week means: once the file of that week is in. Baskets of later weeks are not looked at; corrections of earlier
weeks that the lake holds by now are. Whether the model itself learned from later weeks is told beside the rows.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retail_forecast.bundle.scorer import Bundle
from retail_forecast.domain.labels import TIERS
from retail_forecast.domain.progress import Progress, Silent
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.columnar import pence
from retail_forecast.lake.customers import read_customers
from retail_forecast.lake.reading import read_gold
from retail_forecast.lake.state import LakeState
from retail_forecast.models.segments import LAPSED_WEEKS, PROMOTIONS, Bought, Segments, reasons, segments
from retail_forecast.pipeline.predict import require_format, write_table
from retail_forecast.pipeline.resolve import resolve_bundle
from retail_forecast.pipeline.workspace import lake_path, lake_state
from retail_forecast.report.data import SegmentFacts, TierFacts

__all__ = ["FORMATS", "read_segment_facts", "segment_customers"]

FORMATS = (".parquet", ".csv")

_FACTS = "reports/segments.json"
_WEEKS_AT_ONCE = 13


@dataclass(frozen=True, slots=True)
class _Known:
    """n baskets as segments need them: the number of each one's customer, -1 where anonymous, and its probabilities."""

    customer: NDArray[np.int64]
    probabilities: NDArray[np.float64]


def segment_customers(
    workspace: Path,
    settings: Settings,
    output: Path,
    *,
    as_of_week: int,
    model: str,
    clock: Callable[[], datetime],
    progress: Progress | None = None,
) -> SegmentFacts:
    """Write one row per customer who is known as of `as_of_week`, and keep the counts for the report.

    The columns are customer, tier, p_LA, p_MM, p_UM, confidence, spend_gbp, baskets, last_week, recency_weeks,
    promotion_tier, promotion, why, as_of_week and model_version, ordered by customer.

    Parameters
    ----------
    output : ends in .parquet or .csv
    model : "champion" or a run of task `basket`

    Raises
    ------
    UsageError : the output's name says no known format, the week is not in the lake, or the model is unknown
    """
    require_format(output, FORMATS)
    bundle = resolve_bundle(workspace, model, Task.BASKET, settings.train.threads or os.cpu_count() or 1)
    state = lake_state(workspace)
    customers = read_customers(lake_path(workspace), state, as_of_week)
    known = _known(workspace, state, customers["customer"].to_pylist(), as_of_week, bundle, progress or Silent())
    rng = np.random.default_rng(settings.train.seed)
    found = segments(known.customer, known.probabilities, _bought(customers), rng)
    write_table(_table(customers, found, as_of_week, bundle.manifest.run_id), output)
    facts = _facts(found, as_of_week, bundle, clock())
    kept = workspace / _FACTS
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(msgspec.json.encode(facts))
    return facts


def read_segment_facts(workspace: Path) -> SegmentFacts | None:
    """Counts of the segments written last; None while there are none."""
    kept = workspace / _FACTS
    return msgspec.json.decode(kept.read_bytes(), type=SegmentFacts) if kept.is_file() else None


def _bought(customers: pa.Table) -> Bought:
    baskets, recency = (np.asarray(customers[name], np.int64) for name in ("baskets", "recency_weeks"))
    return Bought(pence(customers["spend_gbp"].combine_chunks()), baskets, recency)


def _known(
    workspace: Path, state: LakeState, customers: Sequence[str], as_of_week: int, bundle: Bundle, progress: Progress
) -> _Known:
    """The baskets of weeks up to `as_of_week`, answered a quarter of a year at a time, so that memory is bounded."""
    numbers = {code: number for number, code in enumerate(customers)}
    weeks = sorted(week for week in state.weeks if week <= as_of_week)
    parts = []
    with progress.track("baskets", len(weeks), "weeks") as done:
        for first in range(0, len(weeks), _WEEKS_AT_ONCE):
            chosen = weeks[first : first + _WEEKS_AT_ONCE]
            baskets = read_gold(lake_path(workspace), state, chosen).baskets
            parts.append((baskets.customer.lookup(numbers), bundle.predict(baskets).probabilities))
            done(len(chosen))
    customer, probabilities = (np.concatenate(column) for column in zip(*parts, strict=True))
    return _Known(customer.astype(np.int64), probabilities)


def _table(customers: pa.Table, found: Segments, as_of_week: int, run_id: str) -> pa.Table:
    names = pa.array([str(tier) for tier in TIERS])
    promotions = pa.array([PROMOTIONS[tier] for tier in TIERS])
    count = len(customers)
    return pa.table(
        {
            "customer": customers["customer"],
            "tier": names.take(pa.array(found.tier)),
            **{f"p_{tier}": pa.array(np.ascontiguousarray(found.probabilities[:, i])) for i, tier in enumerate(TIERS)},
            "confidence": pa.array(found.confidence),
            "spend_gbp": pa.array(found.bought.spend_pence / 100),
            "baskets": customers["baskets"],
            "last_week": customers["last_week"],
            "recency_weeks": customers["recency_weeks"],
            "promotion_tier": names.take(pa.array(found.promotion)),
            "promotion": promotions.take(pa.array(found.promotion)),
            "why": pa.array(reasons(found), pa.string()),
            "as_of_week": pa.array(np.full(count, as_of_week, np.int32)),
            "model_version": pa.array([run_id] * count, pa.string()),
        }
    )


def _facts(found: Segments, as_of_week: int, bundle: Bundle, now: datetime) -> SegmentFacts:
    tiers = {
        str(tier): TierFacts(
            customers=int((found.tier == i).sum()),
            spend_gbp=int(found.bought.spend_pence[found.tier == i].sum()) / 100,
            baskets=int(found.bought.baskets[found.tier == i].sum()),
            lapsed=int((found.bought.recency_weeks[found.tier == i] > LAPSED_WEEKS).sum()),
            promoted=int((found.promotion == i).sum()),
        )
        for i, tier in enumerate(TIERS)
    }
    learned = bundle.manifest.last_learned_week
    return SegmentFacts(as_of_week, bundle.manifest.run_id, learned, now, tiers)
