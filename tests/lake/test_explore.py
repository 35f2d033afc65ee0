"""Questions in SQL: what they see, at which state, and that they can change and reach nothing."""

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from retail_forecast.cli.main import run
from retail_forecast.domain.errors import PlaceError, UsageError
from retail_forecast.domain.settings import LakeSettings
from retail_forecast.lake.explore import answer, views
from retail_forecast.lake.state import LakeState, LakeStates

Row = dict[str, str]
Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def lake(
    tmp_path: Path, make_rows: Callable[..., list[Row]], write: Callable[..., Path], take: Callable[..., Any]
) -> Path:
    """Two states: a week with one bad row, then the same week corrected and with fewer baskets."""
    bad = make_rows()
    bad[0] |= {"SPEND": "x"}
    take(tmp_path / "lake", write(tmp_path / "a.csv.gz", bad))
    take(tmp_path / "lake", write(tmp_path / "b.csv", make_rows(baskets=4)))
    return tmp_path / "lake"


def state_of(lake: Path, number: int | None = None) -> LakeState:
    states = LakeStates(lake)
    state = states.latest() if number is None else states.read(number)
    assert state is not None
    return state


def ask(lake: Path, question: str, number: int | None = None) -> list[dict[str, Any]]:
    with answer(lake, state_of(lake, number), question, LakeSettings(threads=1)) as rows:
        found: list[dict[str, Any]] = rows.read_all().to_pylist()
    return found


def test_every_zone_answers(lake: Path) -> None:
    assert {"raw", "silver", "gold", "quarantine"} <= set(views(state_of(lake)))
    assert ask(lake, "select count(*) as n, sum(SPEND) as spend from silver")[0]["n"] == 16
    assert isinstance(ask(lake, "select SPEND from silver limit 1")[0]["SPEND"], Decimal)
    assert ask(lake, "select sum(len(lines)) as n from gold") == [{"n": 16}]
    assert ask(lake, "from quarantine") == []


def test_raw_has_the_lines_of_each_file_as_they_came(lake: Path) -> None:
    counted = ask(lake, "select file, count(*) as n from raw group by file order by file")
    assert counted == [{"file": "a.csv.gz", "n": 25}, {"file": "b.csv", "n": 17}]
    joined = "select count(*) as n from raw where source in (select SOURCE from silver) and text like '%,Top Up,%'"
    assert ask(lake, joined) == ask(lake, "select count(*) as n from silver where BASKET_TYPE = 'Top Up'")


def test_text_can_be_asked_for_beside_a_week_that_was_replaced(
    make_rows: Callable[..., list[Row]],
    write: Callable[..., Path],
    take: Callable[..., Any],
    tmp_path: Path,
) -> None:
    """Files that hold other weeks too are written anew then."""
    both = make_rows(200607) + make_rows(200609)
    take(tmp_path / "other", write(tmp_path / "two.csv", both))
    take(tmp_path / "other", write(tmp_path / "again.csv", make_rows(200609, baskets=3)))
    for code in {row["PROD_CODE"] for row in both}:
        kept = sum(row["PROD_CODE"] == code for row in make_rows(200607) + make_rows(200609, baskets=3))
        found = ask(tmp_path / "other", f"select count(*) as n from silver where PROD_CODE = '{code}'")  # noqa: S608
        assert found == [{"n": kept}]
    named = "select count(*) as n from gold where customer >= 'CUST' and store_format <> 'x'"
    assert ask(tmp_path / "other", named)[0]["n"] == sum(
        row["customer"] is not None for row in ask(tmp_path / "other", "select customer from gold")
    )


def test_an_older_state_answers_as_it_was(lake: Path) -> None:
    assert ask(lake, "select reasons from quarantine", 1) == [{"reasons": ["R_TYPE_SPEND"]}]
    assert ask(lake, "select count(*) as n from silver", 1) == [{"n": 23}]
    assert ask(lake, "select distinct file from raw", 1) == [{"file": "a.csv.gz"}]


