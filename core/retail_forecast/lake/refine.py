"""Refining: a batch of whole weeks becomes silver lines, gold baskets and quarantine.

A row goes to silver when no rule speaks against it. Nothing is dropped: rows in = silver + quarantine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retail_forecast.domain.columns import COLUMNS
from retail_forecast.lake.batch import Batch, gather, raw_texts, slabs_of
from retail_forecast.lake.fields import Field
from retail_forecast.lake.judge import Evidence, Verdict, judge
from retail_forecast.lake.rules import Faults, bit, reasons
from retail_forecast.lake.schemas import (
    ENCODED_GOLD,
    ENCODED_SILVER,
    GOLD_HEADER,
    GOLD_LINES,
    PARTITIONS_OF,
    QUARANTINE,
)
from retail_forecast.lake.staging import Slab, Staged
from retail_forecast.lake.tillfile import row_numbers

__all__ = ["SOURCE_DIGITS", "Refined", "added_columns", "refine"]

SOURCE_DIGITS = 16
"""Digits of a file's digest that name it in silver and quarantine."""

_Slabs = Sequence[tuple[Staged, Slab]]


@dataclass(frozen=True, slots=True)
class Refined:
    """What became of a batch: rows for the three tables, and the fault bits of the rows in quarantine."""

    silver: pa.Table
    gold: pa.Table
    quarantine: pa.Table
    faults: Faults


def refine(staged: Sequence[Staged], weeks: Sequence[int], evidence: Evidence, arrival: datetime) -> Refined:
    """Refine all rows that are booked under `weeks`; malformed lines go with their file's main week."""
    slabs = slabs_of(staged, weeks)
    broken = [source for source in staged if source.malformed and source.main_week in weeks]
    quarantine = [_malformed_rows(source, arrival) for source in broken]
    faults = np.full(sum(map(len, quarantine)), bit("R_FIELDS"))
    if not slabs:
        return Refined(ENCODED_SILVER.empty_table(), ENCODED_GOLD.empty_table(), pa.concat_tables(quarantine), faults)
    added = added_columns(staged)
    batch = gather(slabs, weeks, added)
    verdict = judge(batch, evidence)
    sound, bad = _by_partition(batch, np.flatnonzero(verdict.faults == 0)), np.flatnonzero(verdict.faults)
    return Refined(
        _silver(batch, slabs, sound, added),
        _gold(batch, verdict, sound),
        pa.concat_tables([_bad_rows(batch, verdict, slabs, bad, arrival), *quarantine]),
        np.concatenate([verdict.faults[bad], faults]),
    )


def added_columns(staged: Sequence[Staged]) -> tuple[str, ...]:
    """The columns beside the contract's that any of the files has, by their names in silver."""
    return tuple(sorted({name for source in staged for name in source.added}))


def _by_partition(batch: Batch, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    """The same rows, those of a partition together; they keep their order otherwise."""
    number = np.zeros(len(rows), np.int16)  # few values each: the contract lists or counts them
    for name in PARTITIONS_OF["silver"]:
        number = number * np.int16(len(batch.fields[name].values)) + batch.fields[name].index[rows].astype(np.int16)
    return rows[np.argsort(number, kind="stable")]


def _column(field: Field, rows: NDArray[np.intp], *, plain: bool) -> pa.Array:
    index = field.index[rows]
    missing = index < 0
    positions = pa.array(index, mask=missing if missing.any() else None)
    if plain or not pa.types.is_string(field.values.type):
        return field.values.take(positions)
    return pa.DictionaryArray.from_arrays(positions, field.values)


def _silver(batch: Batch, slabs: _Slabs, rows: NDArray[np.intp], added: Sequence[str]) -> pa.Table:
    columns = [_column(batch.fields[c.name], rows, plain=False) for c in COLUMNS]
    names = pa.array([source.landed.sha256[:SOURCE_DIGITS] for source, _ in slabs], pa.string())
    source = pa.DictionaryArray.from_arrays(pa.array(batch.slab[rows]), names)
    beside = {name: _column(batch.fields[name], rows, plain=False) for name in added}
    schema = pa.schema([*ENCODED_SILVER, *(pa.field(name, column.type) for name, column in beside.items())])
    return pa.Table.from_arrays([*columns, source, *beside.values()], schema=schema)


def _gold(batch: Batch, verdict: Verdict, rows: NDArray[np.intp]) -> pa.Table:
    basket = verdict.basket[rows]
    starts = np.flatnonzero(np.diff(basket, prepend=-1))
    lines = [_column(batch.fields[c.name], rows, plain=False) for c in GOLD_LINES.values()]
    offsets = pa.array(np.append(starts, len(rows)).astype(np.int32))
    kind = ENCODED_GOLD.field("lines").type
    nested = pa.ListArray.from_arrays(
        offsets, pa.StructArray.from_arrays(lines, fields=list(kind.value_type)), type=kind
    )
    header = [_column(batch.fields[c.name], rows[starts], plain=False) for c in GOLD_HEADER.values()]
    return pa.Table.from_arrays([*header, pa.array(verdict.complete[basket[starts]]), nested], schema=ENCODED_GOLD)


def _bad_rows(batch: Batch, verdict: Verdict, slabs: _Slabs, rows: NDArray[np.intp], arrival: datetime) -> pa.Table:
    sources = [source for source, _ in slabs]
    digests = pa.array([source.landed.sha256[:SOURCE_DIGITS] for source in sources], pa.string())
    files = pa.array([source.landed.origin.name for source in sources], pa.string())
    slab, booked = pa.array(batch.slab[rows]), batch.booked[rows]
    texts = raw_texts(slabs, batch, rows)
    columns: Mapping[str, pa.Array] = {
        "source": digests.take(slab),
        "file": files.take(slab),
        "row_number": pa.array(_numbers(batch, slabs, rows)),
        "text": texts["text"],
        "reasons": reasons(verdict.faults[rows]),
        "basket_id": _column(batch.fields["BASKET_ID"], rows, plain=True),
        "shop_week_text": texts["shop_week"],
        "shop_week": pa.array(booked, mask=booked == 0),
        "arrival": pa.array([arrival] * len(rows), QUARANTINE.field("arrival").type),
    }
    return pa.table(dict(columns), schema=QUARANTINE)


def _numbers(batch: Batch, slabs: _Slabs, rows: NDArray[np.intp]) -> NDArray[np.int64]:
    numbers = np.zeros(len(rows), np.int64)
    for slab in np.unique(batch.slab[rows]):
        here = np.flatnonzero(batch.slab[rows] == slab)
        source, found = slabs[slab]
        numbers[here] = row_numbers(found.first + batch.row[rows[here]].astype(np.int64), source.malformed)
    return numbers


def _malformed_rows(source: Staged, arrival: datetime) -> pa.Table:
    count = len(source.malformed)
    rows = {
        "source": [source.landed.sha256[:SOURCE_DIGITS]] * count,
        "file": [source.landed.origin.name] * count,
        "row_number": [line.number for line in source.malformed],
        "text": [line.text for line in source.malformed],
        "reasons": [["R_FIELDS"]] * count,
        "basket_id": [None] * count,
        "shop_week_text": [None] * count,
        "shop_week": [source.main_week or None] * count,
        "arrival": [arrival] * count,
    }
    return pa.table(rows, schema=QUARANTINE)
