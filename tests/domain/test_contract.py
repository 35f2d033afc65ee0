"""The data contract as documents: made from the columns, complete and well-formed."""

import re

from retail_forecast.domain.columns import COLUMNS, PARTITIONS, column
from retail_forecast.domain.contract import columns_table, document, silver_in_delta, sql_type, table_in_athena


def test_every_column_has_its_row() -> None:
    rows = columns_table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [c.name for c in COLUMNS]


def test_rows_are_as_wide_as_the_title() -> None:
    assert {line.count(" | ") for line in columns_table().splitlines()} == {7}


def test_types() -> None:
    assert [sql_type(column(n)) for n in ("SPEND", "SHOP_DATE", "QUANTITY", "BASKET_ID", "BASKET_SIZE")] == [
        "DECIMAL(9,2)",
        "DATE",
        "INT",
        "STRING",
        "STRING",
    ]


def test_delta_holds_every_column_with_its_nullability() -> None:
    ddl = silver_in_delta("silver", "s3://b/silver")
    found = dict(re.findall(r"^  (\w+) [A-Z0-9(),]+( NOT NULL)? COMMENT", ddl, re.MULTILINE))
    assert found == {c.name: "" if c.nullable else " NOT NULL" for c in COLUMNS} | {"SOURCE": " NOT NULL"}
    assert f"PARTITIONED BY ({', '.join(PARTITIONS)})" in ddl


def test_quotes_are_escaped() -> None:
    assert r"LOCATION 's3://b/o\'brien'" in table_in_athena("silver", "s3://b/o'brien")


def test_the_document_has_the_statement_and_every_code() -> None:
    text = document()
    assert silver_in_delta("silver_lines", "s3://BUCKET/lake/silver/lines") in text
    assert "| `seg_1` | AZ | LA |" in text
    assert "| LA | High |" in text
