"""Staging: the rows of one landed file, parsed once and laid beside the lake in slabs, with the faults that a row
shows by itself.

A slab holds the texts as they were found, dictionary-encoded, so that quarantine can show a row as it came. Beside
the slabs goes what only all files together can judge: which weeks a basket lies in, which parents a product or store
has, which baskets have lost a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
from numpy.typing import NDArray

from retail_forecast.domain.errors import FileRefused
from retail_forecast.lake.checks import examine, plain_columns, weeks_of
from retail_forecast.lake.fields import Field
from retail_forecast.lake.landing import Landed, check_header
from retail_forecast.lake.links import count_links, merge_links
from retail_forecast.lake.tillfile import KNOWN_NAMES, Malformed, read_blocks

__all__ = ["FAULTS", "WEEK", "Slab", "Staged", "stage"]

WEEK, FAULTS = "__week", "__faults"
"""Columns of a slab beside the texts: the row's week, 0 where it is open, and its own faults."""

_SCIENTIFIC = r"^\"?[0-9](\.[0-9]+)?[eE]\+?[0-9]+\"?$"


@dataclass(frozen=True, slots=True)
class Slab:
    """Rows of one file that were parsed together.

    Attributes
    ----------
    path : an Arrow file with the texts and `WEEK`, `FAULTS` of each row
    first : position of its first row among the file's well-formed rows
    weeks : rows of each week in it, 0 for rows whose week is open
    plain : columns of which every text is its value
    """

    path: Path
    first: int
    weeks: Mapping[int, int]
    plain: frozenset[str]


@dataclass(frozen=True, slots=True)
class Staged:
    """One file, staged.

    Attributes
    ----------
    landed : the file
    header : its column names, in its order
    slabs : its well-formed rows
    malformed : its other lines
    links : table of the parents that its products and stores have
    baskets : table (basket_id, week) of the baskets it holds rows of, where both are readable
    wounded : ids of baskets of which a row has a fault of its own
    faulty : rows with a fault of their own, malformed ones included
    """

    landed: Landed
    header: tuple[str, ...]
    slabs: tuple[Slab, ...]
    malformed: tuple[Malformed, ...]
    links: pa.Table
    baskets: pa.Table
    wounded: pa.StringArray
    faulty: int

    @property
    def weeks(self) -> dict[int, int]:
        """Rows of each week that the file holds, as far as rows tell."""
        totals: dict[int, int] = {}
        for slab in self.slabs:
            for week, rows in slab.weeks.items():
                if week:
                    totals[week] = totals.get(week, 0) + rows
        return totals

    @property
    def main_week(self) -> int:
        """The week that rows whose week is open are booked under: the file's commonest, the earlier of equals; 0 if
        none.
        """
        return max(self.weeks.items(), key=lambda item: (item[1], -item[0]), default=(0, 0))[0]

    @property
    def added(self) -> dict[str, str]:
        """Columns beside the contract's: the name that silver carries each under, and the one in the file."""
        return {name.upper(): name for name in self.header if name not in KNOWN_NAMES}

    @property
    def booked(self) -> dict[int, int]:
        """Rows that are booked under each week, malformed ones included; 0 stands for no week."""
        rows = self.weeks
        open_rows = self.rows - sum(rows.values())
        if open_rows:
            rows[self.main_week] = rows.get(self.main_week, 0) + open_rows
        return rows

    @property
    def rows(self) -> int:
        """All rows of the file, malformed ones included."""
        return sum(sum(slab.weeks.values()) for slab in self.slabs) + len(self.malformed)

    def rows_only(self) -> "Staged":
        """The same without what only all files together can judge: what a worker needs."""
        return replace(
            self,
            links=self.links.schema.empty_table(),
            baskets=self.baskets.schema.empty_table(),
            wounded=pa.array([], pa.string()),
        )


