"""Columns of the lake's tables, generated from the contract. The text of a schema is the same in every engine."""

import pyarrow as pa

from retail_forecast.domain.columns import COLUMNS, Column, Level
from retail_forecast.domain.labels import LABELS
from retail_forecast.lake.fields import arrow_type

__all__ = [
    "CUSTOMERS",
    "ENCODED_GOLD",
    "ENCODED_SILVER",
    "GOLD",
    "GOLD_HEADER",
    "GOLD_LINES",
    "MEASURED",
    "PARTITIONS_OF",
    "QUARANTINE",
    "RAW",
    "SCHEMA_VERSIONS",
    "SILVER",
    "TABLES",
    "WEEK_OF",
]

_LINE_LEVELS = (Level.LINE, Level.PRODUCT)


def _columns(levels_of_lines: bool) -> dict[str, Column]:
    return {c.field: c for c in COLUMNS if c.field and (c.level in _LINE_LEVELS) == levels_of_lines}


GOLD_LINES: dict[str, Column] = _columns(levels_of_lines=True)
"""Fields of a line in gold, and the columns behind them."""

GOLD_HEADER: dict[str, Column] = {
    **_columns(levels_of_lines=False),
    "label": next(c for c in COLUMNS if c.name == "BASKET_PRICE_SENSITIVITY"),
    "shop_week": next(c for c in COLUMNS if c.name == "SHOP_WEEK"),
}
"""Fields of a basket in gold beside its lines, and the columns behind them."""

RAW = pa.schema([("source", pa.string()), ("file", pa.string()), ("text", pa.string())])
"""A line of a till file as it came, its header included; no table, but what the raw bytes are when they are asked."""

SILVER = pa.schema([*(pa.field(c.name, arrow_type(c)) for c in COLUMNS), pa.field("SOURCE", pa.string())])

GOLD = pa.schema(
    [
        *(pa.field(name, arrow_type(c)) for name, c in GOLD_HEADER.items()),
        pa.field("complete", pa.bool_()),
        pa.field(
            "lines", pa.list_(pa.field("element", pa.struct([(name, arrow_type(c)) for name, c in GOLD_LINES.items()])))
        ),
    ]
)

QUARANTINE = pa.schema(
    [
        ("source", pa.string()),
        ("file", pa.string()),
        ("row_number", pa.int64()),
        ("text", pa.string()),
        ("reasons", pa.list_(pa.field("element", pa.string()))),
        ("basket_id", pa.string()),
        ("shop_week_text", pa.string()),
        ("shop_week", pa.int32()),
        ("arrival", pa.timestamp("us", tz="UTC")),
    ]
)

CUSTOMERS = pa.schema(
    [
        ("customer", pa.string()),
        ("shop_week", pa.int32()),
        ("baskets", pa.int32()),
        ("spend_gbp", pa.decimal128(12, 2)),
        *((f"baskets_{label}", pa.int32()) for label in LABELS),
        ("seg_1", pa.string()),
        ("seg_2", pa.string()),
    ]
)

TABLES: dict[str, pa.Schema] = {"silver": SILVER, "gold": GOLD, "customers": CUSTOMERS, "quarantine": QUARANTINE}
"""Every table of the lake."""

SCHEMA_VERSIONS: dict[str, int] = {"silver": 1, "gold": 1, "customers": 2, "quarantine": 1}
"""Version of each table's columns: raised whenever they change (a test knows them by their digests)."""

PARTITIONS_OF: dict[str, tuple[str, ...]] = {
    "silver": ("STORE_REGION", "BASKET_TYPE"),
    "gold": ("store_region", "type"),
    "customers": (),
    "quarantine": (),
}

WEEK_OF: dict[str, str] = {name: "SHOP_WEEK" if name == "silver" else "shop_week" for name in TABLES}
"""The column of each table by which a week is replaced."""

MEASURED: dict[str, tuple[str, ...]] = {
    "silver": ("SHOP_WEEK", "SHOP_DATE", "BASKET_ID"),
    "gold": ("shop_week", "shop_date", "basket_id"),
    "customers": ("shop_week",),
    "quarantine": (),
}
"""The columns whose bounds each table's log keeps for every file. They are never empty: readers take a bound that a log
lacks for one that no row keeps, so that it must be there for all files or for none.
"""

_ENCODED = pa.dictionary(pa.int32(), pa.string())


def _encoded(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string(kind):
        return _ENCODED
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(_encoded(field.type)) for field in kind])
    return pa.list_(kind.value_field.with_type(_encoded(kind.value_type))) if pa.types.is_list(kind) else kind


ENCODED_SILVER = pa.schema([f.with_type(_encoded(f.type)) for f in SILVER])
ENCODED_GOLD = pa.schema([f.with_type(_encoded(f.type)) for f in GOLD])
"""The same columns on their way to the writer: text is dictionary-encoded."""
