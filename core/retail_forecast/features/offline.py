"""The offline feature store: every record ever written, in a Delta table for each group beside the lake's own.

Tables are only appended to. A correction is a record of the same id and event with a later known time, so that what was
known at any time can be told for ever: `join_as_of` gives each question the record with the greatest event time among
those that were known by then.
"""

from collections.abc import Collection

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, write_deltalake

from retail_forecast.clouds.addresses import Address, below
from retail_forecast.clouds.opening import table_options
from retail_forecast.domain.records import FeatureGroup
from retail_forecast.features.groups import GROUPS
from retail_forecast.lake.tables import tidy

__all__ = ["append", "current", "history", "join_as_of", "schema_of"]

_TIME = pa.timestamp("us", tz="UTC")
_SAME_EVENT = "PARTITION BY record_id, event_time ORDER BY known_time DESC, write_time DESC"
_SAME_MOMENT = "PARTITION BY record_id, known_time ORDER BY event_time DESC, write_time DESC"
_AS_OF = f"""
WITH moments AS (SELECT * FROM records QUALIFY row_number() OVER ({_SAME_MOMENT}) = 1),
    won AS (
        SELECT * FROM moments QUALIFY event_time >= max(event_time) OVER (PARTITION BY record_id ORDER BY known_time)
    )
SELECT asked.number, won.* EXCLUDE (record_id, deleted), coalesce(NOT won.deleted, false) AS found
FROM asked ASOF LEFT JOIN won ON asked.record_id = won.record_id AND asked.time >= won.known_time
ORDER BY asked.number
"""  # noqa: S608 - nothing of it comes from outside


def schema_of(group: FeatureGroup) -> pa.Schema:
    """Columns of the table of `group`."""
    times = [(name, _TIME) for name in ("event_time", "known_time", "write_time")]
    return pa.schema([("record_id", pa.string()), *times, ("deleted", pa.bool_()), *GROUPS[group].features])


def append(root: Address, group: FeatureGroup, records: pa.Table, number: int) -> None:
    """Add `records` to the table of `group` in the lake at `root`, in one commit; small files are joined then and when.

    Parameters
    ----------
    number : of the lake's state that they come from
    """
    if len(records):
        rows, options = records.select(schema_of(group).names).cast(schema_of(group)), table_options(root)
        write_deltalake(_path(root, group), rows, mode="append", storage_options=options)
        tidy(DeltaTable(_path(root, group), storage_options=options), number)


def current(root: Address, group: FeatureGroup, first_week: int) -> pa.Table:
    """What is told of each id and event by now, of weeks from `first_week` on; `schema_of(group)`."""
    records = _read(root, group, pc.field("shop_week") >= first_week)
    return _asked(f"SELECT * FROM records QUALIFY row_number() OVER ({_SAME_EVENT}) = 1", group, records=records)  # noqa: S608


def history(root: Address, group: FeatureGroup, record_ids: Collection[str]) -> pa.Table:
    """Every record of `record_ids`, by id, event and known time; `schema_of(group)`."""
    records = _read(root, group, pc.field("record_id").isin(pa.array(record_ids, pa.string())))
    return _asked(
        "SELECT * FROM records ORDER BY record_id, event_time, known_time, write_time", group, records=records
    )


def join_as_of(root: Address, group: FeatureGroup, asked: pa.Table) -> pa.Table:
    """What was known of each id at a time: a point-in-time join.

    Parameters
    ----------
    asked : columns record_id and time (UTC), n rows

    Returns
    -------
    n rows in the order of `asked`: record_id, time, found, event_time, known_time, write_time and the group's features;
    where nothing was known, or the id was deleted by then, `found` is false
    """
    columns = {"number": pa.array(range(len(asked)), pa.int64()), "record_id": asked["record_id"]}
    records = history(root, group, asked["record_id"].unique())
    with _database(records=records, asked=pa.table(columns | {"time": asked["time"].cast(_TIME)})) as connection:
        found = connection.sql(_AS_OF).to_arrow_table()
    names = [f.name for f in schema_of(group) if f.name not in ("record_id", "deleted")]
    joined = found.select(["found", *names]).cast(
        pa.schema([("found", pa.bool_()), *(schema_of(group).field(name) for name in names)])
    )
    return pa.table(
        {"record_id": asked["record_id"], "time": asked["time"]}
        | dict(zip(joined.column_names, joined.columns, strict=True))
    )


def _read(root: Address, group: FeatureGroup, chosen: pc.Expression) -> pa.Table:
    path, options = _path(root, group), table_options(root)
    if not DeltaTable.is_deltatable(path, options):
        return schema_of(group).empty_table()
    table = DeltaTable(path, storage_options=options)
    return table.to_pyarrow_dataset().to_table(filter=chosen).cast(schema_of(group))


def _asked(question: str, group: FeatureGroup, **tables: pa.Table) -> pa.Table:
    with _database(**tables) as connection:
        return connection.sql(question).to_arrow_table().cast(schema_of(group))


def _database(**tables: pa.Table) -> duckdb.DuckDBPyConnection:
    """A database in memory that knows `tables`; times are without a zone there, for DuckDB keeps zones elsewhere."""
    connection = duckdb.connect()
    for name, table in tables.items():
        zoneless = [field.with_type(pa.timestamp("us")) if field.type == _TIME else field for field in table.schema]
        connection.register(name, table.cast(pa.schema(zoneless)))
    return connection


def _path(root: Address, group: FeatureGroup) -> str:
    return below(root, f"features/{group}")
