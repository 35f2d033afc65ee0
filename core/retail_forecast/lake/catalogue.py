"""What the lake already knows, asked in bounded memory: parents of products and stores, weeks of baskets."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retail_forecast.clouds.addresses import Address
from retail_forecast.domain.settings import LakeSettings
from retail_forecast.lake.datasets import dataset_of
from retail_forecast.lake.fields import Field
from retail_forecast.lake.links import count_links, merge_links
from retail_forecast.lake.rules import LINKS, Link
from retail_forecast.lake.schemas import PARTITIONS_OF
from retail_forecast.lake.state import LakeState

if TYPE_CHECKING:
    from pyarrow.dataset import ParquetFileFragment

__all__ = ["Catalogue", "bounded"]

_CODES = {name for link in LINKS for name in (link.child, link.parent)}
_IN_NAMES = sorted(_CODES & set(PARTITIONS_OF["silver"]))
_IN_FILES = sorted(_CODES - set(PARTITIONS_OF["silver"]))


class Catalogue:
    """The lake at `root` as `state` describes it, without the weeks that are about to be replaced."""

    def __init__(self, root: Address, state: LakeState | None, replaced: Sequence[int]) -> None:
        self._root, self._state = root, state
        self._replaced = pa.array(replaced, pa.int32())

    def links(self) -> dict[Link, dict[str, str]]:
        """The parent of every child that the lake knows."""
        parents: dict[Link, dict[str, str]] = {link: {} for link in LINKS}
        found = merge_links([count_links(codes) for codes in self._codes()])
        for row in found.to_pylist():
            parents[LINKS[row["link"]]][row["child"]] = row["parent"]
        return parents

    def spanning(self, baskets: pa.Table) -> pa.StringArray:
        """Ids among `baskets` (basket_id, week) that lie in several weeks, those of the lake included."""
        places = pa.concat_tables([baskets, *self._held(baskets)])
        weeks = places.group_by("basket_id").aggregate([("week", "min"), ("week", "max")])
        several = weeks.filter(pc.not_equal(weeks["week_min"], weeks["week_max"]))["basket_id"]
        return pa.concat_arrays([pa.array([], pa.string()), *several.chunks]).sort()

    def _codes(self) -> Iterator[dict[str, Field]]:
        """Codes of products and stores in silver, file by file, as dictionaries: the files hold them so."""
        if self._state is None:
            return
        for fragment in dataset_of(self._root, "silver", self._state.tables["silver"]).get_fragments():
            rows = fragment.to_table(columns=["SHOP_WEEK", *_IN_FILES])
            kept = rows.filter(pc.invert(pc.is_in(rows["SHOP_WEEK"], self._replaced))).unify_dictionaries()
            yield {name: _field(kept[name]) for name in _IN_FILES} | _constants(fragment, len(kept))

    def _held(self, baskets: pa.Table) -> Iterator[pa.Table]:
        """Where the lake holds any of `baskets`. Ids embed the week as a rule: bounds rule most files out unread."""
        if self._state is None or not len(baskets):
            return
        dataset = dataset_of(self._root, "gold", self._state.tables["gold"])
        ends = pc.min_max(baskets["basket_id"]).as_py()
        near = (pc.field("basket_id") >= ends["min"]) & (pc.field("basket_id") <= ends["max"])
        ids = baskets["basket_id"].combine_chunks()
        for fragment in dataset.get_fragments(filter=near):
            for batch in fragment.to_batches(columns=["basket_id", "shop_week"]):
                held = pa.table([batch["basket_id"].cast(pa.string()), batch["shop_week"]], schema=baskets.schema)
                yield held.filter(pc.and_not(pc.is_in(held["basket_id"], ids), pc.is_in(held["week"], self._replaced)))


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
        connection.execute("SET enable_progress_bar = false")  # standard output belongs to what was asked for
        yield connection


def _field(codes: pa.ChunkedArray) -> Field:
    words = pa.concat_arrays([pa.array([], codes.type), *codes.chunks])
    return Field(words.dictionary, np.asarray(words.indices.fill_null(-1), np.int32))


def _constants(fragment: "ParquetFileFragment", rows: int) -> dict[str, Field]:
    """The codes that name the partition of a file."""
    from pyarrow.dataset import get_partition_keys  # noqa: PLC0415 - it imports pandas, where that is installed

    values = get_partition_keys(fragment.partition_expression)
    return {name: Field(pa.array([values[name]], pa.string()), np.zeros(rows, np.int32)) for name in _IN_NAMES}
