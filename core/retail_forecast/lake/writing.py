"""Writing: refined batches stream into one commit a table, with the next batch being refined meanwhile.

Silver is written as batches come; gold and quarantine, which are smaller, wait in files beside it, so that one writer
at a time needs memory.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
from deltalake import DeltaTable

from retail_forecast.lake.refine import Refined
from retail_forecast.lake.schemas import ENCODED_GOLD, ENCODED_SILVER, QUARANTINE
from retail_forecast.lake.tables import append

__all__ = ["write"]

_CHUNK_ROWS = 65_536


def write(tables: Mapping[str, DeltaTable], parts: Iterable[Refined], state: int, room: Path) -> None:
    """Append all `parts` to the tables, for lake state `state`; `room` is a folder for what waits."""
    waiting = {"gold": ENCODED_GOLD, "quarantine": QUARANTINE}
    with ExitStack() as stack:
        spills = {
            name: stack.enter_context(pa.ipc.new_stream(str(_spill(room, name)), schema))
            for name, schema in waiting.items()
        }
        lines = pa.RecordBatchReader.from_batches(ENCODED_SILVER, _lines(_ahead(parts), spills))
        append(tables["silver"], lines, state)
    for name, schema in waiting.items():
        with pa.OSFile(str(_spill(room, name))) as source, pa.ipc.open_stream(source) as rows:
            filled = (batch for batch in rows if batch.num_rows)
            if first := next(filled, None):
                append(tables[name], pa.RecordBatchReader.from_batches(schema, chain([first], filled)), state)


def _spill(room: Path, name: str) -> Path:
    return room / f"{name}.arrows"


def _lines(parts: Iterable[Refined], spills: Mapping[str, pa.ipc.RecordBatchStreamWriter]) -> Iterator[pa.RecordBatch]:
    for part in parts:
        spills["gold"].write_table(part.gold, max_chunksize=_CHUNK_ROWS)
        spills["quarantine"].write_table(part.quarantine, max_chunksize=_CHUNK_ROWS)
        yield from part.silver.to_batches(max_chunksize=_CHUNK_ROWS)


def _ahead(parts: Iterable[Refined]) -> Iterator[Refined]:
    """The same parts; each is made while the one before it is being written."""
    made = iter(parts)
    with ThreadPoolExecutor(1) as worker:
        following = worker.submit(next, made, None)
        while (part := following.result()) is not None:
            following = worker.submit(next, made, None)
            yield part
