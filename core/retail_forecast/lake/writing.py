"""Writing: a worker refines its batches one after the other and fills part files with them, for one commit a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from retail_forecast.lake.batch import slabs_of
from retail_forecast.lake.customers import customers_of
from retail_forecast.lake.engines import Done
from retail_forecast.lake.judge import Evidence
from retail_forecast.lake.ledger import Ledger
from retail_forecast.lake.parts import PartFile, PartWriter
from retail_forecast.lake.refine import refine
from retail_forecast.lake.schemas import MEASURED, PARTITIONS_OF, TABLES
from retail_forecast.lake.staging import Staged

__all__ = ["Share", "Written", "deal", "write_share"]


@dataclass(frozen=True, slots=True)
class Share:
    """One worker's part of an ingest.

    Attributes
    ----------
    staged : the files
    batches : weeks to refine together, batch by batch
    evidence : what only all files together could tell
    arrival : when they came, in UTC
    folder : where the part files are written
    stem : name of the part files
    """

    staged: Sequence[Staged]
    batches: Sequence[Sequence[int]]
    evidence: Evidence
    arrival: datetime
    folder: Path
    stem: str

    @property
    def slabs(self) -> list[Path]:
        """The files that it is read from."""
        found = (slab.path for weeks in self.batches for _, slab in slabs_of(self.staged, weeks))
        return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Written:
    """What a worker wrote: the part files of each table, and what is in them."""

    files: dict[str, list[PartFile]]
    ledger: Ledger

    @property
    def paths(self) -> list[Path]:
        """Where the part files are."""
        return [file.path for files in self.files.values() for file in files]


def deal(batches: Sequence[Sequence[int]], workers: int) -> list[Sequence[Sequence[int]]]:
    """The batches in at most `workers` shares of about equal length, neighbours together."""
    count = min(workers, len(batches))
    bounds = [len(batches) * number // count for number in range(count + 1)] if count else []
    return [batches[start:end] for start, end in pairwise(bounds)]


def write_share(share: Share, done: Done) -> Written:
    """Refine and write the batches of `share`; `done` hears of rows."""
    ledger = Ledger()
    writers = {
        name: PartWriter(share.folder / name, share.stem, PARTITIONS_OF[name], MEASURED[name]) for name in TABLES
    }
    for weeks in share.batches:
        part = refine(share.staged, weeks, share.evidence, share.arrival)
        ledger.enter(part)
        tables = {"silver": part.silver, "gold": part.gold, "quarantine": part.quarantine}
        for name, rows in (tables | {"customers": customers_of(part.gold)}).items():
            writers[name].add(rows)
        done(len(part.silver) + len(part.quarantine))
    return Written({name: writer.close() for name, writer in writers.items()}, ledger)
