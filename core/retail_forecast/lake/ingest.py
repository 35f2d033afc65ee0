"""Ingest: till files become raw bytes, silver, gold and quarantine, in one new state of the lake or in none.

The order makes it safe to be interrupted anywhere: raw, then the tables, then the state. What a writer left
unpublished is taken back by the next one, so that a repeated run ends with the same content. A file that is known
changes nothing; another file for a week that is present replaces that week in all tables.
"""

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pyarrow as pa
from deltalake import DeltaTable

from retail_forecast.clouds.addresses import Address, local_folder
from retail_forecast.clouds.objects import remove_below, together
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.progress import Progress, Silent
from retail_forecast.domain.settings import LakeSettings
from retail_forecast.lake.accounts import IngestReport, keep_report
from retail_forecast.lake.admission import admit, carried_columns, check_acceptable
from retail_forecast.lake.batch import plan
from retail_forecast.lake.catalogue import Catalogue, bounded
from retail_forecast.lake.customers import customers_before
from retail_forecast.lake.datasets import dataset_of
from retail_forecast.lake.difference import Difference, difference
from retail_forecast.lake.engines import WORK, Carried, Embedded, Engine
from retail_forecast.lake.intake import Intake, take_in
from retail_forecast.lake.judge import Evidence
from retail_forecast.lake.landing import find_sources, keep
from retail_forecast.lake.lease import lease
from retail_forecast.lake.ledger import Ledger
from retail_forecast.lake.links import accept, merge_links
from retail_forecast.lake.misfits import moved_customers
from retail_forecast.lake.parts import PartWriter
from retail_forecast.lake.profiles import keep_profiles
from retail_forecast.lake.refine import added_columns
from retail_forecast.lake.schemas import MEASURED, PARTITIONS_OF
from retail_forecast.lake.staging import Staged
from retail_forecast.lake.state import LakeState, LakeStates, SourceAccount
from retail_forecast.lake.storage import told_as_place
from retail_forecast.lake.tables import append, drop_weeks, prepare, tidy, undo_unpublished, widen
from retail_forecast.lake.writing import Share, Written, deal, write_share

__all__ = ["IngestReport", "ingest"]

_ROWS_A_MB = 1000  # of a batch of weeks, for each megabyte of the memory limit: measured, see docs/adr/0005


