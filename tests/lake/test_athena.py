"""The DDL for Athena is SQL of Athena, and has the columns of the lake's own tables."""

import json
from pathlib import Path

import pyarrow as pa
import pytest
import sqlglot
from sqlglot import exp

from retail_forecast.cli.main import run
from retail_forecast.lake.athena import athena_ddl, athena_type
from retail_forecast.lake.schemas import RAW, TABLES

LAKE = "s3://bucket/lake"


def parsed() -> dict[str, exp.Create]:
    """Each statement of the DDL by the name of what it makes."""
    made = {}
    for statement in athena_ddl(LAKE):
        tree = sqlglot.parse_one(statement, dialect="athena")
        assert isinstance(tree, exp.Create), statement
        made[tree.find(exp.Table).name] = tree  # type: ignore[union-attr]
    return made


def test_views_have_the_names_and_columns_of_sql() -> None:
    views = {name: tree for name, tree in parsed().items() if tree.kind == "VIEW"}
    assert set(views) == {"raw", *TABLES}
    for name, schema in {"raw": RAW, **TABLES}.items():
        assert views[name].expression.named_selects == [column.lower() for column in schema.names]


def test_each_view_reads_a_table_that_is_made_before_it() -> None:
    made: list[str] = []
    for name, tree in parsed().items():
        if tree.kind == "VIEW":
            assert tree.expression.find(exp.Table).name in made
        made.append(name)


def test_types_are_those_of_the_contract() -> None:
    gold = parsed()["gold"].expression
    types = {one.alias: one.this.to.sql(dialect="athena") for one in gold.selects}
    assert types["shop_date"] == "DATE"
    assert types["lines"].startswith("ARRAY(ROW(quantity INTEGER, spend_gbp DECIMAL(9, 2), prod_code VARCHAR")
    silver = parsed()["silver"].expression
    assert {one.alias: one.this.to.sql(dialect="athena") for one in silver.selects}["spend"] == "DECIMAL(9, 2)"


def test_a_type_that_athena_has_no_word_for_is_not_guessed() -> None:
    with pytest.raises(KeyError):
        athena_type(pa.duration("s"))


def test_the_verb_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sql", "--athena", LAKE + "/", "--json", "--workspace", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["ddl"] == list(athena_ddl(LAKE))
    assert run(["sql", "--athena", LAKE, "--workspace", str(tmp_path)]) == 0
    assert capsys.readouterr().out == ";\n\n".join(athena_ddl(LAKE)) + ";\n"
