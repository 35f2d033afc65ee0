"""Customers: what each has bought, week by week beside gold, so that any week can be asked what was known of them.

A row of the table is a customer's week; it is replaced with its week like everything else. Summed up to a week, the
rows are the customers as of that week. Anonymous baskets are nobody's.
"""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset

from retail_forecast.clouds.addresses import Address
from retail_forecast.domain.calendar import week_ordinal
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.labels import LABELS
from retail_forecast.lake.columnar import basket_sizes, pence
from retail_forecast.lake.datasets import dataset_of
from retail_forecast.lake.schemas import CUSTOMERS
from retail_forecast.lake.state import LakeState

__all__ = ["KNOWN_CUSTOMERS", "customer_weeks", "customers_before", "customers_of", "read_customers"]

KNOWN_CUSTOMERS = pa.schema(
    [
        ("customer", pa.string()),
        ("baskets", pa.int64()),
        ("spend_gbp", pa.decimal128(12, 2)),
        *((f"share_{label}", pa.float64()) for label in LABELS),
        ("first_week", pa.int32()),
        ("last_week", pa.int32()),
        ("recency_weeks", pa.int32()),
    ]
)
"""Customers as of a week: counts and sums over their weeks, shares of the labels among their baskets, first and last
week, and weeks since the last."""

_WEEKS_AT_ONCE = 13
_SEGMENTS = ("seg_1", "seg_2")
_COUNTS = tuple(f"baskets_{label}" for label in LABELS)


def customers_of(gold: pa.Table) -> pa.Table:
    """The customers' weeks among baskets of gold, by customer and week."""
    _, spend = basket_sizes(gold)
    rows = {"customer": gold["customer"].cast(pa.string()), "shop_week": gold["shop_week"], "pence": pa.array(spend)}
    labels = gold["label"].cast(pa.string())
    rows |= {name: gold[name].cast(pa.string()) for name in _SEGMENTS}
    rows |= {name: pc.equal(labels, str(label)).cast(pa.int32()) for name, label in zip(_COUNTS, LABELS, strict=True)}
    named = pa.table(rows).filter(pc.is_valid(rows["customer"]))
    sums, segments = [(name, "sum") for name in ("pence", *_COUNTS)], [(name, "min") for name in _SEGMENTS]
    found = named.group_by(["customer", "shop_week"]).aggregate([*sums, *segments, ([], "count_all")])
    found = found.sort_by([("shop_week", "ascending"), ("customer", "ascending")])
    columns = [
        found["customer"],
        found["shop_week"],
        found["count_all"],
        _pounds(found["pence_sum"]),
        *(found[f"{name}_sum"] for name in _COUNTS),
        *(found[f"{name}_min"] for name in _SEGMENTS),
    ]
    return pa.table(dict(zip(CUSTOMERS.names, columns, strict=True))).cast(CUSTOMERS)


def read_customers(root: Address, state: LakeState, as_of_week: int) -> pa.Table:
    """The customers known as of `as_of_week` in `state` of the lake at `root`, by customer; `KNOWN_CUSTOMERS`.

    As of a week means: once the file of that week is in. Corrections of earlier weeks that the state holds count.

    Raises
    ------
    UsageError : the week is not in the lake
    PlaceError : the table is not there
    """
    _require_week(state, as_of_week)
    weeks = customer_weeks(root, state, [week for week in state.weeks if week <= as_of_week])
    weeks = weeks.append_column("pence", pa.array(pence(pa.concat_arrays([_NO_MONEY, *weeks["spend_gbp"].chunks]))))
    sums = [*((name, "sum") for name in ("baskets", "pence", *_COUNTS)), ("shop_week", "min"), ("shop_week", "max")]
    found = weeks.group_by("customer").aggregate(sums).sort_by("customer")
    baskets = found["baskets_sum"].cast(pa.float64())
    last = found["shop_week_max"].to_numpy()
    distinct, position = np.unique(last, return_inverse=True)
    away = week_ordinal(as_of_week) - np.array([week_ordinal(int(week)) for week in distinct], np.int32)
    columns = [
        found["customer"],
        found["baskets_sum"],
        _pounds(found["pence_sum"]),
        *(pc.divide(found[f"{name}_sum"].cast(pa.float64()), baskets) for name in _COUNTS),
        found["shop_week_min"],
        found["shop_week_max"],
        pa.array(away[position]),
    ]
    return pa.table(dict(zip(KNOWN_CUSTOMERS.names, columns, strict=True))).cast(KNOWN_CUSTOMERS)


def customers_before(root: Address, state: LakeState, weeks: Sequence[int]) -> pa.Table:
    """The customers' rows of `weeks`, made of gold, for a state that was written before there was a table of them."""
    dataset = dataset_of(root, "gold", state.tables["gold"])
    parts = [_gold(dataset, weeks[first : first + _WEEKS_AT_ONCE]) for first in range(0, len(weeks), _WEEKS_AT_ONCE)]
    return pa.concat_tables([CUSTOMERS.empty_table(), *(customers_of(part) for part in parts)])


def customer_weeks(root: Address, state: LakeState, weeks: Sequence[int]) -> pa.Table:
    """The customers' rows of `weeks` in `state`.

    Raises
    ------
    PlaceError : the table is not there
    """
    if "customers" not in state.tables:
        return customers_before(root, state, weeks)
    dataset = dataset_of(root, "customers", state.tables["customers"])
    return dataset.to_table(filter=pc.field("shop_week").isin(pa.array(weeks, pa.int32())))


def _gold(dataset: pyarrow.dataset.Dataset, weeks: Sequence[int]) -> pa.Table:
    chosen = pc.field("shop_week").isin(pa.array(weeks, pa.int32()))
    return dataset.to_table(columns=["customer", "shop_week", "label", "lines", *_SEGMENTS], filter=chosen)


_NO_MONEY = pa.array([], CUSTOMERS.field("spend_gbp").type)


def _pounds(amounts: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whole pence as pounds."""
    return pc.multiply(amounts.cast(pa.decimal128(19, 0)), pa.scalar(Decimal("0.01"))).cast(pa.decimal128(12, 2))


def _require_week(state: LakeState, week: int) -> None:
    """Raise unless `state` holds `week`.

    Raises
    ------
    UsageError : it does not
    """
    if week not in state.weeks:
        held = f"{min(state.weeks)} to {max(state.weeks)}" if state.weeks else "none"
        raise UsageError(
            f"week {week} is not in the lake, which holds {held}",
            where="--as-of-week",
            mend="name a week of the lake: what is known later cannot be told",
        )