@pytest.mark.parametrize(
    "question",
    [
        "drop view gold",
        "create table t as select 1",
        "insert into gold select * from gold",
        "delete from gold",
        "with d as (delete from gold returning *) select * from d",
        "copy gold to '{folder}/stolen.csv'",
        "export database '{folder}/stolen'",
        "attach '{folder}/stolen.db' as stolen",
        "set enable_external_access = true",
        "pragma enable_profiling",
        "install httpfs",
        "load httpfs",
        "call pragma_version()",
        "select 1; drop view gold",
        "explain analyze select 1",
        "",
    ],
)
def test_nothing_can_be_changed(lake: Path, question: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError):
        ask(lake, question.format(folder=tmp_path))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    "question",
    [
        "from read_csv('{folder}/secret.csv')",
        "from '{folder}/secret.csv'",
        "from read_text('{folder}/*')",
        "from glob('{folder}/*')",
        "from read_parquet('{folder}/lake/gold/baskets/**/*.parquet')",
        "from read_csv('https://example.org/x.csv')",
        "from sniff_csv('{folder}/secret.csv')",
        "select getenv('HOME')",
        "from state",  # a variable of the program
        "from arrow_scan(1, 2, 3)",
    ],
)
def test_nothing_else_can_be_reached(lake: Path, question: str, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with pytest.raises(UsageError):
        ask(lake, question.format(folder=tmp_path))


def test_a_question_that_does_not_fit_names_the_tables(lake: Path) -> None:
    with pytest.raises(UsageError, match="nothing_such") as raised:
        ask(lake, "from nothing_such")
    assert all(name in raised.value.mend for name in views(state_of(lake)))
    with pytest.raises(UsageError, match="syntax"):
        ask(lake, "selec 1")


def test_a_question_too_large_for_its_bounds_says_so(lake: Path) -> None:
    with (
        pytest.raises(PlaceError, match="Memory") as raised,
        answer(
            lake, state_of(lake), "select list(a.range) from range(40_000_000) a", LakeSettings(memory_limit_mb=128)
        ) as rows,
    ):
        rows.read_all()
    assert "memory_limit_mb" in raised.value.mend


@pytest.mark.parametrize("table", ["raw", "gold"])
def test_a_file_that_is_gone_is_no_fault_of_the_question(lake: Path, table: str) -> None:
    for file in [*lake.glob("raw/*/*.csv"), *lake.glob("gold/baskets/**/*.parquet")]:
        file.unlink()
    with pytest.raises(PlaceError, match="Failed to open") as raised:
        ask(lake, f"select min(columns(*)) from {table}")  # noqa: S608
    assert "backup" in raised.value.mend


def test_the_verb(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = ("--workspace", str(lake.parent))
    question = (
        "select count(*) as n, 0.5::decimal(3, 2) as half, 'nan'::double as none, date '2006-02-20' as day from gold"
    )
    assert run(["sql", question, "--json", *workspace]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["state"] == 2
    assert document["rows"] == [[4, 0.5, None, "2006-02-20"]]
    assert [column["name"] for column in document["columns"]] == ["n", "half", "none", "day"]
    assert run(["sql", question, "--state", "1", "--csv", *workspace]) == 0
    assert capsys.readouterr().out == "n,half,none,day\n6,0.5,,2006-02-20\n"
    assert run(["sql", "select basket_id, lines from gold", "--limit", "2", *workspace]) == 0
    assert "first 2 rows" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("sql",),
        ("sql", "select 1", "--athena", "s3://b/lake"),
        ("sql", "select 1", "--csv", "--json"),
        ("sql", "select 1", "--state", "9"),
    ],
)
def test_words_that_do_not_fit_make_it_2(lake: Path, words: tuple[str, ...]) -> None:
    assert run([*words, "--workspace", str(lake.parent)]) == 2
