"""Labels for a retailer that has none, made from prices or from a file of customers.

They are a stand-in: a model that learns them knows the rule behind them, and how far the rule agrees with what shoppers
really are is another question (docs/weak-labels.md has a measurement). Whatever is made with them says so.

Price tiers. A product's price is its spend over its quantity in the learned weeks; its relative price is that over the
median price of the products of its category, PROD_CODE_10, or PROD_CODE_20 and then _30 where fewer than five products
are. A product is cheap (-1) below 0.8, dear (+1) above 1.25, else in the middle (0); one never seen is in the middle. A
basket is LA where the mean over its lines is below -1/4, UM where it is above 1/4, else MM. The bounds are round
numbers, declared and not fitted, for there is nothing to fit them to.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.errors import DataError
from retail_forecast.domain.labels import LABELS, TIERS, Label
from retail_forecast.kernel.lines import LEVELS, Baskets, Codes

__all__ = ["UNLABELLED", "customer_labels", "price_labels", "product_tiers", "read_customers"]

UNLABELLED = -1
"""In the place of a label, where the rule says nothing."""

_CHEAP, _DEAR = 0.8, 1.25
_LEAN = 0.25
_LEAST_PRODUCTS = 5
_COLUMNS = ("customer", "tier")
_SHOWN = 5


def product_tiers(baskets: Baskets) -> dict[str, int]:
    """Price tier of each product of `baskets` within its category: -1 cheap, 0 middle, 1 dear."""
    codes = baskets.prod_code
    known = np.flatnonzero(codes.index >= 0)
    owner = codes.index[known]
    size = len(codes.values)
    quantity = np.bincount(owner, baskets.quantity[known], size)
    sold = quantity > 0
    price = np.bincount(owner, baskets.spend_pence[known], size)[sold] / quantity[sold]
    relative = price / _category_prices(baskets, known, price, np.flatnonzero(sold))
    tiers = np.where(relative < _CHEAP, -1, np.where(relative > _DEAR, 1, 0))
    return {codes.values[i]: int(tier) for i, tier in zip(np.flatnonzero(sold), tiers, strict=True)}


def price_labels(baskets: Baskets, tiers: Mapping[str, int]) -> NDArray[np.int8]:
    """Labels by the price tiers of the products, positions in LABELS of shape (n,).

    Parameters
    ----------
    tiers : as `product_tiers` gives them

    Returns
    -------
    UNLABELLED for a basket without lines; never XX
    """
    codes = baskets.prod_code
    of_code = np.array([*(tiers.get(code, 0) for code in codes.values), 0], np.int64)
    running = np.concatenate([[0], np.cumsum(of_code[codes.index])])[baskets.offsets]
    counts = baskets.line_counts
    mean = (running[1:] - running[:-1]) / np.maximum(counts, 1)
    la, mm, um = (LABELS.index(tier) for tier in (Label.LA, Label.MM, Label.UM))
    label = np.where(mean < -_LEAN, la, np.where(mean > _LEAN, um, mm))
    return np.where(counts > 0, label, UNLABELLED).astype(np.int8)


def read_customers(file: Path) -> dict[str, Label]:
    """Tier of each customer in a CSV file with the columns `customer` and `tier`.

    Raises
    ------
    DataError : it cannot be read, lacks a column, holds another tier than LA, MM or UM, or a customer with two tiers
    """
    found: dict[str, Label] = {}
    faults: list[str] = []
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            rows = csv.DictReader(stream)
            if not set(_COLUMNS) <= set(rows.fieldnames or ()):
                raise _refused(file, f"the header has no column {' or no column '.join(_COLUMNS)}")
            for number, row in enumerate(rows, start=2):
                customer, tier = row["customer"], row["tier"]
                if tier not in TIERS or not customer:
                    faults.append(f"line {number}: {tier!r} is not a tier, or the customer is missing")
                elif found.setdefault(customer, Label(tier)) != tier:
                    faults.append(f"line {number}: {customer} has two tiers")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _refused(file, f"the file cannot be read: {error}") from error
    if faults or not found:
        raise _refused(file, f"{len(faults)} bad lines: {'; '.join(faults[:_SHOWN])}" if faults else "it holds no line")
    return found


def customer_labels(baskets: Baskets, customers: Mapping[str, Label]) -> NDArray[np.int8]:
    """Each basket has the tier of its customer; UNLABELLED where that is not known. Positions in LABELS of shape
    (n,)."""
    return baskets.customer.lookup({code: LABELS.index(tier) for code, tier in customers.items()}).astype(np.int8)


def _category_prices(
    baskets: Baskets, lines: NDArray[np.intp], price: NDArray[np.float64], sold: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Median price of the products in the finest category of each sold product that has enough of them; the price of
    the product itself where none has."""
    typical = price.copy()
    open_ = np.ones(len(price), np.bool_)
    for level in LEVELS[1:]:
        group = _group_of(getattr(baskets, level), baskets.prod_code, lines)[sold]
        for number in np.unique(group[open_ & (group >= 0)]):
            members = group == number
            if members.sum() >= _LEAST_PRODUCTS:
                typical[members & open_] = np.median(price[members])
                open_ &= ~members
    return np.where(typical > 0, typical, 1.0)


def _group_of(groups: Codes, products: Codes, lines: NDArray[np.intp]) -> NDArray[np.int64]:
    """Number of the category of each product, -1 where none is given; the tree is strict, so any line tells it."""
    of_product = np.full(len(products.values), -1, np.int64)
    of_product[products.index[lines]] = groups.index[lines]
    return of_product


def _refused(file: Path, what: str) -> DataError:
    return DataError(what, where=str(file), mend="write one line per customer: customer,tier with tier LA, MM or UM")
