"""Misfits: weeks in which something does not hold that has held without exception, though it need not for ever.

Rows are not put aside for it: a customer may change, and so may what is called unclassified.
"""

from collections.abc import Sequence

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset

from retail_forecast.domain.labels import Label
from retail_forecast.lake.columnar import codes_from_arrow

__all__ = ["moved_customers", "unclassified_baskets"]


def unclassified_baskets(gold: pa.Table) -> dict[int, int]:
    """Complete baskets of each week that are not XX, though each of their products stands in an XX basket of that week.

    A basket that has lost lines to quarantine may have lost those that classified it.
    """
    if not len(gold):
        return {}
    weeks, week = np.unique(np.asarray(gold["shop_week"]), return_inverse=True)
    unclassified = np.asarray(pc.equal(gold["label"].cast(pa.string()), str(Label.XX)))
    complete = np.asarray(gold["complete"])
    lists = pa.concat_arrays(gold["lines"].chunks)
    lengths = np.asarray(pc.list_value_length(lists), np.int64)
    products = codes_from_arrow(lists.flatten().field("prod_code"))
    owner = np.repeat(np.arange(len(gold)), lengths)
    place = week[owner] * len(products.values) + products.index
    among = np.isin(place, np.unique(place[unclassified[owner]]))
    whole = np.logical_and.reduceat(among, np.cumsum(lengths) - lengths)
    found, baskets = np.unique(weeks[week[whole & ~unclassified & complete]], return_counts=True)
    return dict(zip(found.tolist(), baskets.tolist(), strict=True))


def moved_customers(
    connection: duckdb.DuckDBPyConnection, customers: pyarrow.dataset.Dataset, weeks: Sequence[int]
) -> dict[int, int]:
    """Customers in each of `weeks` who have another segment than in the last week before it in which they came.

    Parameters
    ----------
    connection : may spill
    customers : the table with `weeks` in it; rows of an older release have no segments, and nothing is told of them
    """
    connection.register("customers", customers)
    asked = ", ".join(map(str, weeks)) or "NULL"
    rows = connection.execute(
        "WITH followed AS (SELECT customer, shop_week, seg_1, seg_2,"  # noqa: S608 - whole numbers
        " lag(seg_1) OVER past AS was_1, lag(seg_2) OVER past AS was_2 FROM customers"
        " WINDOW past AS (PARTITION BY customer ORDER BY shop_week))"
        f" SELECT shop_week, count(*) FROM followed WHERE shop_week IN ({asked}) AND was_1 IS NOT NULL"
        " AND (seg_1 IS DISTINCT FROM was_1 OR seg_2 IS DISTINCT FROM was_2) GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return dict(rows)
