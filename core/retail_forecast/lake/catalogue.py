"""What the lake already knows, asked in bounded memory: parents of products and stores, weeks of baskets."""

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset

from retail_forecast.domain.settings import LakeSettings
from retail_forecast.lake.rules import LINKS, Link
from retail_forecast.lake.state import LakeState
from retail_forecast.lake.tables import open_table

__all__ = ["Catalogue", "bounded"]

# SQL is put together from names of the contract and whole numbers only.
_CODES = sorted({link.child for link in LINKS} | {link.parent for link in LINKS})


class Catalogue:
    """The lake at `root` as `state` describes it, without the weeks that are about to be replaced.

    Parameters
    ----------
    spill : folder in which DuckDB may keep what does not fit into memory
    """

    def __init__(
        self, root: Path, state: LakeState | None, replaced: Sequence[int], settings: LakeSettings, spill: Path
    ) -> None:
        self._root, self._state, self._settings, self._spill = root, state, settings, spill
        self._replaced = ", ".join(map(str, (0, *replaced)))

    def links(self) -> dict[Link, dict[str, str]]:
        """The parent of every child that the lake knows."""
        if self._state is None:
            return {}
        known = f"SELECT DISTINCT {', '.join(_CODES)} FROM silver WHERE SHOP_WEEK NOT IN ({self._replaced})"  # noqa: S608
        with self._connection() as connection:
            connection.register("silver", self._table("silver", self._state))
            connection.execute(f"CREATE TEMP TABLE known AS {known}")
            return {link: dict(connection.execute(_pairs(link)).fetchall()) for link in LINKS}

    def spanning(self, baskets: pa.Table) -> pa.StringArray:
        """Ids among `baskets` (basket_id, week) that lie in several weeks, those of the lake included."""
        places = "SELECT basket_id, week FROM incoming"
        with self._connection() as connection:
            connection.register("incoming", baskets)
            if self._state is not None:
                connection.register("gold", self._table("gold", self._state))
                kept = f"shop_week NOT IN ({self._replaced})"
                held = "SELECT basket_id, shop_week FROM gold SEMI JOIN incoming USING (basket_id)"
                places += f" UNION ALL {held} WHERE {kept}"
            query = f"SELECT basket_id FROM ({places}) GROUP BY 1 HAVING min(week) <> max(week) ORDER BY 1"  # noqa: S608
            return pa.array([row[0] for row in connection.execute(query).fetchall()], pa.string())

    def _table(self, name: str, state: LakeState) -> pa.dataset.Dataset:
        return open_table(self._root, name, state.tables[name]).to_pyarrow_dataset()

    def _connection(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        return bounded(self._settings, self._spill)


@contextmanager
def bounded(settings: LakeSettings, spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that keeps to the settings' bounds and lays what does not fit into the folder `spill`."""
    bounds: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": f"{settings.memory_limit_mb}MB",
        "temp_directory": str(spill),
        "preserve_insertion_order": False,
        "threads": settings.threads or os.cpu_count() or 1,
    }
    with duckdb.connect(config=bounds) as connection:
        yield connection


def _pairs(link: Link) -> str:
    return f"SELECT DISTINCT {link.child}, {link.parent} FROM known"  # noqa: S608
