"""Part files: Parquet files of one partition each that a worker fills batch by batch, and that one commit adds to a
table.

Text arrives dictionary-encoded and is written so, without being looked at again; each row group carries the words that
its own rows use.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

__all__ = ["PartFile", "PartWriter"]

_SMALL_DICTIONARY = 64  # words: writing those that are not used costs less than finding them
_ESCAPES = str.maketrans({" ": "-", "/": "-", "%": "-"})


@dataclass(frozen=True, slots=True)
class PartFile:
    """A part file that is complete.

    Attributes
    ----------
    path : where it was written
    key : where it belongs, relative to its table
    partition : values of the partition columns
    rows : rows in it
    size : bytes
    stats : its numbers and bounds as Delta's log keeps them, JSON
    """

    path: Path
    key: str
    partition: Mapping[str, str]
    rows: int
    size: int
    stats: str


@dataclass(slots=True)
class _Open:
    path: Path
    key: str
    writer: pq.ParquetWriter
    rows: int = 0


@dataclass(slots=True)
class PartWriter:
    """Fills the part files of one table.

    Attributes
    ----------
    folder : where the files are written, made when it is missing
    stem : name of the files, unique among all that the table ever gets
    partition_by : columns whose values part the rows; they are not written
    measured : columns without empty values whose bounds are noted
    """

    folder: Path
    stem: str
    partition_by: Sequence[str]
    measured: Sequence[str]
    _open: dict[tuple[str, ...], _Open] = field(default_factory=dict)

    def add(self, rows: pa.Table) -> None:
        """Append `rows`, of which those of one partition stand together."""
        columns = [name for name in rows.column_names if name not in self.partition_by]
        whole = rows.combine_chunks()
        for values, start, count in _runs(whole, self.partition_by):
            part = whole.select(columns).slice(start, count)
            arrays = [_own_words(column.chunk(0)) for column in part.columns]
            target = self._open.get(values) or self._opened(values, part.schema)
            target.writer.write_table(pa.Table.from_arrays(arrays, schema=part.schema), row_group_size=count)
            target.rows += count

    def close(self) -> list[PartFile]:
        """Complete all files."""
        return [self._closed(values, target) for values, target in self._open.items()]

    def _opened(self, values: tuple[str, ...], schema: pa.Schema) -> _Open:
        named = zip(self.partition_by, values, strict=True)
        key = "".join(f"{name}={value.translate(_ESCAPES)}/" for name, value in named) + f"{self.stem}.parquet"
        path = self.folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = pq.ParquetWriter(
            path,
            schema,
            compression="snappy",  # quick; compaction packs tighter
            write_statistics=list(self.measured),
            store_schema=False,
            store_decimal_as_integer=True,
        )
        return self._open.setdefault(values, _Open(path, key, writer))

    def _closed(self, values: tuple[str, ...], target: _Open) -> PartFile:
        target.writer.close()
        return PartFile(
            target.path,
            target.key,
            dict(zip(self.partition_by, values, strict=True)),
            target.rows,
            target.path.stat().st_size,
            _stats(pq.read_metadata(target.path), self.measured),
        )


def _runs(rows: pa.Table, names: Sequence[str]) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Values of the columns `names`, first row and number of rows of each stretch in which they do not change."""
    if not len(rows):
        return
    changes = np.zeros(len(rows) - 1, bool)
    for name in names:
        changes |= np.diff(np.asarray(rows[name].chunk(0).indices)) != 0
    starts = np.flatnonzero(np.append(True, changes))
    for start, count in zip(starts.tolist(), np.diff(np.append(starts, len(rows))).tolist(), strict=True):
        yield tuple(rows[name][start].as_py() for name in names), start, count


def _own_words(values: pa.Array) -> pa.Array:
    """The same values, with dictionaries that hold no more words than they use."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return values if len(values.dictionary) <= _SMALL_DICTIONARY else _compacted(values)
    if pa.types.is_struct(kind):
        return pa.StructArray.from_arrays([_own_words(part) for part in values.flatten()], fields=list(kind))
    if pa.types.is_list(kind):
        offsets = np.asarray(values.offsets)
        return pa.ListArray.from_arrays(pa.array(offsets - offsets[0]), _own_words(values.flatten()), type=kind)
    return values


def _compacted(values: pa.DictionaryArray) -> pa.DictionaryArray:
    words = len(values.dictionary)
    index = np.asarray(values.indices.fill_null(words) if values.null_count else values.indices)
    used = np.zeros(words + 1, bool)
    used[index] = True
    kept = np.flatnonzero(used[:words])
    numbers: NDArray[np.int32] = np.empty(words + 1, np.int32)
    numbers[kept] = np.arange(len(kept))
    mask = index == words if values.null_count else None
    return pa.DictionaryArray.from_arrays(pa.array(numbers[index], mask=mask), values.dictionary.take(pa.array(kept)))


def _stats(metadata: pq.FileMetaData, names: Sequence[str]) -> str:
    places = {metadata.schema.column(number).path: number for number in range(metadata.num_columns)}
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    found = {name: [group.column(places[name]).statistics for group in groups] for name in names}
    document = {
        "numRecords": metadata.num_rows,
        "minValues": {name: min(part.min for part in parts) for name, parts in found.items()},
        "maxValues": {name: max(part.max for part in parts) for name, parts in found.items()},
        "nullCount": dict.fromkeys(names, 0),
    }
    return msgspec.json.encode(document).decode()
