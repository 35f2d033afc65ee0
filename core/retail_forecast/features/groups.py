"""Feature groups: what stands for each product, customer and store at the end of each week, out of the lake.

A row tells of an id that was seen in the week, and stands until the next one: facts as the week had them, counts and
sums over all weeks up to it. The catalogue's facts stand from the first week in which they were seen, and have no sums.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import duckdb
import pyarrow as pa

from retail_forecast.clouds.addresses import Address
from retail_forecast.domain.calendar import date_of_week
from retail_forecast.domain.labels import LABELS
from retail_forecast.domain.records import FeatureGroup
from retail_forecast.domain.settings import LakeSettings
from retail_forecast.lake.customers import customer_weeks
from retail_forecast.lake.explore import answer
from retail_forecast.lake.state import LakeState

__all__ = ["GROUPS", "Group", "event_time", "standing"]

_MONEY = pa.decimal128(12, 2)
_COUNTS = ("baskets", *(f"baskets_{label}" for label in LABELS))


@dataclass(frozen=True, slots=True)
class Group:
    """One feature group.

    Attributes
    ----------
    facts : texts, as the newest week has them
    counts : whole numbers that are summed over weeks; with any, `spend_gbp` is summed too
    """

    facts: tuple[str, ...]
    counts: tuple[str, ...] = ()

    @property
    def features(self) -> pa.Schema:
        """The columns that a record of the group has: also the week it is of, and the first week of its id."""
        counts = [(name, pa.int64()) for name in self.counts]
        spend = [("spend_gbp", _MONEY)] if counts else []
        weeks = [("shop_week", pa.int32()), ("first_week", pa.int32())]
        return pa.schema([*weeks, *((name, pa.string()) for name in self.facts), *counts, *spend])


GROUPS = {
    FeatureGroup.PRODUCT: Group(("prod_code_10", "prod_code_20", "prod_code_30", "prod_code_40")),
    FeatureGroup.CUSTOMER: Group(("seg_1", "seg_2"), _COUNTS),
    FeatureGroup.STORE: Group(("store_region", "store_format"), _COUNTS),
}

_LABELLED = ", ".join(
    f"count(DISTINCT BASKET_ID) FILTER (BASKET_PRICE_SENSITIVITY = '{label}') AS baskets_{label}" for label in LABELS
)
_QUESTIONS = {
    FeatureGroup.PRODUCT: """
        SELECT PROD_CODE AS record_id, SHOP_WEEK AS shop_week, min(PROD_CODE_10) AS prod_code_10,
            min(PROD_CODE_20) AS prod_code_20, min(PROD_CODE_30) AS prod_code_30, min(PROD_CODE_40) AS prod_code_40
        FROM silver GROUP BY ALL""",
    FeatureGroup.STORE: f"""
        SELECT STORE_CODE AS record_id, SHOP_WEEK AS shop_week, min(STORE_REGION) AS store_region,
            min(STORE_FORMAT) AS store_format, count(DISTINCT BASKET_ID) AS baskets, {_LABELLED},
            sum(SPEND) AS spend_gbp
        FROM silver GROUP BY ALL""",  # noqa: S608 - labels are constants
}


def event_time(week: int) -> datetime:
    """The end of `week`, in UTC: from then on its records stand."""
    return datetime.combine(date_of_week(week) + timedelta(weeks=1), time(), UTC)


def standing(root: Address, state: LakeState, group: FeatureGroup, settings: LakeSettings) -> pa.Table:
    """What stands for every id of `group` at the end of each week in which it was seen, in `state` of the lake at
    `root`: a column `record_id`, then `Group.features`; a row that says what the one before it says is left out where
    there are no sums.

    Raises
    ------
    PlaceError : a table is not there or damaged
    """
    rows, spec = _weekly(root, state, group, settings), GROUPS[group]
    sums = [f"CAST(sum({name}) OVER seen AS BIGINT) AS {name}" for name in spec.counts]
    sums += ["CAST(sum(spend_gbp) OVER seen AS DECIMAL(12, 2)) AS spend_gbp"] if sums else []
    columns = ["record_id", "shop_week", "first_value(shop_week) OVER seen AS first_week", *spec.facts, *sums]
    question = f"SELECT {', '.join(columns)} FROM rows WINDOW seen AS (PARTITION BY record_id ORDER BY shop_week)"  # noqa: S608
    if not sums:
        question += f" QUALIFY {_changed(spec.facts)}"
    with duckdb.connect() as connection:
        found = connection.register("rows", rows).sql(question).to_arrow_table()
    return found.cast(pa.schema([("record_id", pa.string()), *spec.features]))


def _weekly(root: Address, state: LakeState, group: FeatureGroup, settings: LakeSettings) -> pa.Table:
    """The ids seen in each week, with the facts, counts and sums of that week."""
    if group is FeatureGroup.CUSTOMER:
        rows = customer_weeks(root, state, sorted(state.weeks))
        return rows.rename_columns(["record_id", *rows.column_names[1:]])
    with answer(root, state, _QUESTIONS[group], settings) as found:
        return found.read_all()


def _changed(facts: Sequence[str]) -> str:
    """Whether a row says something else than the one before it of the same id."""
    before = ", ".join(f"lag({name}) OVER seen" for name in facts)
    return f"row_number() OVER seen = 1 OR ({', '.join(facts)}) IS DISTINCT FROM ({before})"