def stage(landed: Landed, folder: Path) -> Staged:
    """Parse `landed` into slabs in `folder`.

    Raises
    ------
    FileRefused : see `docs/lake.md`; its slabs are removed
    """
    slabs: list[Slab] = []
    try:
        return _stage(landed, folder, slabs)
    except FileRefused as refused:
        for slab in slabs:
            slab.path.unlink()
        refused.where = str(landed.origin)
        raise


def _stage(landed: Landed, folder: Path, slabs: list[Slab]) -> Staged:
    header = check_header(landed)
    malformed: list[Malformed] = []
    links, baskets, wounded, faulty, first = [], [], [], 0, 0
    for block in read_blocks(landed.copy, header, header, malformed):
        texts = pa.RecordBatch.from_arrays([text.dictionary_encode() for text in block.columns], list(header))
        _refuse_scientific(texts, header)
        fields, faults = examine(texts)
        weeks = weeks_of(fields, faults)
        path = folder / f"{landed.sha256}-{len(slabs):06d}.arrow"
        slabs.append(Slab(path, first, _rows_a_week(weeks), plain_columns(texts, fields)))
        _write(path, _narrow(texts).append_column(WEEK, pa.array(weeks)).append_column(FAULTS, pa.array(faults)))
        links.append(count_links(fields))
        baskets.append(_basket_weeks(fields["BASKET_ID"], weeks))
        wounded.append(_ids(fields["BASKET_ID"], faults != 0))
        faulty += int(np.count_nonzero(faults))
        first += block.num_rows
    if not slabs and not malformed:
        raise FileRefused("EMPTY_FILE", "it has a header and no rows", where="", mend="export it again")
    return Staged(
        landed,
        header,
        tuple(slabs),
        tuple(malformed),
        merge_links(links),
        pa.concat_tables([_BASKETS.empty_table(), *baskets]),
        pa.chunked_array(wounded, pa.string()).unique(),
        faulty + len(malformed),
    )


_BASKETS = pa.schema([("basket_id", pa.string()), ("week", pa.int32())])


def _rows_a_week(weeks: NDArray[np.int32]) -> dict[int, int]:
    found, rows = np.unique(weeks, return_counts=True)
    return dict(zip(found.tolist(), rows.tolist(), strict=True))


def _basket_weeks(ids: Field, weeks: NDArray[np.int32]) -> pa.Table:
    known = (ids.index >= 0) & (weeks != 0)
    pairs = np.unique(ids.index[known].astype(np.int64) << 32 | weeks[known])
    found = ids.values.take(pa.array(pairs >> 32))
    return pa.table([found, pa.array((pairs & 0xFFFFFFFF).astype(np.int32))], schema=_BASKETS)


def _ids(ids: Field, rows: NDArray[np.bool_]) -> pa.StringArray:
    chosen = np.unique(ids.index[rows])
    return ids.values.take(pa.array(chosen[chosen >= 0]))


def _refuse_scientific(texts: pa.RecordBatch, header: tuple[str, ...]) -> None:
    words = texts.column(header.index("BASKET_ID")).dictionary
    damaged = words.filter(pc.match_substring_regex(words, _SCIENTIFIC))
    if len(damaged):
        raise FileRefused(
            "SCIENTIFIC_BASKET_ID",
            f"a spreadsheet turned BASKET_ID into powers of ten (such as {damaged[0].as_py()}): baskets run together",
            where="",
            mend="take the original file, not one that was saved by a spreadsheet",
        )


def _narrow(texts: pa.RecordBatch) -> pa.RecordBatch:
    """The same texts, each column with the smallest numbers that tell its words apart: less to write and to read."""
    columns = [text.cast(pa.dictionary(_index_type(len(text.dictionary)), pa.string())) for text in texts.columns]
    return pa.RecordBatch.from_arrays(columns, texts.schema.names)


def _index_type(words: int) -> pa.DataType:
    return next((kind for kind in (pa.int8(), pa.int16()) if words <= 1 << (kind.bit_width - 1)), pa.int32())


def _write(path: Path, slab: pa.RecordBatch) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, slab.schema) as writer:
        writer.write_batch(slab)
