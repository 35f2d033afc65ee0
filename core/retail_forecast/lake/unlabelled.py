"""Files that ask for predictions: till lines without regard to a label, or baskets in JSON lines.

Unlike ingest, which sets bad rows aside, a file that asks for answers must be readable throughout: an answer from
half a basket would be wrong without telling. The label column is never read.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from retail_forecast.domain.basket import Basket
from retail_forecast.domain.columns import COLUMNS, Column, column
from retail_forecast.domain.errors import DataError, FileRefused, UsageError
from retail_forecast.domain.settings import LakeSettings
from retail_forecast.kernel.lines import HEADER, LEVELS, MISSING, Baskets, Codes, baskets_from_rows
from retail_forecast.lake.columnar import MOMENT_COLUMNS, days, pence
from retail_forecast.lake.fields import Field, arrow_type, join_fields, read_field
from retail_forecast.lake.rules import bit, bits_of
from retail_forecast.lake.tillfile import KNOWN_NAMES, Malformed, opened, read_blocks, read_header, row_numbers

__all__ = ["read_lines"]

_REQUIRED = ("BASKET_ID", "PROD_CODE", "QUANTITY", "SPEND")
_FILLED = ("BASKET_ID", "QUANTITY", "SPEND")
_COLUMNS = {c.field: c for c in COLUMNS if c.field in {*LEVELS, *HEADER, *MOMENT_COLUMNS, "quantity", "spend_gbp"}}
_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A place that cannot be read."""

    path: Path
    row: int
    what: str


@dataclass(slots=True)
class _Findings:
    """How many places cannot be read, and the first few of them."""

    count: int = 0
    first: list[_Wrong] = field(default_factory=list)

    def add(self, places: Sequence[_Wrong], count: int) -> None:
        self.count += count
        self.first = sorted([*self.first, *places], key=lambda wrong: wrong.row)[:_EXAMPLES]


def read_lines(files: Sequence[Path], settings: LakeSettings) -> Baskets:
    """The baskets of `files`, in order of first appearance, their lines sorted by product.

    Files are till lines (CSV, plain or gzip, either header variant, in any order of columns, of which only BASKET_ID,
    PROD_CODE, QUANTITY and SPEND must be there) or baskets (one JSON object a line, see `domain.basket`); by content,
    not by name. The lines of a BASKET_ID are one basket wherever they stand; what describes it is taken from its
    first line.

    Raises
    ------
    UsageError : no files, or both kinds at once
    FileRefused : a file that cannot be read at all
    DataError : rows that cannot be read; names the first five and counts them
    """
    kinds = {_is_json(path) for path in files}
    if len(kinds) != 1:
        raise UsageError(
            "files of till lines and files of JSON baskets at once" if kinds else "no file is given",
            mend="name files of one kind",
        )
    if kinds.pop():
        return _sorted_lines(baskets_from_rows([basket for path in files for basket in _read_json(path)]))
    with ThreadPoolExecutor(settings.threads or os.cpu_count() or 1) as pool:
        parts = list(pool.map(_read_file, files))
    _raise_if_wrong([findings for _, findings in parts])
    blocks = [block for part, _ in parts for block in part]
    if not blocks:
        raise DataError("there are no rows", where=str(files[0]), mend="name a file with till lines")
    return _group({name: join_fields([block[name] for block in blocks]) for name in blocks[0]})


