"""One week of visits to the tills, before anything lies in the baskets: who comes, where, when, on what kind of trip.

Visits stand in the order of their basket numbers: the anonymous first, then the customers in the order of their codes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.calendar import WEEKS_A_YEAR, week_ordinal
from retail_forecast.simulation.population import ANONYMOUS_TASTE, CUSTOMER_SPREAD, Customers, Stores
from retail_forecast.simulation.spec import TillSpec

__all__ = ["MISSIONS", "TYPES", "Visits", "draw_visits"]

TYPES = ("Small Shop", "Top Up", "Full Shop", "XX")
MISSIONS = ("Fresh", "Grocery", "Mixed", "Nonfood", "XX")

_ANONYMOUS_SHARE = 0.205
_UNCLASSIFIED_SHARE, _UNCLASSIFIED_TYPED = 0.0185, 0.38
_FAVOURITES = (0.77, 0.16, 0.07)
_HOUR_MEAN, _HOUR_SPREAD, _HOURS = 15.2, 4.1, (8, 21)
# Shares of Small Shop, Top Up, Full Shop by store format LS, MS, SS, XLS.
_TYPE_SHARES = np.array([(0.53, 0.35, 0.12), (0.61, 0.31, 0.08), (0.67, 0.28, 0.05), (0.53, 0.35, 0.12)])
# Shares of Fresh, Grocery, Mixed, Nonfood by type of trip.
_MISSION_SHARES = np.array([(0.54, 0.26, 0.125, 0.075), (0.52, 0.13, 0.34, 0.01), (0.41, 0.05, 0.54, 0.0)])
# What a mission does to the shares of LA, MM, UM lines.
_MISSION_TASTE = np.array([(0.82, 0.97, 1.23), (1.10, 1.15, 0.60), (1.15, 1.0, 0.78), (0.80, 1.20, 0.70)])
_TRIP_TASTE = np.array([1.3, 1.06, 1.2])  # what the type of trip does to the share of MM lines
_EXTRA_LINES, _EXTRA_SHAPE, _MAX_LINES = np.array([1.45, 7.8, 20.5]), np.array([1.9, 6.0, 11.0]), 87
_BASKET_SPREAD = 12.0
_DRIFT, _MIDWAY = np.array([-0.35, 0.18, -0.12]), 0.45  # of the logarithm of LA, MM, UM shares over the whole course


@dataclass(frozen=True, slots=True)
class Visits:
    """n visits of one week.

    Attributes
    ----------
    customer : position among the customers, -1 for an anonymous visit, int64 of shape (n,), not decreasing
    store : position among the stores, int64 of shape (n,)
    day : days since Monday, int64 of shape (n,)
    hour : SHOP_HOUR, int64 of shape (n,)
    type, mission : positions in `TYPES` and `MISSIONS`, int64 of shape (n,)
    unclassified : nothing but XX products will be bought, bool of shape (n,)
    taste : shares of LA, MM, UM among the lines, float64 of shape (n, 3)
    lines : lines wanted, int64 of shape (n,)
    """

    customer: NDArray[np.int64]
    store: NDArray[np.int64]
    day: NDArray[np.int64]
    hour: NDArray[np.int64]
    type: NDArray[np.int64]
    mission: NDArray[np.int64]
    unclassified: NDArray[np.bool_]
    taste: NDArray[np.float64]
    lines: NDArray[np.int64]


def draw_visits(spec: TillSpec, week: int, stores: Stores, customers: Customers, rng: np.random.Generator) -> Visits:
    """The visits of fiscal week `week`."""
    size = spec.baskets_per_week
    customer = np.sort(np.where(rng.random(size) < _ANONYMOUS_SHARE, -1, _pick(customers.activity, size, rng)))
    store = _draw_stores(customer, stores, customers, rng)
    unclassified = rng.random(size) < _UNCLASSIFIED_SHARE
    trip = _pick_rows(_TYPE_SHARES, stores.format[store], rng)
    mission = _pick_rows(_MISSION_SHARES, trip, rng)
    return Visits(
        customer=customer,
        store=store,
        day=rng.integers(7, size=size),
        hour=np.clip(rng.normal(_HOUR_MEAN, _HOUR_SPREAD, size).astype(np.int64), *_HOURS),
        **_trips(trip, mission, unclassified, rng),
        unclassified=unclassified,
        taste=_draw_tastes(spec, week, customers.taste[customer], customer < 0, trip=trip, mission=mission, rng=rng),
        lines=_draw_lines(trip, unclassified, rng),
    )


def _trips(
    trip: NDArray[np.int64], mission: NDArray[np.int64], unclassified: NDArray[np.bool_], rng: np.random.Generator
) -> dict[str, NDArray[np.int64]]:
    """Type and mission as the till codes them: a basket of XX products only is XX or a small nonfood shop."""
    typed = rng.random(len(trip)) < _UNCLASSIFIED_TYPED
    xx_type = np.where(typed, TYPES.index("Small Shop"), TYPES.index("XX"))
    xx_mission = np.where(typed, MISSIONS.index("Nonfood"), MISSIONS.index("XX"))
    return {"type": np.where(unclassified, xx_type, trip), "mission": np.where(unclassified, xx_mission, mission)}


def _draw_stores(
    customer: NDArray[np.int64], stores: Stores, customers: Customers, rng: np.random.Generator
) -> NDArray[np.int64]:
    anywhere = _pick(stores.share, len(customer), rng)
    favourite = customers.stores[customer, _pick(np.array(_FAVOURITES), len(customer), rng)]
    return np.where(customer < 0, anywhere, favourite)


def _draw_tastes(
    spec: TillSpec,
    week: int,
    known: NDArray[np.float64],
    anonymous: NDArray[np.bool_],
    *,
    trip: NDArray[np.int64],
    mission: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Taste of each visit: the customer's, bent by the trip, by the weeks gone by and by the mood of the day."""
    strangers = rng.gamma(CUSTOMER_SPREAD * ANONYMOUS_TASTE / ANONYMOUS_TASTE.sum(), size=known.shape)
    taste = np.where(anonymous[:, None], strangers, known) * _MISSION_TASTE[mission]
    taste[:, 1] *= _TRIP_TASTE[trip]
    years = max(0, week_ordinal(week)) / WEEKS_A_YEAR
    taste = taste * np.exp(spec.drift * (1.0 - np.exp(-years) - _MIDWAY) * _DRIFT)
    moods = rng.gamma(_BASKET_SPREAD * taste / taste.sum(axis=1, keepdims=True)) + 1e-9
    shares: NDArray[np.float64] = moods / moods.sum(axis=1, keepdims=True)
    return shares


def _draw_lines(
    trip: NDArray[np.int64], unclassified: NDArray[np.bool_], rng: np.random.Generator
) -> NDArray[np.int64]:
    extra = rng.poisson(rng.gamma(_EXTRA_SHAPE[trip]) * (_EXTRA_LINES / _EXTRA_SHAPE)[trip])
    few = rng.random(len(trip)) < 0.05
    return np.asarray(np.minimum(1 + np.where(unclassified, few, extra), _MAX_LINES), np.int64)


def _pick(shares: NDArray[np.float64], size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Positions drawn with the probabilities `shares`."""
    bounds = np.cumsum(shares)
    drawn = np.searchsorted(bounds, rng.random(size) * bounds[-1], side="right")
    return np.asarray(np.minimum(drawn, len(shares) - 1), np.int64)


def _pick_rows(table: NDArray[np.float64], row: NDArray[np.integer], rng: np.random.Generator) -> NDArray[np.int64]:
    """For each entry of `row`, a column drawn with the probabilities of that row of `table`."""
    bounds = np.cumsum(table, axis=1)
    drawn = (rng.random(len(row)) * bounds[row, -1])[:, None] >= bounds[row, :-1]
    return np.asarray(drawn.sum(axis=1), np.int64)
