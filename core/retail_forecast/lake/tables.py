"""The lake's Delta tables: made, opened at a version, appended to, and taken back to what the newest state names."""

from collections.abc import Mapping, Sequence

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

from retail_forecast.clouds.addresses import Address, below, local_folder
from retail_forecast.clouds.objects import remove_below, upload
from retail_forecast.clouds.opening import open_store, table_options
from retail_forecast.domain.errors import Conflict, PlaceError
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


def open_table(root: Address, name: str, version: int | None = None) -> DeltaTable:
    """The table `name` at `version`, or at its head.

    Raises
    ------
    PlaceError : it is not there, or not at that version
    """
    path = below(root, PATHS[name])
    try:
        return DeltaTable(path, version=version, storage_options=table_options(root))
    except DeltaError as error:
        raise PlaceError(
            f"the table {name} cannot be read at version {version} ({error})",
            where=path,
            mend="ingest into a new workspace",
        ) from error


def undo_unpublished(root: Address, published: Mapping[str, int]) -> None:
    """Take back what a writer left behind that ended before it published its state."""
    for name, path in PATHS.items():
        if name not in published:
            remove_below(open_store(root), path)
            continue
        table = open_table(root, name)
        head = table.version()
        if head > published[name]:
            table.restore(published[name])
            _require_alone(name, table, head)


def prepare(root: Address, retention_days: int) -> dict[str, DeltaTable]:
    """All tables, at their heads, with all columns; those that are missing are made, and keep logs and removed files
    for `retention_days`.
    """
    keep = f"interval {retention_days} days"
    configuration = {"delta.logRetentionDuration": keep, "delta.deletedFileRetentionDuration": keep}
    tables = {
        name: DeltaTable.create(
            below(root, PATHS[name]),
            schema,
            mode="ignore",
            partition_by=list(PARTITIONS_OF[name]),
            configuration=configuration | _measured(name),
            storage_options=table_options(root),
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
        head = table.version()
        predicate = f"{WEEK_OF[name]} IN ({', '.join(map(str, weeks))})"
        table.delete(predicate, commit_properties=_commit(state, "replace"), post_commithook_properties=_HOOKS)
        _require_alone(name, table, head)


def append(root: Address, name: str, table: DeltaTable, files: Sequence[PartFile], state: int) -> None:
    """Bring complete part files to `table` and add them to it, in one commit for lake state `state`.

    Raises
    ------
    Conflict : somebody else wrote to the table meanwhile
    """
    if not files:
        return
    head = table.version()
    actions: list[AddAction | RemoveAction] = [
        AddAction(file.key, file.size, file.partition, int(file.path.stat().st_mtime * 1000), True, file.stats)
        for file in files
    ]
    _bring(below(root, PATHS[name]), files)
    table.create_write_transaction(
        actions,
        "append",
        table.schema(),
        partition_by=list(PARTITIONS_OF[name]),
        commit_properties=_commit(state, "append"),
        post_commithook_properties=_HOOKS,
    )
    table.update_incremental()
    _require_alone(name, table, head)


def _bring(place: Address, files: Sequence[PartFile]) -> None:
    folder = local_folder(place)
    if folder is None:
        upload(open_store(place), {file.key: file.path for file in files})
        return
    for file in files:
        target = folder / file.key
        target.parent.mkdir(parents=True, exist_ok=True)
        file.path.replace(target)


def _require_alone(name: str, table: DeltaTable, head: int) -> None:
    """Raise unless `table` stands at most one commit after `head`, our own: then no other writer came between.

    Raises
    ------
    Conflict : one did
    """
    if table.version() > head + 1:
        what = f"somebody else wrote to the table {name} meanwhile"
        raise Conflict(what, where=table.table_uri, mend="repeat: nothing was published")


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