def _is_json(path: Path) -> bool:
    with opened(path) as stream:
        start: bytes = stream.read(4096)
    return start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{")


def _read_json(path: Path) -> list[Basket]:
    decoder, baskets, findings = msgspec.json.Decoder(Basket), [], _Findings()
    with opened(path) as stream:
        for number, line in enumerate(stream.read().split(b"\n"), start=1):
            if not line.strip():
                continue
            try:
                baskets.append(decoder.decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                findings.add([_Wrong(path, number, str(error))], 1)
    _raise_if_wrong([findings])
    return baskets


def _read_file(path: Path) -> tuple[list[dict[str, Field]], _Findings]:
    header = read_header(path)
    wanted = [name for name in header if name in KNOWN_NAMES and column(name).field in _COLUMNS]
    _check_names(path, header)
    malformed: list[Malformed] = []
    found, findings, first = [], _Findings(), 0
    for block in read_blocks(path, header, wanted, malformed):
        read, wrong, count = _read_block(block)
        found.append(read)
        rows = row_numbers(np.asarray([first + row for row, _ in wrong], np.int64), malformed)
        findings.add([_Wrong(path, int(row), what) for row, (_, what) in zip(rows, wrong, strict=True)], count)
        first += block.num_rows
    text = f"its number of fields is not the header's {len(header)}"
    findings.add([_Wrong(path, line.number, text) for line in malformed[:_EXAMPLES]], len(malformed))
    return found, findings


def _check_names(path: Path, header: Sequence[str]) -> None:
    missing = sorted(set(_REQUIRED).difference(header))
    if missing:
        raise FileRefused(
            "MISSING_COLUMN",
            f"columns are missing: {', '.join(missing)}",
            where=str(path),
            mend=f"give at least {', '.join(_REQUIRED)}",
        )
    known = [column(name).name for name in header if name in KNOWN_NAMES]
    if len(set(known)) != len(known) or len(set(header)) != len(header):
        raise FileRefused(
            "UNKNOWN_HEADER", "a column stands twice in the header", where=str(path), mend="name each column once"
        )


def _read_block(block: pa.RecordBatch) -> tuple[dict[str, Field], list[tuple[int, str]], int]:
    """The fields of a block, the first places that cannot be read as (row, what), and the count of all such places."""
    absent = np.full(block.num_rows, -1, np.int32)
    found = {name: Field(pa.array([], arrow_type(spec)), absent) for name, spec in _COLUMNS.items()}
    wrong: list[tuple[int, str]] = []
    count = 0
    for name, texts in zip(block.schema.names, block.columns, strict=True):
        spec, words = column(name), texts.dictionary_encode()
        found[spec.field], faults = read_field(spec, words, aliased=name != spec.name)
        bad = (faults & _refused_bits(spec)) != 0
        if bad.any():
            rows = np.flatnonzero(bad[np.asarray(words.indices)])
            count += len(rows)
            wrong += [(int(row), f"{name} is {texts[int(row)].as_py()!r}") for row in rows[:_EXAMPLES]]
    return found, sorted(wrong), count


def _refused_bits(spec: Column) -> np.uint64:
    """Faults that make a row unreadable; what describes a basket may be left empty."""
    return (
        bits_of(spec.name)
        if spec.name in _FILLED or spec.nullable
        else bits_of(spec.name) & ~bit(f"R_NULL_{spec.name}")
    )


def _raise_if_wrong(parts: Sequence[_Findings]) -> None:
    total = sum(part.count for part in parts)
    if not total:
        return
    first = [wrong for part in parts for wrong in part.first][:_EXAMPLES]
    places = "; ".join(f"{wrong.path.name} row {wrong.row}: {wrong.what}" for wrong in first)
    more = f" (the first {len(first)} of {total})" if total > len(first) else ""
    raise DataError(
        f"{total} places cannot be read: {places}{more}",
        where=str(first[0].path),
        mend="correct these rows, or leave their baskets out",
    )


def _group(columns: dict[str, Field]) -> Baskets:
    """One basket for each id, in order of first appearance."""
    ids = columns["basket_id"].index
    _, first, number = np.unique(ids, return_index=True, return_inverse=True)
    appearance = np.argsort(np.argsort(first))
    basket = appearance[number]
    rows = np.lexsort([_ranks(columns["prod_code"]), basket])
    heads = np.sort(first)
    return Baskets(
        np.concatenate([[0], np.cumsum(np.bincount(basket))]).astype(np.int64),
        columns["quantity"].decoded(0)[rows].astype(np.int64),
        pence(columns["spend_gbp"].values)[columns["spend_gbp"].index[rows]],
        days(columns["shop_date"].decoded(MISSING)[heads]),
        columns["shop_hour"].decoded(MISSING)[heads],
        None,
        *(_codes(columns[name], rows) for name in LEVELS),
        *(_codes(columns[name], heads) for name in HEADER),
    )


def _codes(column_of_rows: Field, rows: NDArray[np.intp]) -> Codes:
    return Codes(tuple(column_of_rows.values.to_pylist()), column_of_rows.index[rows])


def _ranks(products: Field) -> NDArray[np.int64]:
    order = np.asarray(pc.sort_indices(products.values))
    ranks = np.full(len(order) + 1, -1, np.int64)
    ranks[order] = np.arange(len(order))
    return ranks[products.index]


def _sorted_lines(baskets: Baskets) -> Baskets:
    """The same baskets, the lines of each sorted by product as in gold."""
    products = Field(pa.array(baskets.prod_code.values, pa.string()), baskets.prod_code.index)
    rows = np.lexsort([_ranks(products), np.repeat(np.arange(len(baskets)), baskets.line_counts)])
    return replace(
        baskets,
        quantity=baskets.quantity[rows],
        spend_pence=baskets.spend_pence[rows],
        **{name: getattr(baskets, name).take(rows) for name in LEVELS},
    )