def ingest(
    root: Address,
    sources: Sequence[str],
    settings: LakeSettings,
    *,
    clock: Callable[[], datetime],
    accept: Collection[str] = (),
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Take the files that `sources` name into the lake at `root`.

    Parameters
    ----------
    root : place of the lake; a folder is made when it is missing
    sources : files, folders or patterns
    clock : the time, in UTC
    engine : what runs the work; threads of this process when None
    accept : codes of `standards.ACCEPTABLE` for which no file is refused

    Raises
    ------
    UsageError : a source names nothing, or a code cannot be accepted
    Conflict : another process is writing to this lake
    PlaceError : the lake cannot be written or read
    """
    start = clock()
    check_acceptable(accept)
    files = find_sources(sources)
    shown, runner = progress or Silent(), engine or Embedded(settings.threads)
    with lease(root, clock) as check, told_as_place(root):
        states = LakeStates(root)
        before = states.latest()
        undo_unpublished(root, before.tables if before else {})
        with _workroom(root) as room:
            work = _Work(root, room, settings, before, start, runner, shown)
            taken = take_in(files, before.sources if before else (), room, runner, shown)
            taken = admit(taken, before, settings.quality, accept)
            if not taken.staged:
                return _report(taken, Ledger(), before, before, (), Difference(), {}, (clock() - start).total_seconds())
            check()
            report, state = _refined(work, taken, clock)
            check()
            states.publish(state)
            return report


@dataclass(frozen=True, slots=True)
class _Work:
    """What the steps of one ingest share: `before` is the state it began with, `arrival` when it began."""

    root: Address
    room: Path
    settings: LakeSettings
    before: LakeState | None
    arrival: datetime
    engine: Engine
    progress: Progress

    @property
    def number(self) -> int:
        """Of the state that it makes."""
        return self.before.number + 1 if self.before else 1

    @property
    def stem(self) -> str:
        """What the names of its part files begin with."""
        return f"{self.number:06d}-{self.arrival:%Y%m%dT%H%M%S%f}"

    def replaced(self, staged: Sequence[Staged]) -> tuple[int, ...]:
        """Weeks that are present, and come again."""
        present = self.before.weeks if self.before else {}
        return tuple(sorted({week for source in staged for week in source.weeks if week in present}))


def _refined(work: _Work, taken: Intake, clock: Callable[[], datetime]) -> tuple[IngestReport, LakeState]:
    """Write all but the state, which is returned with the report on what it holds."""
    ledger, tables = _write(work, taken.staged)
    state = _next_state(work, taken.staged, ledger, tables, clock())
    replaced = work.replaced(taken.staged)
    corrections = _corrections(work, tables["silver"], replaced)
    misfits = _misfits(work, ledger, tables["customers"])
    seconds = (clock() - work.arrival).total_seconds()
    report = _report(taken, ledger, work.before, state, replaced, corrections, misfits, seconds)
    keep_report(work.root, report)
    keep_profiles(work.root, state.number, ledger.profiles)
    return report, state


@contextmanager
def _workroom(root: Address) -> Iterator[Path]:
    """An empty folder that is gone afterwards: on the lake's own disk, where it has one, and there a predecessor's rest
    is removed; else among the temporary files of this machine, and what workers exchanged through the store goes too.
    """
    folder = local_folder(root)
    if folder is None:
        place = open_store(root)
        remove_below(place, WORK)
        try:
            with TemporaryDirectory(prefix="retail-forecast-ingest-") as made:
                yield Path(made).resolve()
        finally:
            remove_below(place, WORK)
        return
    room = folder / WORK
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir()
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


def _write(work: _Work, staged: Sequence[Staged]) -> tuple[Ledger, dict[str, DeltaTable]]:
    """Write raw and tables; nothing of it counts before the state is published."""
    root, before, replaced = work.root, work.before, work.replaced(staged)
    evidence = _evidence(staged, Catalogue(root, before, replaced))
    together(lambda source: keep(source.landed, root, _manifest(source, work.arrival)), staged)
    tables = prepare(root, work.settings.retention_days)
    widen(tables["silver"], added_columns(staged))
    for name, table in tables.items():
        drop_weeks(name, table, replaced, work.number)
    written = _written(work, staged, evidence)
    ledger = Ledger()
    for share in written:
        ledger.add(share.ledger)
    ledger.check(sum(source.rows for source in staged))
    files = {name: [file for share in written for file in share.files[name]] for name in tables}
    if before and "customers" not in before.tables:
        kept = [week for week in before.weeks if week not in replaced]
        folder = work.room / "customers"
        writer = PartWriter(folder, f"{work.stem}-before", PARTITIONS_OF["customers"], MEASURED["customers"])
        writer.add(customers_before(root, before, kept))
        files["customers"] += writer.close()
    for name, table in tables.items():
        append(root, name, table, files[name], work.number)
        tidy(table, work.number)
    return ledger, tables


def _written(work: _Work, staged: Sequence[Staged], evidence: Evidence) -> list[Written]:
    engine = work.engine
    batches = plan(staged, work.settings.memory_limit_mb * _ROWS_A_MB // engine.together, engine.workers)
    rows = [source.rows_only() for source in staged]
    shares = [
        Share(rows, dealt, evidence, work.arrival, work.room / "parts", f"{work.stem}-{worker:04d}")
        for worker, dealt in enumerate(deal(batches, engine.workers))
    ]
    with work.progress.track("checking and writing", sum(source.rows for source in staged), "rows") as done:
        carried = Carried(work.room, attrgetter("slabs"), attrgetter("paths"), back=True)
        return list(engine.run(write_share, shares, done, carried))


def _evidence(staged: Sequence[Staged], catalogue: Catalogue) -> Evidence:
    links = merge_links([source.links for source in staged])
    spanning = catalogue.spanning(pa.concat_tables([source.baskets for source in staged]))
    wounded = pa.chunked_array([source.wounded for source in staged], pa.string()).unique()
    return Evidence(accept(links, catalogue.links()), spanning, wounded)


def _account(source: Staged, arrival: datetime) -> SourceAccount:
    return SourceAccount(
        source.landed.origin.name, source.rows, source.landed.size, tuple(sorted(source.weeks)), arrival
    )


def _manifest(source: Staged, arrival: datetime) -> bytes:
    account = msgspec.to_builtins(_account(source, arrival))
    return msgspec.json.format(msgspec.json.encode({"sha256": source.landed.sha256, **account}), indent=2)


def _next_state(
    work: _Work, staged: Sequence[Staged], ledger: Ledger, tables: dict[str, DeltaTable], now: datetime
) -> LakeState:
    before, arrived = work.before, {source.landed.sha256: _account(source, now) for source in staged}
    return LakeState(
        number=work.number,
        tables={name: table.version() for name, table in tables.items()},
        weeks=dict(sorted({**(before.weeks if before else {}), **ledger.weeks(staged)}.items())),
        sources={**(before.sources if before else {}), **arrived},
        written_at=now,
        columns=carried_columns(staged, before),
    )


def _corrections(work: _Work, silver: DeltaTable, replaced: Sequence[int]) -> Difference:
    if not (work.before and replaced):
        return Difference()
    versions = work.before.tables["silver"], silver.version()
    held, now = (dataset_of(work.root, "silver", version) for version in versions)
    with bounded(work.settings, work.room) as connection:
        return difference(connection, held, now, replaced)


def _misfits(work: _Work, ledger: Ledger, customers: DeltaTable) -> dict[str, dict[int, int]]:
    with bounded(work.settings, work.room) as connection:
        rows = dataset_of(work.root, "customers", customers.version())
        moved = moved_customers(connection, rows, sorted(ledger.profiles))
    found = {"CUSTOMER_SEGMENT": moved, "XX_PRODUCTS": dict(sorted(ledger.unclassified.items()))}
    return {code: weeks for code, weeks in found.items() if weeks}


def _report(
    taken: Intake,
    ledger: Ledger,
    before: LakeState | None,
    state: LakeState | None,
    replaced: tuple[int, ...],
    corrections: Difference,
    misfits: Mapping[str, Mapping[int, int]],
    seconds: float,
) -> IngestReport:
    known = before.columns if before else {}
    return IngestReport(
        files=len(taken.staged),
        rows_read=sum(source.rows for source in taken.staged),
        rows_silver=ledger.silver.total(),
        rows_quarantined=ledger.quarantined.total(),
        baskets=ledger.baskets.total(),
        refused=taken.refused,
        accepted=taken.accepted,
        unchanged=taken.unchanged,
        weeks=tuple(sorted({week for source in taken.staged for week in source.weeks})),
        replaced=replaced,
        new_columns=tuple(name for name in (state.columns if state else ()) if name not in known),
        corrections=corrections,
        misfits=misfits,
        reasons=dict(sorted(ledger.reasons.items())),
        examples=ledger.examples,
        state=state.number if state else None,
        versions=dict(state.tables) if state else {},
        seconds=seconds,
    )
