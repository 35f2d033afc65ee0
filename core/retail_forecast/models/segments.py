"""Customers as segments: which tier each belongs to, how sure that is, and which promotion suits.

A customer's baskets are counted by the probabilities of their tiers; XX has no place on the scale and is left out. The
counts are smoothed towards the shares of all baskets, as if each customer had brought `PRIOR_BASKETS` average ones. So
the tiers' shares follow Dirichlet(prior + counts); its mean gives the probabilities, and the chance that a tier's share
is the largest gives the confidence.

The promotion goes to the tier of least expected distance (`models.pricing`): halfway between two opposed tiers the
middle is the least wrong.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.labels import LABELS, TIERS, Label
from retail_forecast.models.pricing import assigned_tier

__all__ = [
    "FEW_BASKETS",
    "LAPSED_WEEKS",
    "PRIOR_BASKETS",
    "PROMOTIONS",
    "SURE",
    "Bought",
    "Segments",
    "reasons",
    "segments",
]

PRIOR_BASKETS = 6.0
"""Weight of the average shopper [baskets]. It gave the best log loss of the labels of 13 later weeks after 4 and 13
weeks of history, and came within 0.0003 nats of the best after 26 and 74 (weeks before 200746, docs/segments.md)."""

LAPSED_WEEKS = 13
"""A customer whose last visit lies longer ago is to be won back first: a quarter [weeks]."""

SURE = 0.8
"""Confidence below which the reasons say that the tier is not sure."""

FEW_BASKETS = 3
"""Below so many baskets the average shopper outweighs the customer's own; the reasons say so."""

PROMOTIONS = {
    Label.LA: "price cuts and entry-price products",
    Label.MM: "multi-buys and mid-range offers",
    Label.UM: "premium and new products, few price cuts",
}
"""What suits each tier."""

_DRAWS = 400
_CHUNK = 1 << 12


@dataclass(frozen=True, slots=True)
class Bought:
    """What c customers have bought, XX included, in the order of their numbers.

    Attributes
    ----------
    spend_pence, baskets : int64 arrays of shape (c,), totals
    recency_weeks : int64 array of shape (c,), weeks since the last basket
    """

    spend_pence: NDArray[np.int64]
    baskets: NDArray[np.int64]
    recency_weeks: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Segments:
    """c customers, in the order of their numbers.

    Attributes
    ----------
    tier : int8 array of shape (c,), likeliest tier, positions in TIERS
    probabilities : float64 array of shape (c, 3), smoothed shares of the tiers
    confidence : float64 array of shape (c,), chance that the tier's share is the largest
    promotion : int8 array of shape (c,), tier whose promotion suits, positions in TIERS
    bought : what they have bought
    """

    tier: NDArray[np.int8]
    probabilities: NDArray[np.float64]
    confidence: NDArray[np.float64]
    promotion: NDArray[np.int8]
    bought: Bought


def segments(
    customer: NDArray[np.int64],
    probabilities: NDArray[np.float64],
    bought: Bought,
    rng: np.random.Generator,
    prior_baskets: float = PRIOR_BASKETS,
) -> Segments:
    """Segment the customers behind n baskets.

    Parameters
    ----------
    customer : number of each basket's customer from 0, each at least once; -1 for an anonymous basket, which only tells
        what the average shopper is
    probabilities : of LABELS for each basket, shape (n, 4)
    bought : what the customers have bought
    rng : of the draws behind the confidence
    prior_baskets : weight of the average shopper [baskets]
    """
    named = customer >= 0
    owner, size = customer[named], int(customer.max(initial=-1)) + 1
    tiers = probabilities[:, : len(TIERS)]
    own = np.stack([np.bincount(owner, column, size) for column in tiers[named].T], axis=1)
    belief = own + prior_baskets * tiers.sum(axis=0) / max(tiers.sum(), np.finfo(np.float64).tiny)
    shares = belief / belief.sum(axis=1, keepdims=True)
    tier = shares.argmax(axis=1).astype(np.int8)
    return Segments(
        tier=tier,
        probabilities=shares,
        confidence=_leads(belief, tier, rng),
        promotion=assigned_tier(np.column_stack([shares, np.zeros((size, len(LABELS) - len(TIERS)))])),
        bought=bought,
    )


def reasons(found: Segments) -> list[str]:
    """Why each customer's promotion was chosen, in words."""
    return [_reason(found, row) for row in range(len(found.tier))]


def _reason(found: Segments, row: int) -> str:
    tier, promotion = TIERS[found.tier[row]], TIERS[found.promotion[row]]
    shares = ", ".join(f"{share:.0%} {name}" for share, name in zip(found.probabilities[row], TIERS, strict=True))
    count, away = int(found.bought.baskets[row]), int(found.bought.recency_weeks[row])
    said = [f"{shares} after {count} basket{'s' * (count != 1)}"]
    if promotion != tier:
        said.append(f"{tier} is likeliest, but {promotion} is the least wrong on average")
    if count < FEW_BASKETS:
        said.append("few baskets, so that the average shopper counts for more")
    elif found.confidence[row] < SURE:
        said.append(f"not sure: {found.confidence[row]:.0%} that {tier} leads")
    if away > LAPSED_WEEKS:
        said.append(f"no visit for {away} weeks: win back first")
    return "; ".join(said)


def _leads(belief: NDArray[np.float64], tier: NDArray[np.int8], rng: np.random.Generator) -> NDArray[np.float64]:
    """Chance that the share of `tier` is the largest under Dirichlet(`belief`); equal draws of gammas rank like it."""
    chance = np.empty(len(belief))
    for first in range(0, len(belief), _CHUNK):
        part = slice(first, first + _CHUNK)
        largest = rng.standard_gamma(belief[part], (_DRAWS, *belief[part].shape)).argmax(axis=2)
        chance[part] = (largest == tier[part]).mean(axis=0)
    return chance
