"""How far any rule of customers could lower the pricing error of arriving baskets, had it seen the test weeks.

    .venv/bin/python benchmarks/arrival_ceiling.py --workspace DIR

Each basket of the last 13 weeks of the lake is given the tier of least mean distance among its customer's baskets of
these very weeks: with itself among them, which no honest answer can reach by the customer alone, and without it, where
the shares of the window stand in with the weight of three baskets. An anonymous basket is given that of its store.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.labels import TIERS
from retail_forecast.lake.reading import Labelled, read_gold
from retail_forecast.models.pricing import assigned_tier, pricing_error
from retail_forecast.pipeline.workspace import lake_path, lake_state

TEST_WEEKS = 13
TRUST = 3
MIDDLE = 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, default=Path("workspace"))
    workspace = parser.parse_args().workspace
    state = lake_state(workspace)
    weeks = sorted(state.weeks)[-TEST_WEEKS:]
    gold = read_gold(lake_path(workspace), state, weeks, lines=False)
    rows = np.flatnonzero(gold.complete & (gold.label < len(TIERS)))
    label = gold.label[rows]
    always = pricing_error(label, np.full(len(label), MIDDLE, np.int8))
    print(f"{len(rows):,} baskets of weeks {weeks[0]} to {weeks[-1]}; always MM: error {always:.4f} tiers")
    for name, itself in (("own tiers of the test weeks", True), ("own tiers but for the basket's own", False)):
        reduction = 1 - pricing_error(label, own_tier(label, keys(gold, rows), itself=itself)) / always
        print(f"| {name} | {reduction:+.1%} |")


def keys(gold: Labelled, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """The customer of each basket, or its store where nobody is named; numbers from 0."""
    customer, store = gold.baskets.customer.index[rows], gold.baskets.store_code.index[rows]
    _, found = np.unique(np.where(customer >= 0, customer, -1 - store.astype(np.int64)), return_inverse=True)
    return found


def own_tier(label: NDArray[np.int8], key: NDArray[np.intp], *, itself: bool) -> NDArray[np.int8]:
    """The tier of least mean distance among the baskets of the same key."""
    counts = np.zeros((int(key.max()) + 1, len(TIERS) + 1))
    np.add.at(counts, (key, label), 1)
    others = counts[key]
    if not itself:
        others[np.arange(len(label)), label] -= 1
        others += TRUST * np.bincount(label, minlength=len(TIERS) + 1) / len(label)
    return assigned_tier(others / others.sum(axis=1, keepdims=True))


if __name__ == "__main__":
    main()
