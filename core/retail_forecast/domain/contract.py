"""The data contract for people and for query engines, made from `domain.columns`.

`docs/data-contract.md` is `document()`, written by `make docs`; a test compares them.
"""

from collections.abc import Iterable

from retail_forecast.domain.columns import COLUMNS, HEADERS, PARTITIONS, PRIMARY_KEY, Column, Kind
from retail_forecast.domain.labels import LABELS, SENSITIVITIES

__all__ = ["SOURCE", "columns_table", "document", "silver_in_delta", "sql_type", "table_in_athena"]

SOURCE = "SOURCE"
"""Silver's one column beside the contract's: where the row came from."""

_SQL_TYPES = {
    Kind.INTEGER: "INT",
    Kind.MONEY: "DECIMAL(9,2)",
    Kind.DATE: "DATE",
    Kind.CODE: "STRING",
    Kind.CATEGORY: "STRING",
}


def sql_type(column: Column) -> str:
    """Type of the column in silver, as Spark, Delta and Athena write it."""
    return _SQL_TYPES[column.kind]


def columns_table() -> str:
    """The columns as a Markdown table."""
    rows = [_row(c) for c in COLUMNS]
    return _table(("column", "other header", "type", "unit", "domain", "empty?", "describes", "meaning"), rows)


def silver_in_delta(table: str, location: str) -> str:
    """DDL that makes the silver table with Delta Lake's SQL (Spark)."""
    lines = [
        f"  {c.name} {sql_type(c)}{'' if c.nullable else ' NOT NULL'} COMMENT '{_quoted(c.description)}'"
        for c in COLUMNS
    ]
    lines.append(f"  {SOURCE} STRING NOT NULL COMMENT 'first 16 digits of the SHA-256 of the file'")
    return (
        f"CREATE TABLE {table} (\n" + ",\n".join(lines) + "\n)\nUSING DELTA\n"
        f"PARTITIONED BY ({', '.join(PARTITIONS)})\nLOCATION '{_quoted(location)}';"
    )


def table_in_athena(table: str, location: str) -> str:
    """DDL that makes a Delta table known to Athena, which takes the columns from the table's own log."""
    return f"CREATE EXTERNAL TABLE {table}\nLOCATION '{_quoted(location)}'\nTBLPROPERTIES ('table_type' = 'DELTA');"


def document() -> str:
    """The whole of `docs/data-contract.md`."""
    location = "s3://BUCKET/lake/silver/lines"
    variants = [(f"`{a}`", f"`{b}`") for a, b in zip(*HEADERS, strict=True) if a != b]
    return "\n".join(
        (
            "# Data contract of till files and of the silver table\n",
            "Made by `make docs` from `core/retail_forecast/domain/columns.py`; change it there.\n",
            f"A line is identified by {' and '.join(f'`{name}`' for name in PRIMARY_KEY)}.",
            "Whatever describes something other than a line or a product is constant within a basket.\n",
            "## Columns\n",
            columns_table(),
            "\n## Header variants\n",
            "Both are read into the same silver columns, with the names and codes on the left.\n",
            _table(("silver", "other variant"), variants),
            "\n" + _codes(),
            "\n## The label\n",
            "`LA` is the price-sensitive end: the order of the codes is not the order Low, Medium, High.\n",
            _table(("code", "price sensitivity"), [(label, SENSITIVITIES[label]) for label in LABELS]),
            "\n## Silver in Delta Lake's SQL\n",
            f"```sql\n{silver_in_delta('silver_lines', location)}\n```",
            "\nFor Athena, see [athena.sql](athena.sql).\n",
        )
    )


def _row(c: Column) -> tuple[str, ...]:
    names = (f"`{c.name}`", f"`{c.alias}`" if c.alias else "")
    return (*names, sql_type(c), c.unit, _domain(c), "yes" if c.nullable else "no", c.level, c.description)


def _domain(column: Column) -> str:
    if column.values:
        return ", ".join(column.values)
    if column.pattern:
        return f"`{column.pattern}`"
    return "" if column.minimum is None else f"{column.minimum} .. {column.maximum}"


def _codes() -> str:
    rows = [(f"`{c.name}`", kept, other) for c in COLUMNS for other, kept in c.alias_values.items()]
    return _table(("column", "code in silver", "code in the other variant"), rows)


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (titles, ("---",) * len(titles), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _quoted(text: str) -> str:
    return text.replace("'", r"\'")
