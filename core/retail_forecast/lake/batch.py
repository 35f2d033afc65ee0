"""Lines of whole weeks, gathered from slabs and sorted by basket and product: the unit that is refined in memory.

Baskets lie within a week, so that a batch of whole weeks can be judged alone, and memory is bounded by the batch, not
by the lake.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
from numpy.typing import NDArray

from retail_forecast.lake.checks import read_fields
from retail_forecast.lake.fields import Field, join_fields
from retail_forecast.lake.rules import Faults
from retail_forecast.lake.staging import FAULTS, WEEK, Slab, Staged

__all__ = ["Batch", "gather", "plan", "raw_texts", "slabs_of"]

_WIDE = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True, slots=True)
class Batch:
    """n rows of whole weeks in the order (basket, product, sound first, file order); rows of no basket come first.

    Attributes
    ----------
    fields : the columns of the contract, and those beside it
    faults : fault bits
    booked : the week each row is booked under, int32; 0 where neither the row nor its file tells
    placed : whether week and basket of the row are known
    slab, row : where the row lies among the batch's slabs
    """

    fields: dict[str, Field]
    faults: Faults
    booked: NDArray[np.int32]
    placed: NDArray[np.bool_]
    slab: NDArray[np.int32]
    row: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.faults)


def plan(staged: Sequence[Staged], limit: int, workers: int = 1) -> list[list[int]]:
    """All weeks in groups of about `limit` rows at most and about the same size, ascending; week 0 stands for rows of
    no week.

    A week is never split. Where one group does not do, there are as many for each of `workers`, so that all of them end
    together.
    """
    totals: dict[int, int] = {}
    for source in staged:
        for week, rows in source.booked.items():
            totals[week] = totals.get(week, 0) + rows
    total = sum(totals.values())
    count = math.ceil(total / limit)
    if count > 1:
        count = math.ceil(count / workers) * workers
    groups: list[list[int]] = [[] for _ in range(count)]
    before = 0
    for week, rows in sorted(totals.items()):
        groups[(2 * before + rows) * count // (2 * total)].append(week)  # where the middle of the week lies
        before += rows
    return [group for group in groups if group]


def slabs_of(staged: Sequence[Staged], weeks: Sequence[int]) -> list[tuple[Staged, Slab]]:
    """The slabs that hold rows booked under `weeks`, in file order."""
    wanted = set(weeks)
    return [
        (source, slab)
        for source in staged
        for slab in source.slabs
        if not wanted.isdisjoint({week or source.main_week for week in slab.weeks})
    ]


def gather(slabs: Sequence[tuple[Staged, Slab]], weeks: Sequence[int], added: Sequence[str] = ()) -> Batch:
    """The rows of `slabs` that are booked under `weeks`, sorted, with the columns `added` beside the contract's."""
    parts = [_part(number, source, slab, weeks) for number, (source, slab) in enumerate(slabs)]
    texts = [part[0] for part in parts]
    faults, booked, open_week, slab_number, row = (
        np.concatenate(column) for column in list(zip(*parts, strict=True))[1:]
    )
    fields = _fields(slabs, texts, added)
    placed = ~open_week & (fields["BASKET_ID"].index >= 0)
    order = _order(fields, faults, booked, placed)
    return Batch(
        {name: Field(f.values, f.index[order]) for name, f in fields.items()},
        faults[order],
        booked[order],
        placed[order],
        slab_number[order],
        row[order],
    )


def _part(
    number: int, source: Staged, slab: Slab, weeks: Sequence[int]
) -> tuple[pa.RecordBatch, *tuple[NDArray[np.generic], ...]]:
    texts = read_slab(slab)
    week = np.asarray(texts.column(WEEK))
    booked = np.where(week == 0, np.int32(source.main_week), week)
    rows = np.flatnonzero(np.isin(booked, np.asarray(weeks, np.int32))).astype(np.int32)
    if len(rows) < len(booked):
        texts = _compacted(texts.take(pa.array(rows)))
    faults = np.asarray(texts.column(FAULTS))
    return texts, faults, booked[rows], week[rows] == 0, np.full(len(rows), number, np.int32), rows


def _fields(
    slabs: Sequence[tuple[Staged, Slab]], texts: Sequence[pa.RecordBatch], added: Sequence[str]
) -> dict[str, Field]:
    """The columns of all slabs together; the words of files with one header are read once, not slab by slab."""
    parts = []
    for header, group in groupby(zip(slabs, texts, strict=True), key=lambda item: item[0][0].header):
        members = list(group)
        (source, _), _ = members[0]
        plain = frozenset.intersection(*(slab.plain for (_, slab), _ in members))
        columns = [pa.concat_arrays([part.column(name).cast(_WIDE) for _, part in members]) for name in header]
        together = pa.RecordBatch.from_arrays(columns, list(header))
        parts.append(read_fields(together, plain, {name: source.added.get(name) for name in added}))
    return {name: join_fields([fields[name] for fields in parts]) for name in parts[0]}


def read_slab(slab: Slab) -> pa.RecordBatch:
    """The texts of a slab, mapped from its file."""
    with pa.memory_map(str(slab.path)) as source, pa.ipc.open_file(source) as reader:
        return reader.get_batch(0)


def _compacted(texts: pa.RecordBatch) -> pa.RecordBatch:
    """The same rows with dictionaries of the words they use: a few rows must not carry all words of a slab along."""
    columns = [
        c.dictionary_decode().dictionary_encode() if pa.types.is_dictionary(c.type) else c for c in texts.columns
    ]
    return pa.RecordBatch.from_arrays(columns, texts.schema.names)


def _order(
    fields: dict[str, Field], faults: Faults, booked: NDArray[np.int32], placed: NDArray[np.bool_]
) -> NDArray[np.intp]:
    weeks, week = np.unique(booked, return_inverse=True)
    product = _ranks(fields["PROD_CODE"]) + 1
    key = _ranks(fields["BASKET_ID"]) * len(weeks) + week
    key = (key * (len(fields["PROD_CODE"].values) + 1) + product) * 2 + (faults != 0)
    return np.argsort(np.where(placed, key, -1), kind="stable")


def _ranks(field: Field) -> NDArray[np.int64]:
    ranks = np.empty(len(field.values) + 1, np.int64)
    ranks[np.asarray(pc.sort_indices(field.values))] = np.arange(len(field.values))
    ranks[-1] = -1
    return ranks[field.index]


def raw_texts(slabs: Sequence[tuple[Staged, Slab]], batch: Batch, rows: NDArray[np.intp]) -> dict[str, pa.StringArray]:
    """The lines behind `rows` of the batch as they stand in their files (`text`), and their SHOP_WEEK (`shop_week`)."""
    lines, weeks = np.empty(len(rows), object), np.empty(len(rows), object)
    for number in np.unique(batch.slab[rows]):
        here = np.flatnonzero(batch.slab[rows] == number)
        source, slab = slabs[number]
        found = read_slab(slab).select(list(source.header)).take(pa.array(batch.row[rows[here]]))
        columns = [column.dictionary_decode() for column in found.columns]
        lines[here] = pc.binary_join_element_wise(*columns, ",").to_numpy(zero_copy_only=False)
        weeks[here] = columns[source.header.index("SHOP_WEEK")].to_numpy(zero_copy_only=False)
    return {"text": pa.array(lines, pa.string()), "shop_week": pa.array(weeks, pa.string())}
