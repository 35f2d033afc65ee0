"""What lies in the baskets: products, quantities and money, at most one line per product and basket."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.calendar import week_ordinal
from retail_forecast.simulation.catalogue import AISLES, XX, Catalogue
from retail_forecast.simulation.visits import Visits

__all__ = ["Lines", "draw_lines"]

_CLASSES = XX + 1
_STRAY_XX = 0.03  # share of XX products among the lines beside a basket's first
_MAX_QUANTITY = 1_685
_SINGLE_SHARE = 0.823
_WEIGHT_SPREAD = 0.25
# Shares of the aisles fresh, ambient, nonfood by mission Fresh, Grocery, Mixed, Nonfood; XX is nonfood.
_AISLE_SHARES = np.array(
    [(0.73, 0.19, 0.08), (0.24, 0.69, 0.07), (0.48, 0.37, 0.15), (0.13, 0.09, 0.78), (0.0, 0.0, 1.0)]
)


@dataclass(frozen=True, slots=True)
class Lines:
    """m lines, by basket and then by product.

    Attributes
    ----------
    basket : position among the visits, int64 of shape (m,), not decreasing; every visit has a line
    product : position in the catalogue, int64 of shape (m,)
    quantity : int64 of shape (m,) [items]
    spend_pence : int64 of shape (m,) [0.01 GBP]
    """

    basket: NDArray[np.int64]
    product: NDArray[np.int64]
    quantity: NDArray[np.int64]
    spend_pence: NDArray[np.int64]


def draw_lines(week: int, visits: Visits, catalogue: Catalogue, rng: np.random.Generator) -> Lines:
    """The lines of a week's visits."""
    wanted = np.repeat(np.arange(len(visits.lines)), visits.lines)
    tier = _draw_tiers(visits, wanted, rng)
    drawn = _draw_products(week_ordinal(week), visits.mission[wanted], tier, catalogue, rng)
    key = np.unique(wanted * len(catalogue.tier) + drawn)
    basket, product = np.divmod(key, len(catalogue.tier))
    quantity = _draw_quantities(len(key), rng)
    weight = np.where(catalogue.weighed[product], rng.lognormal(0.0, _WEIGHT_SPREAD, len(key)), 1.0)
    unit_pence = np.maximum(1, np.rint(catalogue.price_pence[product] * weight)).astype(np.int64)
    return Lines(basket, product, quantity, unit_pence * quantity)


def _draw_tiers(visits: Visits, basket: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Class of each line. The first line of a basket settles whether it is unclassified."""
    bounds = np.cumsum(visits.taste, axis=1)
    tier = (rng.random(len(basket))[:, None] >= bounds[basket, :-1]).sum(axis=1)
    first = np.r_[True, basket[1:] != basket[:-1]]
    stray = (rng.random(len(basket)) < _STRAY_XX) & ~first
    return np.where(stray | visits.unclassified[basket], XX, tier)


def _draw_products(
    ordinal: int, mission: NDArray[np.int64], tier: NDArray[np.int64], catalogue: Catalogue, rng: np.random.Generator
) -> NDArray[np.int64]:
    """A product of the class for each line, from the aisle that the mission prefers where that has one on sale.

    Products on sale lie side by side by class and aisle, each as long as its popularity; a point drawn within the
    stretch of a class and aisle falls on one of them.
    """
    on_sale = np.flatnonzero(catalogue.launch <= max(0, ordinal))
    shelf = catalogue.tier[on_sale] * len(AISLES) + catalogue.aisle[on_sale]
    order = np.argsort(shelf, kind="stable")
    on_sale, shelf = on_sale[order], shelf[order]
    cut = np.searchsorted(shelf, np.arange(_CLASSES * len(AISLES) + 1))
    length = np.r_[0.0, np.cumsum(catalogue.popularity[on_sale])]
    aisle = _draw_aisles(mission, rng)
    low, high = cut[tier * len(AISLES) + aisle], cut[tier * len(AISLES) + aisle + 1]
    empty = low == high
    low = np.where(empty, cut[tier * len(AISLES)], low)
    high = np.where(empty, cut[(tier + 1) * len(AISLES)], high)
    point = length[low] + rng.random(len(tier)) * (length[high] - length[low])
    return np.asarray(on_sale[np.clip(np.searchsorted(length, point, side="right") - 1, low, high - 1)], np.int64)


def _draw_aisles(mission: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    bounds = np.cumsum(_AISLE_SHARES, axis=1)[mission, :-1]
    return np.asarray((rng.random(len(mission))[:, None] >= bounds).sum(axis=1), np.int64)


def _draw_quantities(size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """One item mostly, else three and more with a heavy tail; two never happens in the real data."""
    several = 2 + (1.0 - rng.random(size)) ** -0.5
    return np.where(rng.random(size) < _SINGLE_SHARE, 1, np.minimum(several, _MAX_QUANTITY).astype(np.int64))
