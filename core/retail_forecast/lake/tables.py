"""The lake's Delta tables: made, opened at a version, appended to, and taken back to what the newest state names."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
from deltalake import (
    CommitProperties,
    DeltaTable,
    PostCommitHookProperties,
    Schema,
    Transaction,
    WriterProperties,
)
from deltalake.exceptions import DeltaError
from deltalake.transaction import AddAction, RemoveAction

from retail_forecast.domain.errors import PlaceError
from retail_forecast.lake.parts import PartFile
from retail_forecast.lake.schemas import MEASURED, PARTITIONS_OF, TABLES, WEEK_OF

__all__ = ["PATHS", "append", "drop_weeks", "open_table", "prepare", "tidy", "undo_unpublished", "widen"]

PATHS = {
    "silver": "silver/lines",
    "gold": "gold/baskets",
    "customers": "gold/customers",
    "quarantine": "quarantine/lines",
}
"""Where each table lies below the lake's root."""

_APP = "retail-forecast-ingest"
_FILES_A_PARTITION = 4
# Joining files holds unfinished row groups and pages of every column at once: small ones bound its memory.
_WRITER = WriterProperties(
    compression="ZSTD",
    max_row_group_size=32_768,
    data_page_size_limit=131_072,
    dictionary_page_size_limit=131_072,
)
_HOOKS = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)


def open_table(root: Path, name: str, version: int | None = None) -> DeltaTable:
    """The table `name` at `version`, or at its head.

    Raises
    ------
    PlaceError : it is not there, or not at that version
    """
    path = root / PATHS[name]
    try:
        return DeltaTable(path, version=version)
    except DeltaError as error:
        raise PlaceError(
            f"the table {name} cannot be read at version {version} ({error})",
            where=str(path),
            mend="ingest into a new workspace",
        ) from error


def undo_unpublished(root: Path, published: Mapping[str, int]) -> None:
    """Take back what a writer left behind that ended before it published its state."""
    for name, path in PATHS.items():
        if name not in published:
            shutil.rmtree(root / path, ignore_errors=True)
            continue
        table = open_table(root, name)
        if table.version() > published[name]:
            table.restore(published[name])


def prepare(root: Path, retention_days: int) -> dict[str, DeltaTable]:
    """All tables, at their heads, with all columns; those that are missing are made, and keep logs and removed files
    for `retention_days`.
    """
    keep = f"interval {retention_days} days"
    configuration = {"delta.logRetentionDuration": keep, "delta.deletedFileRetentionDuration": keep}
    tables = {
        name: DeltaTable.create(
            root / PATHS[name],
            schema,
            mode="ignore",
            partition_by=list(PARTITIONS_OF[name]),
            configuration=configuration | _measured(name),
        )
        for name, schema in TABLES.items()
    }
    for name, table in tables.items():
        _complete(table, TABLES[name])
    return tables


def _complete(table: DeltaTable, schema: pa.Schema) -> None:
    """Add the columns of `schema` that `table` lacks; its rows have nothing in them."""
    present = {column.name for column in table.schema().fields}
    missing = [column for column in schema if column.name not in present]
    if missing:
        table.alter.add_columns(Schema.from_arrow(pa.schema(missing)).fields)


def widen(table: DeltaTable, names: Sequence[str]) -> None:
    """Give `table` the text columns `names`, as far as it lacks them; rows that are there have nothing in them."""
    _complete(table, pa.schema([(name, pa.string()) for name in names]))


def _measured(name: str) -> dict[str, str]:
    if not MEASURED[name]:
        return {"delta.dataSkippingNumIndexedCols": "0"}
    return {"delta.dataSkippingStatsColumns": ",".join(MEASURED[name])}


def drop_weeks(name: str, table: DeltaTable, weeks: Sequence[int], state: int) -> None:
    """Remove the rows of `weeks` from `table`, in one commit."""
    if weeks:
        predicate = f"{WEEK_OF[name]} IN ({', '.join(map(str, weeks))})"
        table.delete(predicate, commit_properties=_commit(state, "replace"), post_commithook_properties=_HOOKS)


def append(root: Path, name: str, table: DeltaTable, files: Sequence[PartFile], state: int) -> None:
    """Move complete part files into `table` and add them to it, in one commit for lake state `state`."""
    if not files:
        return
    actions: list[AddAction | RemoveAction] = []
    for file in files:
        target = root / PATHS[name] / file.key
        target.parent.mkdir(parents=True, exist_ok=True)
        file.path.replace(target)
        written_ms = int(target.stat().st_mtime * 1000)
        actions.append(AddAction(file.key, file.size, file.partition, written_ms, True, file.stats))
    table.create_write_transaction(
        actions,
        "append",
        table.schema(),
        partition_by=list(PARTITIONS_OF[name]),
        commit_properties=_commit(state, "append"),
        post_commithook_properties=_HOOKS,
    )
    table.update_incremental()


def tidy(table: DeltaTable, state: int) -> None:
    """Join the small files of `table` once appends have split it into more than four files a partition."""
    if len(table.file_uris()) > _FILES_A_PARTITION * len(table.partitions()):
        table.optimize.compact(
            max_concurrent_tasks=1,
            writer_properties=_WRITER,
            commit_properties=_commit(state, "compact"),
            post_commithook_properties=_HOOKS,
        )


def _commit(state: int, part: str) -> CommitProperties:
    return CommitProperties(
        custom_metadata={"lake_state": str(state)}, app_transactions=[Transaction(f"{_APP}/{part}", state)]
    )
