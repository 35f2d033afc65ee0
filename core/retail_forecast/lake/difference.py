"""Difference: what a corrected file changed in the weeks that it replaced, row by row of silver.

Rows are the same when their keys are; where they came from (SOURCE) is no difference.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from retail_forecast.domain.columns import COLUMNS, PRIMARY_KEY, Level
from retail_forecast.lake.examples import FIRST

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset

__all__ = ["KINDS", "Difference", "RowChange", "WeekChange", "difference"]

KINDS = ("added", "removed", "changed")
"""What may have become of a row."""

# SQL is put together from names of the contract and whole numbers only.
_KEY = ("SHOP_WEEK", *PRIMARY_KEY)
_VALUES = {c.name: c.level for c in COLUMNS if c.name not in _KEY}


@dataclass(frozen=True, slots=True)
class WeekChange:
    """Rows of one replaced week that are new, gone, different, and the same."""

    week: int
    added: int
    removed: int
    changed: int
    kept: int


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row that a correction added, removed or changed.

    Attributes
    ----------
    kind : one of `KINDS`
    week, basket_id, prod_code : the row's key
    columns : value before and after, of the columns that differ; of an added or removed row, those of the line alone
    """

    kind: str
    week: int
    basket_id: str
    prod_code: str
    columns: Mapping[str, tuple[str | None, str | None]]


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of the replaced weeks: counts for each, and the first rows of each kind by week and key."""

    weeks: tuple[WeekChange, ...] = ()
    examples: tuple[RowChange, ...] = ()


def difference(
    connection: duckdb.DuckDBPyConnection,
    before: "Dataset",
    after: "Dataset",
    weeks: Sequence[int],
) -> Difference:
    """Compare two versions of silver.

    Parameters
    ----------
    connection : may spill
    before, after : the table, before and after `weeks` were replaced
    """
    for name, version in (("before", before), ("after", after)):
        connection.register(f"silver_{name}", version)
        connection.execute(
            f"CREATE TEMP TABLE {name}_rows AS SELECT {', '.join((*_KEY, *_VALUES))} FROM silver_{name}"  # noqa: S608
            f" WHERE SHOP_WEEK IN ({', '.join(map(str, weeks))})"
        )
    connection.execute(f"CREATE TEMP TABLE compared AS {_comparison()}")
    counted = connection.execute(
        "SELECT SHOP_WEEK, count(*) FILTER (kind = 'added'), count(*) FILTER (kind = 'removed'),"
        " count(*) FILTER (kind = 'changed'), count(*) FILTER (kind = 'kept') FROM compared GROUP BY 1 ORDER BY 1"
    ).fetchall()
    return Difference(tuple(WeekChange(*row) for row in counted), tuple(_examples(connection)))


def _comparison() -> str:
    """Every row of either side, with its kind and, where it is not kept, its values on both sides."""
    differs = " OR ".join(f"b.{name} IS DISTINCT FROM a.{name}" for name in _VALUES)
    sides = ", ".join(f"CASE WHEN kind <> 'kept' THEN {_texts(side)} END AS {side}_values" for side in "ba")
    keys = ", ".join(f"coalesce(b.{name}, a.{name}) AS {name}" for name in _KEY)
    return (
        f"SELECT CASE WHEN b.SHOP_WEEK IS NULL THEN 'added' WHEN a.SHOP_WEEK IS NULL THEN 'removed'"  # noqa: S608
        f" WHEN {differs} THEN 'changed' ELSE 'kept' END AS kind, {keys}, {sides}"
        f" FROM before_rows b FULL JOIN after_rows a ON {' AND '.join(f'b.{name} = a.{name}' for name in _KEY)}"
    )


def _texts(side: str) -> str:
    return f"[{', '.join(f'{side}.{name}::VARCHAR' for name in _VALUES)}]"


def _examples(connection: duckdb.DuckDBPyConnection) -> Iterator[RowChange]:
    for kind in KINDS:
        rows = connection.execute(
            f"SELECT {', '.join(_KEY)}, b_values, a_values FROM compared WHERE kind = ? ORDER BY ALL LIMIT {FIRST}",  # noqa: S608
            [kind],
        ).fetchall()
        for week, basket, product, old, new in rows:
            yield RowChange(kind, week, basket, product, dict(_differing(kind, old, new)))


def _differing(kind: str, old: list[Any], new: list[Any]) -> Iterator[tuple[str, tuple[str | None, str | None]]]:
    for (name, level), before, after in zip(_VALUES.items(), old, new, strict=True):
        if before != after and (kind == "changed" or level is Level.LINE):
            yield name, (before, after)
