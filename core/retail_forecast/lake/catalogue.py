"""What the lake already knows, asked of it with DuckDB in bounded memory: parents of products and stores, and where baskets lie."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from retail_forecast.domain.settings import LakeSettings
from retail_forecast.lake.rules import LINKS, Link
from retail_forecast.lake.state import LakeState
from retail_forecast.lake.tables import open_table

__all__ = ["Catalogue"]

_CHILDREN = sorted({link.child for link in LINKS} | {link.parent for link in LINKS})


class Catalogue:
    """The lake at `root` as `state` describes it, without the weeks that are about to be replaced.

    Parameters
    ----------
    spill : folder in which DuckDB may keep what does not fit into memory
    """

    def __init__(self, root: Path, state: LakeState | None, replaced: Sequence[int], settings: LakeSettings, spill: Path) -> None:
        self._root, self._state, self._settings, self._spill = root, state, settings, spill
        self._replaced = ", ".join(map(str, (0, *replaced)))

    def links(self) -> dict[Link, dict[str, str]]:
        """The parent of every child that the lake knows."""
        if self._state is None:
            return {}
        with self._connection() as connection:
            connection.register("silver", open_table(self._root, "silver", self._state.tables["silver"]).to_pyarrow_dataset())
            connection.execute(
                f"CREATE TEMP TABLE known AS SELECT DISTINCT {', '.join(_CHILDREN)} FROM silver WHERE SHOP_WEEK NOT IN ({self._replaced})"  # noqa: S608 - names of the contract and whole numbers
            )
            return {
                link: dict(connection.execute(f"SELECT DISTINCT {link.child}, {link.parent} FROM known").fetchall())  # noqa: S608
                for link in LINKS
            }

    def spanning(self, baskets: pa.Table) -> pa.StringArray:
        """Ids among `baskets` (basket_id, week) that lie in several weeks, those of the lake included."""
        with self._connection() as connection:
            connection.register("incoming", baskets)
            places = "SELECT basket_id, week FROM incoming"
            if self._state is not None:
                connection.register("gold", open_table(self._root, "gold", self._state.tables["gold"]).to_pyarrow_dataset())
                places += (
                    " UNION ALL SELECT basket_id, shop_week FROM gold SEMI JOIN incoming USING (basket_id)"  # noqa: S608
                    f" WHERE shop_week NOT IN ({self._replaced})"
                )
            query = f"SELECT basket_id FROM ({places}) GROUP BY 1 HAVING min(week) <> max(week) ORDER BY 1"  # noqa: S608
            found: pa.StringArray = connection.sql(query).to_arrow_table()["basket_id"].combine_chunks()
            return found

    @contextmanager
    def _connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        bounds = {
            "memory_limit": f"{self._settings.memory_limit_mb}MB",
            "temp_directory": str(self._spill),
            "preserve_insertion_order": "false",
            **({"threads": str(self._settings.threads)} if self._settings.threads else {}),
        }
        with duckdb.connect(config=bounds) as connection:
            yield connection
