"""Reading baskets: from gold as a state of the lake names it, and from files that ask for predictions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset
from numpy.typing import NDArray

from retail_forecast.clouds.addresses import Address
from retail_forecast.domain.labels import LABELS
from retail_forecast.kernel.lines import HEADER, Baskets
from retail_forecast.lake.columnar import MOMENT_COLUMNS, baskets_from_arrow
from retail_forecast.lake.datasets import dataset_of
from retail_forecast.lake.state import LakeState
from retail_forecast.lake.unlabelled import read_lines

__all__ = ["Labelled", "baskets_from_arrow", "label_counts", "read_gold", "read_lines"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """n baskets of gold, ordered by (shop_week, basket_id).

    Attributes
    ----------
    baskets : the baskets
    label : int8 array of shape (n,), positions in `domain.labels.LABELS`
    shop_week : int32 array of shape (n,), fiscal week YYYYWW
    complete : bool array of shape (n,): no line of the basket lies in quarantine
    """

    baskets: Baskets
    label: NDArray[np.int8]
    shop_week: NDArray[np.int32]
    complete: NDArray[np.bool_]

    def take(self, rows: NDArray[np.intp]) -> "Labelled":
        """The baskets at `rows`, in that order."""
        return Labelled(self.baskets.take(rows), self.label[rows], self.shop_week[rows], self.complete[rows])


def read_gold(root: Address, state: LakeState, weeks: Sequence[int] | None = None, *, lines: bool = True) -> Labelled:
    """The baskets of `weeks` (of all weeks, when None) as they stand in `state` of the lake at `root`; without their
    `lines`, where those are not wanted.

    Raises
    ------
    PlaceError : the table is not there
    """
    dataset = dataset_of(root, "gold", state.tables["gold"])
    chosen = None if weeks is None else pc.field("shop_week").isin(pa.array(weeks, pa.int32()))
    columns = [*(["lines"] if lines else []), "label", "shop_week", "complete", *HEADER, *MOMENT_COLUMNS]
    gold = _in_order(dataset.to_table(columns=columns, filter=chosen))
    # Arrow keeps what it has freed, several times what the baskets take; training needs it.
    pa.default_memory_pool().release_unused()
    return gold


def _in_order(table: pa.Table) -> Labelled:
    ids = pc.rank(table["basket_id"], tiebreaker="first")
    order = np.lexsort([np.asarray(ids), np.asarray(table["shop_week"])])
    labels = pc.index_in(table["label"], pa.array([str(label) for label in LABELS]))
    return Labelled(
        baskets_from_arrow(table).take(order),
        np.asarray(labels, np.int8)[order],
        np.asarray(table["shop_week"], np.int32)[order],
        np.asarray(table["complete"])[order],
    )


def label_counts(root: Address, state: LakeState) -> dict[int, Counter[str]]:
    """Baskets per label in each week of `state`."""
    dataset = dataset_of(root, "gold", state.tables["gold"])
    counted = (
        dataset.to_table(columns=["shop_week", "label"]).group_by(["shop_week", "label"]).aggregate([([], "count_all")])
    )
    weeks: dict[int, Counter[str]] = {}
    for week, label, count in zip(
        *(counted[name].to_pylist() for name in ("shop_week", "label", "count_all")), strict=True
    ):
        weeks.setdefault(week, Counter())[label] = count
    return weeks
