"""One simulated week as a table in the original format: the contract's 22 columns, in the line order of the real files.

A week follows from the seed, the retailer's settings and its own number alone, so that it is the same in a longer run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retail_forecast.domain.basket import basket_size
from retail_forecast.domain.calendar import date_of_week, shop_weekday, week_ordinal
from retail_forecast.domain.columns import COLUMNS
from retail_forecast.domain.labels import LABELS
from retail_forecast.simulation.catalogue import Catalogue, draw_catalogue
from retail_forecast.simulation.labelling import add_noise, basket_labels
from retail_forecast.simulation.lines import Lines, draw_lines
from retail_forecast.simulation.population import (
    FORMATS,
    REGIONS,
    SEGMENTS_1,
    SEGMENTS_2,
    Customers,
    Stores,
    draw_customers,
    draw_stores,
)
from retail_forecast.simulation.spec import TillSpec
from retail_forecast.simulation.visits import MISSIONS, TYPES, Visits, draw_visits

__all__ = ["Retailer", "draw_retailer", "week_table"]

_CATALOGUE, _STORES, _CUSTOMERS, _WEEKS = range(4)
_FIRST_BASKET = 9_941_000 * 10**8  # basket numbers: 9941, weeks since 200606, eight digits within the week
_FIRST_WEEK = 5
_SERIAL_GAP, _SERIALS = 190, 90_000_000
_STRAY_TYPED = 0.01  # share of one-line MM baskets that tills code as type XX


@dataclass(frozen=True, slots=True)
class Retailer:
    """What does not change from week to week."""

    catalogue: Catalogue
    stores: Stores
    customers: Customers


def draw_retailer(spec: TillSpec) -> Retailer:
    """The retailer of a simulation."""
    stores = draw_stores(spec, spec.rng(_STORES))
    return Retailer(
        draw_catalogue(spec, spec.rng(_CATALOGUE)), stores, draw_customers(spec, stores, spec.rng(_CUSTOMERS))
    )


def week_table(spec: TillSpec, week: int, retailer: Retailer) -> pa.Table:
    """The lines of fiscal week `week`; missing codes are empty strings, as in the files.

    The order is that of the real files: by store, product, then customers by code with the anonymous last.
    """
    rng = spec.rng(_WEEKS, week)
    visits = draw_visits(spec, week, retailer.stores, retailer.customers, rng)
    lines = draw_lines(week, visits, retailer.catalogue, rng)
    exact = basket_labels(lines.basket, retailer.catalogue.tier[lines.product], len(visits.store))
    label = {"BASKET_PRICE_SENSITIVITY": _coded(add_noise(exact, spec.label_noise, rng), LABELS)}
    anonymous = visits.customer[lines.basket] < 0
    order = np.lexsort((lines.basket, anonymous, lines.product, visits.store[lines.basket]))
    basket = lines.basket[order]
    columns = _line_columns(lines, order, retailer.catalogue)
    header = _header_columns(week, visits, retailer) | _till_columns(week, visits, lines, exact, rng) | label
    columns |= {name: column.take(pa.array(basket, pa.int64())) for name, column in header.items()}
    return pa.table({column.name: columns[column.name] for column in COLUMNS})


def _line_columns(lines: Lines, order: NDArray[np.intp], catalogue: Catalogue) -> dict[str, "pa.Array[Any]"]:
    names = ("PROD_CODE", "PROD_CODE_10", "PROD_CODE_20", "PROD_CODE_30", "PROD_CODE_40")
    product = lines.product[order]
    return {
        "QUANTITY": pa.array(lines.quantity[order]),
        "SPEND": pa.array(lines.spend_pence[order] / 100),
    } | {name: _coded(product, codes) for name, codes in zip(names, catalogue.codes, strict=True)}


def _header_columns(week: int, visits: Visits, retailer: Retailer) -> dict[str, "pa.Array[Any]"]:
    """Columns that the visit settles, one row a basket."""
    stores, customers = retailer.stores, retailer.customers
    days = [date_of_week(week) + timedelta(days=i) for i in range(7)]
    known = visits.customer >= 0
    return {
        "SHOP_WEEK": pa.array(np.full(len(visits.day), week)),
        "SHOP_DATE": pa.array(np.array([int(f"{day:%Y%m%d}") for day in days])[visits.day]),
        "SHOP_WEEKDAY": pa.array(np.array([shop_weekday(day) for day in days])[visits.day]),
        "SHOP_HOUR": pa.array(visits.hour),
        "CUST_CODE": _coded(visits.customer, customers.codes),
        "seg_1": _coded(np.where(known, customers.seg_1[visits.customer], -1), SEGMENTS_1),
        "seg_2": _coded(np.where(known, customers.seg_2[visits.customer], -1), SEGMENTS_2),
        "STORE_CODE": _coded(visits.store, stores.codes),
        "STORE_FORMAT": _coded(stores.format[visits.store], FORMATS),
        "STORE_REGION": _coded(stores.region[visits.store], REGIONS),
    }


def _till_columns(
    week: int, visits: Visits, lines: Lines, label: NDArray[np.int64], rng: np.random.Generator
) -> dict[str, "pa.Array[Any]"]:
    """Columns that the finished basket settles, one row a basket; `label` is the one before any noise."""
    size = len(label)
    items, of = np.unique(np.bincount(lines.basket, lines.quantity, size), return_inverse=True)
    single = np.bincount(lines.basket, minlength=size) == 1
    stray = single & (label == LABELS.index("MM")) & (rng.random(size) < _STRAY_TYPED)
    gaps = rng.integers(1, 2 * min(_SERIAL_GAP, _SERIALS // size), size)
    serial = np.cumsum(
        np.where(np.diff(visits.customer, prepend=-1) == 0, np.where(visits.customer < 0, gaps, 1), gaps)
    )
    first = _FIRST_BASKET + (week_ordinal(week) - _FIRST_WEEK) * 10**8
    return {
        "BASKET_ID": pa.array(first + serial),
        "BASKET_SIZE": _coded(of, [basket_size(int(n)) for n in items]),
        "BASKET_TYPE": _coded(np.where(stray, TYPES.index("XX"), visits.type), TYPES),
        "BASKET_DOMINANT_MISSION": _coded(np.where(stray, MISSIONS.index("XX"), visits.mission), MISSIONS),
    }


def _coded(index: NDArray[np.integer], codes: Sequence[str]) -> "pa.Array[Any]":
    """Codes by position, the empty string where the position is -1."""
    positions = np.where(index < 0, len(codes), index).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(positions, pa.int32()), pa.array([*map(str, codes), ""]))
