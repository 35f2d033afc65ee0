"""The simulated catalogue: products in a strict tree of groups, each with a class, a price and a popularity.

A product's class decides what its line adds to the balance of a basket; within a department, classes are spread over
the groups at random, so that the groups say little about them.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail_forecast.simulation.spec import TillSpec

__all__ = ["AISLES", "XX", "Catalogue", "draw_catalogue"]

AISLES = ("fresh", "ambient", "nonfood")
"""What a department sells; missions are preferences for aisles."""

XX = 3
"""Class of the unclassified products; 0, 1, 2 are LA, MM, UM."""

_FRESH, _AMBIENT, _NONFOOD = range(3)
_DEPARTMENTS = np.array(
    # aisle, share of tiered products [%], share of XX products [%], groups of level 3, level 2, level 1
    [
        (_FRESH, 8, 0, 3, 7, 22),
        (_FRESH, 37, 0, 6, 26, 78),
        (_AMBIENT, 36, 0, 7, 22, 68),
        (_NONFOOD, 0, 85, 4, 11, 26),
        (_NONFOOD, 15, 9, 3, 10, 30),
        (_NONFOOD, 0, 4, 2, 3, 3),
        (_NONFOOD, 0, 1, 1, 1, 1),
        (_AMBIENT, 3, 1, 3, 8, 18),
        (_AMBIENT, 1, 0, 2, 2, 4),
    ]
)
_CLASS_SHARES = (0.138, 0.707, 0.126, 0.029)
_CLASS_PRICE = np.array([0.78, 1.01, 1.05, 1.0])
_CATEGORY_PRICE_GBP, _CATEGORY_SPREAD, _PRODUCT_SPREAD = 1.2, 0.6, 0.55
_POPULARITY_EXPONENT = (
    0.7  # Zipf's law that gives the first 10 of 5,000 products 10 % of the lines and the first 100 25 %
)
_FULL_CATALOGUE = 2_500  # products that fill all groups
_WEIGHED_SHARE = 0.06
_LAUNCHED_SHARE, _LAUNCHES = 0.08, (7, 111)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """P products, in the order of their codes.

    Attributes
    ----------
    codes : PROD_CODE and PROD_CODE_10..40, five lists of length P
    tier : class, int8 of shape (P,): 0 LA, 1 MM, 2 UM, 3 XX
    aisle : position in `AISLES`, int8 of shape (P,)
    price_pence : unit price, int64 of shape (P,) [0.01 GBP]
    weighed : sold by weight, so that the unit price differs from line to line, bool of shape (P,)
    popularity : relative demand, float64 of shape (P,)
    launch : first week on sale as weeks since 200601, int64 of shape (P,); below zero: always
    """

    codes: tuple[list[str], ...]
    tier: NDArray[np.int8]
    aisle: NDArray[np.int8]
    price_pence: NDArray[np.int64]
    weighed: NDArray[np.bool_]
    popularity: NDArray[np.float64]
    launch: NDArray[np.int64]


def draw_catalogue(spec: TillSpec, rng: np.random.Generator) -> Catalogue:
    """A catalogue of `spec.products` products."""
    size = spec.products
    tier = _draw_tiers(size, rng)
    department = _draw_departments(tier, rng)
    category = _draw_categories(department, rng)
    late = (rng.random(size) < _LAUNCHED_SHARE) & (tier != XX)
    return Catalogue(
        codes=_codes(department, category),
        tier=tier,
        aisle=_DEPARTMENTS[department, 0].astype(np.int8),
        price_pence=_draw_prices(tier, category, rng),
        weighed=rng.random(size) < _WEIGHED_SHARE,
        popularity=np.power(1.0 + rng.permutation(size), -_POPULARITY_EXPONENT),
        launch=np.where(late, rng.integers(*_LAUNCHES, size), -1),
    )


def _draw_tiers(size: int, rng: np.random.Generator) -> NDArray[np.int8]:
    bounds = np.rint(np.cumsum(_CLASS_SHARES) * size)
    return rng.permutation(np.searchsorted(bounds, np.arange(size), side="right")).astype(np.int8)


def _draw_departments(tier: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.int64]:
    shares = _DEPARTMENTS[:, 1:3] / 100
    tiered, unclassified = (rng.choice(len(shares), len(tier), p=column) for column in shares.T)
    return np.where(tier == XX, unclassified, tiered)


def _draw_categories(department: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Group of level 1; some are far larger than others, and a small catalogue fills only a part of them."""
    category = np.zeros(len(department), np.int64)
    filled = min(1.0, len(department) / _FULL_CATALOGUE)
    for number, groups in enumerate(_DEPARTMENTS[:, 5]):
        members = np.flatnonzero(department == number)
        count = math.ceil(groups * filled)
        category[members] = rng.choice(count, len(members), p=rng.dirichlet(np.ones(count))) * groups // count
    return category + _first(5)[department]


def _codes(department: NDArray[np.int64], category: NDArray[np.int64]) -> tuple[list[str], ...]:
    """Codes of the five levels; each group's members lie in one group of the level above."""
    within = category - _first(5)[department]
    counts = _DEPARTMENTS[department]
    middle = within * counts[:, 4] // counts[:, 5]
    upper = middle * counts[:, 3] // counts[:, 4]
    return (
        [f"PRD{900_001 + i:07d}" for i in range(len(category))],
        [f"CL{i + 1:05d}" for i in category],
        [f"DEP{i + 1:05d}" for i in middle + _first(4)[department]],
        [f"G{i + 1:05d}" for i in upper + _first(3)[department]],
        [f"D{i + 1:05d}" for i in department],
    )


def _first(level: int) -> NDArray[np.int64]:
    """Number of each department's first group at a level, counted over the whole tree."""
    counts = np.asarray(_DEPARTMENTS[:, level], np.int64)
    return np.cumsum(counts) - counts


def _draw_prices(tier: NDArray[np.int8], category: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    typical = _CATEGORY_PRICE_GBP * rng.lognormal(0.0, _CATEGORY_SPREAD, _DEPARTMENTS[:, 5].sum())
    price = typical[category] * _CLASS_PRICE[tier] * rng.lognormal(0.0, _PRODUCT_SPREAD, len(tier))
    return np.asarray(np.maximum(1, np.rint(price * 100)), np.int64)
