"""The rules of fields and rows against the field's libraries: processor seconds, and whether all find the same rows.

    python benchmarks/rules.py [--data 'FOLDER/transactions_*.csv.gz'] [--faulty 0.01] [--repeat 2]

Every library starts from rows of text in memory, in the form it likes best, and has to tell which rows are at fault.
pandera and Great Expectations are no dependencies: what is not installed is left out, and said to be. Without `--data`
simulated weeks are used. One row in a hundred is damaged, in one random column, unless `--faulty` says otherwise.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from retail_forecast.domain.columns import COLUMNS, Kind
from retail_forecast.lake.checks import examine
from retail_forecast.lake.landing import find_sources
from retail_forecast.simulation.spec import TillSpec
from retail_forecast.simulation.tills import simulate

_SEED = 20060410
_NAMES = [column.name for column in COLUMNS]


def read(files: Sequence[Path]) -> pa.Table:
    """All rows as text, under the names of silver."""
    convert = csv.ConvertOptions(column_types=dict.fromkeys(_NAMES, pa.string()), strings_can_be_null=False)
    return pa.concat_tables([csv.read_csv(file, convert_options=convert).select(_NAMES) for file in files])


def damaged(rows: pa.Table, share: float) -> pa.Table:
    """The same rows, a share of them with a wrong word in one column."""
    rng = np.random.default_rng(_SEED)
    column = np.where(rng.random(len(rows)) < share, rng.integers(0, len(_NAMES), len(rows)), -1)
    wrong = {Kind.CODE: "ZZ0", Kind.CATEGORY: "ZZ", Kind.DATE: "20070431", Kind.INTEGER: "-7", Kind.MONEY: "-1.00"}
    return pa.table(
        {c.name: pc.if_else(pa.array(column == i), wrong[c.kind], rows[c.name]) for i, c in enumerate(COLUMNS)}
    )


def ours(rows: pa.Table) -> int:
    """Rows at fault, block by block as ingest does."""
    found = 0
    for block in rows.to_batches(max_chunksize=50_000):
        texts = pa.RecordBatch.from_arrays([text.dictionary_encode() for text in block.columns], _NAMES)
        found += int(np.count_nonzero(examine(texts)[1]))
    return found


def peers(rows: pa.Table) -> dict[str, Callable[[], int]]:
    """The libraries that are installed, ready to be called."""
    found: dict[str, Callable[[], int]] = {}
    if find_spec("pandera"):
        peer = import_module("peers.pandera_rules")
        found["pandera on pandas"] = partial(peer.with_pandas, rows.to_pandas())
        found["pandera on Polars"] = partial(peer.with_polars, rows)
    if find_spec("great_expectations"):
        found["Great Expectations on pandas"] = partial(import_module("peers.gx_rules").with_pandas, rows.to_pandas())
    return found


def measured(work: Callable[[], int], repeat: int) -> tuple[float, int]:
    """Least processor seconds of all threads, and the rows at fault."""
    seconds, rows = [], 0
    for _ in range(repeat):
        start = time.process_time()
        rows = work()
        seconds.append(time.process_time() - start)
    return min(seconds), rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--data")
    parser.add_argument("--faulty", type=float, default=0.01)
    parser.add_argument("--repeat", type=int, default=2)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if not chosen.data:
            simulate(TillSpec(weeks=10), Path(folder))
        rows = damaged(read(find_sources([chosen.data or folder])), chosen.faulty)
    print(f"{len(rows):,} rows of text")
    missing = [name for name in ("pandera", "great_expectations") if not find_spec(name)]
    if missing:
        print(f"left out, for they are not installed: {', '.join(missing)}")
    first, _ = 0.0, 0
    for name, work in ({"retail-forecast": lambda: ours(rows)} | peers(rows)).items():
        seconds, faulty = measured(work, chosen.repeat)
        first = first or seconds
        print(f"{name}: {seconds:.2f} s of processor, {seconds / first:.1f} times ours, {faulty:,} rows at fault")


if __name__ == "__main__":
    main()
