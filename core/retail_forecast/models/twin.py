"""The row-random twin: what a careless split of till lines pretends.

Each line of a basket carries the basket's label and all that is constant within the basket. When lines are split at
random, a basket stands on both sides, and a model recognises the basket instead of learning what decides its label.
The twin is trained twice on the same sample of lines with all columns: held out at random, and by whole baskets. The
gap between the two is what the careless split adds.
"""

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier

from retail_forecast.domain.labels import TIERS
from retail_forecast.kernel.lines import HEADER, LEVELS, Baskets
from retail_forecast.models.confusion import confusion_counts, rates
from retail_forecast.models.findings import Twin

__all__ = ["row_random_twin"]

_TREES = 30
_HELD_OUT = 0.25


def row_random_twin(baskets: Baskets, label: NDArray[np.int8], rng: np.random.Generator) -> Twin:
    """Train the twin on those of `baskets` that are labelled LA, MM or UM; some hundreds suffice.

    Parameters
    ----------
    baskets, label : n baskets and their labels, positions in LABELS, shape (n,)
    rng : of both splits and the forest
    """
    rows = np.flatnonzero((label < len(TIERS)) & (baskets.line_counts > 0))
    sample = baskets.take(rows)
    basket = np.repeat(np.arange(len(rows)), sample.line_counts)
    columns, truth = _columns(sample, basket), label[rows][basket]
    by_line = rng.random(len(basket)) < _HELD_OUT
    by_basket = (rng.random(len(rows)) < _HELD_OUT)[basket]
    seed = int(rng.integers(2**31))
    random, grouped = (_macro_f1(columns, truth, held_out, seed) for held_out in (by_line, by_basket))
    return Twin(random, grouped, len(basket), len(rows))


def _columns(baskets: Baskets, basket: NDArray[np.intp]) -> NDArray[np.float32]:
    """All columns of each line but the basket's number, codes as their positions; shape (m, columns)."""
    lines = [baskets.quantity, baskets.spend_pence, *(getattr(baskets, name).index for name in LEVELS)]
    header = [getattr(baskets, name).index[basket] for name in HEADER if name != "basket_id"]
    return np.stack([*lines, *header], axis=1).astype(np.float32)


def _macro_f1(columns: NDArray[np.float32], truth: NDArray[np.int8], held_out: NDArray[np.bool_], seed: int) -> float:
    forest = RandomForestClassifier(_TREES, random_state=seed, n_jobs=1)
    forest.fit(columns[~held_out], truth[~held_out])
    answer = forest.predict(columns[held_out]).astype(np.int8)
    return float(rates(confusion_counts(truth[held_out], answer, len(TIERS))).macro_f1)
