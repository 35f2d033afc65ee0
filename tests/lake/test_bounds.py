"""Readers that skip files by the bounds in a table's log find every row all the same, whoever wrote the file."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from retail_forecast.lake.accounts import IngestReport
from retail_forecast.lake.schemas import MEASURED, TABLES
from retail_forecast.lake.tables import open_table

Row = dict[str, str]


@pytest.fixture
def lake(
    tmp_path: Path,
    make_rows: Callable[..., list[Row]],
    write: Callable[..., Path],
    take: Callable[..., IngestReport],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Files of ours, files of a compaction, and files from which a week was taken."""
    monkeypatch.setattr("retail_forecast.lake.tables._FILES_A_PARTITION", 1)
    for week in (200607, 200609):
        take(tmp_path / "lake", write(tmp_path / f"{week}.csv", make_rows(week, baskets=24)))
    monkeypatch.undo()
    bad = make_rows(200610, baskets=24)
    bad[5] |= {"SPEND": "x"}
    both = [*bad, *make_rows(200611, baskets=24)]
    take(tmp_path / "lake", write(tmp_path / "both.csv", both))
    take(tmp_path / "lake", write(tmp_path / "corrected.csv", make_rows(200611, baskets=22)))
    return tmp_path / "lake"


@pytest.mark.parametrize("name", TABLES)
def test_a_filter_on_any_column_finds_all_rows(name: str, lake: Path) -> None:
    dataset = open_table(lake, name).to_pyarrow_dataset()
    whole = dataset.to_table()
    kinds = {field.name: field.type for field in TABLES[name] if not pa.types.is_nested(field.type)}
    for column, kind in kinds.items():
        empty = dataset.to_table(filter=pc.field(column).is_null()).num_rows
        assert empty == whole[column].null_count
        if pa.types.is_string(kind):
            continue  # Arrow cannot compare the kind of text that the table library writes when it takes rows away
        for value in whole[column].unique().drop_null().to_pylist()[:3]:
            found = dataset.to_table(filter=pc.field(column) == pa.scalar(value, kind)).num_rows
            assert found == pc.sum(pc.equal(whole[column], value)).as_py(), (column, value)


@pytest.mark.parametrize("name", ["silver", "gold", "customers"])
def test_bounds_are_those_of_the_rows(name: str, lake: Path) -> None:
    actions = pa.table(open_table(lake, name).get_add_actions(flatten=True)).to_pylist()
    whole = open_table(lake, name).to_pyarrow_table()
    for column in MEASURED[name]:
        ends = pc.min_max(whole[column]).as_py()
        assert min(action[f"min.{column}"] for action in actions) == ends["min"]
        assert max(action[f"max.{column}"] for action in actions) == ends["max"]
        assert {action[f"null_count.{column}"] for action in actions} == {0}
