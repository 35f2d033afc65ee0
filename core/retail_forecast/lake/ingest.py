"""Ingest: till files become raw bytes, silver, gold and quarantine, in one new state of the lake or in none.

The order makes it safe to be interrupted anywhere: raw, then the tables, then the state. What a writer left
unpublished is taken back by the next one, so that a repeated run ends with the same content. A file that is known
changes nothing; another file for a week that is present replaces that week in all tables.
"""

import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
            taken = take_in(files, before.sources if before else (), room, runner, shown)
            taken = admit(taken, before, settings.quality, accept)
            if not taken.staged:
                return _report(taken, Ledger(), before, before, (), Difference(), {}, (clock() - start).total_seconds())
            check()
            ledger, tables = _write(root, room, taken.staged, before, settings, start, runner, shown)
            state = _next_state(taken.staged, before, ledger, tables, clock())
            replaced = _replaced(taken.staged, before)
            corrections = _corrections(root, before, tables["silver"], replaced, settings, room)
            misfits = _misfits(root, ledger, tables["customers"], settings, room)
            seconds = (clock() - start).total_seconds()
            report = _report(taken, ledger, before, state, replaced, corrections, misfits, seconds)
            keep_report(root, report)
            keep_profiles(root, state.number, ledger.profiles)
            check()
            states.publish(state)
            return report


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


def _replaced(staged: Sequence[Staged], before: LakeState | None) -> tuple[int, ...]:
    present = before.weeks if before else {}
    return tuple(sorted({week for source in staged for week in source.weeks if week in present}))


def _write(
    root: Address,
    room: Path,
    staged: Sequence[Staged],
    before: LakeState | None,
    settings: LakeSettings,
    arrival: datetime,
    engine: Engine,
    progress: Progress,
) -> tuple[Ledger, dict[str, DeltaTable]]:
    """Write raw and tables; nothing of it counts before the state is published."""
    number = before.number + 1 if before else 1
    replaced = _replaced(staged, before)
    evidence = _evidence(staged, Catalogue(root, before, replaced))
    together(lambda source: keep(source.landed, root, _manifest(source, arrival)), staged)
    tables = prepare(root, settings.retention_days)
    widen(tables["silver"], added_columns(staged))
    for name, table in tables.items():
        drop_weeks(name, table, replaced, number)
    written = _written(staged, evidence, number, arrival, room, settings, engine, progress)
    ledger = Ledger()
    for share in written:
        ledger.add(share.ledger)
    ledger.check(sum(source.rows for source in staged))
    files = {name: [file for share in written for file in share.files[name]] for name in tables}
    if before and "customers" not in before.tables:
        kept = [week for week in before.weeks if week not in replaced]
        stem = f"{number:06d}-{arrival:%Y%m%dT%H%M%S%f}-before"
        writer = PartWriter(room / "customers", stem, PARTITIONS_OF["customers"], MEASURED["customers"])
        writer.add(customers_before(root, before, kept))
        files["customers"] += writer.close()
    for name, table in tables.items():
        append(root, name, table, files[name], number)
        tidy(table, number)
    return ledger, tables


def _written(
    staged: Sequence[Staged],
    evidence: Evidence,
    number: int,
    arrival: datetime,
    room: Path,
    settings: LakeSettings,
    engine: Engine,
    progress: Progress,
) -> list[Written]:
    batches = plan(staged, settings.memory_limit_mb * _ROWS_A_MB // engine.together, engine.workers)
    rows = [source.rows_only() for source in staged]
    stem = f"{number:06d}-{arrival:%Y%m%dT%H%M%S%f}"
    shares = [
        Share(rows, dealt, evidence, arrival, room / "parts", f"{stem}-{worker:04d}")
        for worker, dealt in enumerate(deal(batches, engine.workers))
    ]
    with progress.track("checking and writing", sum(source.rows for source in staged), "rows") as done:
        carried = Carried(room, attrgetter("slabs"), attrgetter("paths"), back=True)
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
    staged: Sequence[Staged], before: LakeState | None, ledger: Ledger, tables: dict[str, DeltaTable], now: datetime
) -> LakeState:
    arrived = {source.landed.sha256: _account(source, now) for source in staged}
    return LakeState(
        number=before.number + 1 if before else 1,
        tables={name: table.version() for name, table in tables.items()},
        weeks=dict(sorted({**(before.weeks if before else {}), **ledger.weeks(staged)}.items())),
        sources={**(before.sources if before else {}), **arrived},
        written_at=now,
        columns=carried_columns(staged, before),
    )


def _corrections(
    root: Address,
    before: LakeState | None,
    silver: DeltaTable,
    replaced: Sequence[int],
    settings: LakeSettings,
    room: Path,
) -> Difference:
    if not (before and replaced):
        return Difference()
    held, now = (dataset_of(root, "silver", version) for version in (before.tables["silver"], silver.version()))
    with bounded(settings, room) as connection:
        return difference(connection, held, now, replaced)


def _misfits(
    root: Address, ledger: Ledger, customers: DeltaTable, settings: LakeSettings, room: Path
) -> dict[str, dict[int, int]]:
    with bounded(settings, room) as connection:
        rows = dataset_of(root, "customers", customers.version())
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
