"""What a customer's past says of the next quarter: log loss by the weight of the average shopper, and whether the tier
still leads.

    python benchmarks/segments.py [--workspace DIR]

Labels of the lake are counted, not predictions. The last 13 weeks of the lake are left alone; the 13 weeks before them
are the next quarter. Without `--workspace` simulated weeks are used.
"""

import argparse
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.labels import LABELS, TIERS, Label
from retail_forecast.domain.settings import LakeSettings
from retail_forecast.lake.ingest import ingest
from retail_forecast.lake.reading import Labelled, read_gold
from retail_forecast.models.segments import PRIOR_BASKETS, Bought, segments
from retail_forecast.pipeline.workspace import lake_path, lake_state
from retail_forecast.simulation.spec import TillSpec
from retail_forecast.simulation.tills import simulate

QUARTER = 13
WEIGHTS = (1.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 32.0)


def baskets_of(workspace: Path) -> tuple[Labelled, list[int]]:
    state = lake_state(workspace)
    weeks = sorted(state.weeks)[:-QUARTER]
    return read_gold(lake_path(workspace), state, weeks), weeks


def shares(gold: Labelled, weeks: Sequence[int], size: int, weight: float) -> NDArray[np.float64]:
    """Smoothed shares of the tiers of customers 0 to size - 1 after `weeks`; nan for those who were not there."""
    rows = np.flatnonzero(np.isin(gold.shop_week, weeks))
    owner = gold.baskets.customer.index[rows].astype(np.int64)
    present, number = np.unique(np.append(owner, -1), return_inverse=True)
    nothing = np.zeros(0, np.int64)
    eye = np.eye(len(LABELS))[gold.label[rows]]
    found = segments(number[:-1] - 1, eye, Bought(nothing, nothing, nothing), np.random.default_rng(0), weight)
    out = np.full((size, len(TIERS)), np.nan)
    out[present[1:]] = found.probabilities
    return out


def measure(workspace: Path) -> None:
    gold, weeks = baskets_of(workspace)
    size = len(gold.baskets.customer.values)
    ahead = np.isin(gold.shop_week, weeks[-QUARTER:]) & (gold.label < len(TIERS)) & (gold.baskets.customer.index >= 0)
    later = np.zeros((size, len(TIERS)))
    np.add.at(later, (gold.baskets.customer.index[ahead], gold.label[ahead]), 1)
    print(f"next quarter: weeks {weeks[-QUARTER]} to {weeks[-1]}")
    print("history [weeks]", *(f"{weight:g}" for weight in WEIGHTS), "tier leads", "MM leads", sep=" | ")
    history = weeks[:-QUARTER]
    for length in sorted({min(length, len(history)) for length in (4, QUARTER, 2 * QUARTER, len(weeks))}):
        losses = []
        for weight in WEIGHTS:
            belief = shares(gold, history[-length:], size, weight)
            rows = ~np.isnan(belief[:, 0]) & (later.sum(axis=1) > 0)
            losses.append(-(later[rows] * np.log(belief[rows])).sum() / later[rows].sum())
        belief = shares(gold, history[-length:], size, PRIOR_BASKETS)
        leads = later[rows].argmax(axis=1)
        held = (belief[rows].argmax(axis=1) == leads).mean(), (leads == TIERS.index(Label.MM)).mean()
        print(length, *(f"{loss:.4f}" for loss in losses), *(f"{share:.3f}" for share in held), sep=" | ")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, help="workspace with at least 31 weeks in its lake")
    workspace = parser.parse_args().workspace
    if workspace is not None:
        measure(workspace)
        return
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        simulate(TillSpec(weeks=40, baskets_per_week=500), made / "simulated")
        ingest(lake_path(made), [str(made / "simulated")], LakeSettings(), clock=lambda: datetime.now(UTC))
        measure(made)


if __name__ == "__main__":
    main()
