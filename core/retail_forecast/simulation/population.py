"""The simulated stores and customers: where people shop, how often, and what they lean to.

A customer's taste is a share of lines per tier, drawn around the mean of the customer's price-sensitivity segment.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail_forecast.simulation.spec import TillSpec

__all__ = [
    "ANONYMOUS_TASTE",
    "CUSTOMER_SPREAD",
    "FORMATS",
    "REGIONS",
    "SEGMENTS_1",
    "SEGMENTS_2",
    "Customers",
    "Stores",
    "draw_customers",
    "draw_stores",
]

FORMATS = ("LS", "MS", "SS", "XLS")
REGIONS = tuple(f"{side}{i:02d}" for side in "ENSW" for i in (1, 2, 3))
SEGMENTS_1 = ("AZ", "CT", "BG", "DY")
SEGMENTS_2 = ("AT", "BU", "CZ", "DI", "EQ", "FN")

ANONYMOUS_TASTE = np.array([0.236, 0.570, 0.178])
"""Mean share of lines of LA, MM, UM products in anonymous baskets; the rest is XX."""

CUSTOMER_SPREAD = 8.0
"""Concentration of customers' tastes around their segment's mean (Dirichlet)."""

_SEGMENT_TASTE = np.array([(0.338, 0.520, 0.115), (0.200, 0.567, 0.205), (0.115, 0.541, 0.312), ANONYMOUS_TASTE])
_SEGMENT_1_SHARES = (0.24, 0.38, 0.26, 0.12)
_SEGMENT_2_SHARES = (0.13, 0.45, 0.10, 0.11, 0.03, 0.07, 0.11)
_ACTIVITY_SHAPE = 0.6
_SEGMENT_1_TRADE = np.array([0.273, 0.444, 0.279, 0.004])  # shares of the named baskets
_FORMAT_SHARES = (0.43, 0.31, 0.22, 0.04)
_FORMAT_TRADE = np.array([1.35, 0.81, 0.45, 1.75])
_STORE_SPREAD = 0.45


@dataclass(frozen=True, slots=True)
class Stores:
    """S stores, in the order of their codes.

    Attributes
    ----------
    codes : STORE_CODE, list of length S
    format, region : positions in `FORMATS` and `REGIONS`, int8 of shape (S,)
    share : share of the trade, float64 of shape (S,)
    """

    codes: list[str]
    format: NDArray[np.int8]
    region: NDArray[np.int8]
    share: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Customers:
    """C customers, in the order of their codes.

    Attributes
    ----------
    codes : CUST_CODE, list of length C
    seg_1, seg_2 : positions in `SEGMENTS_1` and `SEGMENTS_2`, int8 of shape (C,); seg_2 is -1 where unknown
    activity : share of the named baskets, float64 of shape (C,)
    taste : share of lines per tier, float64 of shape (C, 3)
    stores : favourite store first, int64 of shape (C, 3)
    """

    codes: list[str]
    seg_1: NDArray[np.int8]
    seg_2: NDArray[np.int8]
    activity: NDArray[np.float64]
    taste: NDArray[np.float64]
    stores: NDArray[np.int64]


def draw_stores(spec: TillSpec, rng: np.random.Generator) -> Stores:
    """An estate of `spec.stores` stores."""
    size = spec.stores
    numbers = np.sort(rng.choice(min(99_999, 4 * size), size, replace=False)) + 1
    formats = rng.choice(len(FORMATS), size, p=_FORMAT_SHARES)
    trade = _FORMAT_TRADE[formats] * rng.lognormal(0.0, _STORE_SPREAD, size)
    return Stores(
        codes=[f"STORE{i:05d}" for i in numbers],
        format=formats.astype(np.int8),
        region=rng.integers(len(REGIONS), size=size).astype(np.int8),
        share=trade / trade.sum(),
    )


def draw_customers(spec: TillSpec, stores: Stores, rng: np.random.Generator) -> Customers:
    """A file of `spec.customers` customers."""
    size = spec.customers
    numbers = np.sort(rng.choice(max(1_000_000, 4 * size), size, replace=False)) + 1
    seg_1 = rng.choice(len(SEGMENTS_1), size, p=_SEGMENT_1_SHARES)
    seg_2 = rng.choice(len(_SEGMENT_2_SHARES), size, p=_SEGMENT_2_SHARES)
    activity = rng.gamma(_ACTIVITY_SHAPE, size=size) + 1e-9
    activity *= (_SEGMENT_1_TRADE / np.maximum(1e-9, np.bincount(seg_1, activity, len(SEGMENTS_1))))[seg_1]
    means = _SEGMENT_TASTE / _SEGMENT_TASTE.sum(axis=1, keepdims=True)
    taste = rng.gamma(CUSTOMER_SPREAD * means[seg_1]) + 1e-9
    return Customers(
        codes=[f"CUST{i:010d}" for i in numbers],
        seg_1=seg_1.astype(np.int8),
        seg_2=np.where(seg_2 < len(SEGMENTS_2), seg_2, -1).astype(np.int8),
        activity=activity / activity.sum(),
        taste=taste / taste.sum(axis=1, keepdims=True),
        stores=rng.choice(len(stores.codes), (size, 3), p=stores.share),
    )
