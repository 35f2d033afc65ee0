"""The lake for Athena: DDL of the tables, and of views with the names and columns that `retail-forecast sql` knows.

Athena reads the newest version of each Delta table, never a state; so its tables may be one ingest apart from each
other while one is under way.
"""

import pyarrow as pa

from retail_forecast.domain.contract import table_in_athena
from retail_forecast.lake.refine import SOURCE_DIGITS
from retail_forecast.lake.schemas import TABLES
from retail_forecast.lake.tables import PATHS

__all__ = ["VIEW", "athena_ddl", "athena_type", "document"]

VIEW = "CREATE OR REPLACE VIEW "
"""What a statement that makes a view begins with."""

_TYPES = {
    pa.string(): "VARCHAR",
    pa.int32(): "INTEGER",
    pa.int64(): "BIGINT",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
}


def athena_ddl(location: str) -> tuple[str, ...]:
    """Statements that make the lake at `location` (an S3 address) known to Athena, in order, without semicolons."""
    place = location.rstrip("/")
    tables = [table_in_athena(_table(name), f"{place}/{PATHS[name]}").removesuffix(";") for name in TABLES]
    views = [_view(name, schema) for name, schema in TABLES.items()]
    return (_raw_table(place), *tables, _RAW_VIEW, *views)


def document() -> str:
    """The whole of `docs/athena.sql`."""
    head = "-- Made by `make docs`; for a lake of your own: retail-forecast sql --athena s3://BUCKET/lake\n"
    return "\n".join((head, *(f"{statement};\n" for statement in athena_ddl("s3://BUCKET/lake"))))


def athena_type(kind: pa.DataType) -> str:
    """The type of a column in a view of Athena; moments lose their zone, which views cannot carry: they are in UTC.

    >>> athena_type(pa.list_(pa.struct([("spend", pa.decimal128(9, 2))])))
    'ARRAY(ROW(spend DECIMAL(9, 2)))'
    """
    if pa.types.is_list(kind):
        return f"ARRAY({athena_type(kind.value_type)})"
    if pa.types.is_struct(kind):
        return f"ROW({', '.join(f'{field.name} {athena_type(field.type)}' for field in kind)})"
    if pa.types.is_decimal(kind):
        return f"DECIMAL({kind.precision}, {kind.scale})"
    return "TIMESTAMP" if pa.types.is_timestamp(kind) else _TYPES[kind]


def _table(name: str) -> str:
    return PATHS[name].replace("/", "_")


def _view(name: str, schema: pa.Schema) -> str:
    columns = ",\n".join(f"  CAST({f.name.lower()} AS {athena_type(f.type)}) AS {f.name.lower()}" for f in schema)
    return f"{VIEW}{name} AS\nSELECT\n{columns}\nFROM {_table(name)}"


def _raw_table(place: str) -> str:
    # A field separator that no till file holds leaves the line in one piece.
    return (
        "CREATE EXTERNAL TABLE raw_lines (text STRING)\n"
        f"ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\001'\nSTORED AS TEXTFILE\nLOCATION '{place}/raw/'"
    )


_RAW_VIEW = (
    f"{VIEW}raw AS\nSELECT\n"
    f"  SUBSTR(ELEMENT_AT(SPLIT(\"$path\", '/'), -2), 1, {SOURCE_DIGITS}) AS source,\n"
    "  ELEMENT_AT(SPLIT(\"$path\", '/'), -1) AS file,\n"
    "  text\n"
    "FROM raw_lines\n"
    "WHERE \"$path\" NOT LIKE '%/manifest.json'"
)
