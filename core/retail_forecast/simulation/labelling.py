"""The label of a finished basket, as the real data follow it: the balance of its lines, whatever they cost.

Of the n lines that are not XX, the balance is (lines of UM products - lines of LA products) / n. Below the lower
threshold the basket is LA, above the upper one UM, else MM; without any such line it is XX.
"""

import numpy as np
from numpy.typing import NDArray

from retail_forecast.simulation.catalogue import XX

__all__ = ["LOWER", "UPPER", "add_noise", "basket_labels"]

LOWER, UPPER = -0.225, 0.1835
"""Thresholds of the balance: real LA baskets begin at -5/22 (MM reach -2/9), real UM ones at 5/27 (MM reach 2/11)."""


def basket_labels(basket: NDArray[np.int64], tier: NDArray[np.int8], baskets: int) -> NDArray[np.int64]:
    """The label of each basket.

    Parameters
    ----------
    basket : which basket each line is of, shape (m,)
    tier : class of each line's product, shape (m,): 0 LA, 1 MM, 2 UM, 3 XX
    baskets : how many baskets there are, n

    Returns
    -------
    positions in `domain.labels.LABELS`, int64 of shape (n,)
    """
    counts = np.bincount(basket * 4 + tier, minlength=baskets * 4).reshape(baskets, 4)
    tiered = counts[:, :XX].sum(axis=1)
    balance = (counts[:, 2] - counts[:, 0]) / np.maximum(1, tiered)
    label = 1 + (balance > UPPER).astype(np.int64) - (balance < LOWER)
    return np.where(tiered == 0, XX, label)


def add_noise(label: NDArray[np.int64], share: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Give a share of the LA, MM and UM baskets one of the other two tiers; XX stays XX."""
    wrong = (rng.random(len(label)) < share) & (label != XX)
    return np.where(wrong, (label + rng.integers(1, 3, len(label))) % 3, label)
