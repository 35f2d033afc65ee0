"""Vacuum and optimize: what is removed, and what never is."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from retail_forecast.domain.errors import Conflict
from retail_forecast.lake.lease import lease
from retail_forecast.lake.retention import optimize, retired_states, vacuum
from retail_forecast.lake.state import LakeState, LakeStates
from retail_forecast.lake.tables import PATHS, open_table

Row = dict[str, str]
NOW = datetime(2008, 7, 7, 6, tzinfo=UTC) + timedelta(days=400)


@pytest.fixture
def lake(
    tmp_path: Path, make_rows: Callable[..., list[Row]], write: Callable[..., Path], take: Callable[..., Any]
) -> Path:
    """Three states: a week, the same week corrected, corrected once more."""
    for number in (6, 5, 4):
        take(tmp_path / "lake", write(tmp_path / f"{number}.csv", make_rows(baskets=number)))
    return tmp_path / "lake"


def rows(lake: Path, number: int) -> int:
    state = LakeStates(lake).read(number)
    return len(open_table(lake, "gold", state.tables["gold"]).to_pyarrow_table())


def files(lake: Path) -> set[Path]:
    return set(lake.rglob("*.parquet"))


def test_what_is_neither_young_nor_named_goes_and_is_said_to_be_gone(lake: Path) -> None:
    done = vacuum(lake, 0, {}, clock=lambda: NOW)
    assert done.files["gold"] > 0
    assert done.retired == (1, 2)
    assert retired_states(lake) == {1, 2}
    assert rows(lake, 3) == 4
    with pytest.raises(OSError, match="parquet"):
        rows(lake, 1)
    again = vacuum(lake, 0, {}, clock=lambda: NOW)
    assert (sum(again.files.values()), again.retired) == (0, ())


def test_named_versions_are_kept_at_any_age(lake: Path) -> None:
    named = {name: {version} for name, version in LakeStates(lake).read(1).tables.items()}
    assert vacuum(lake, 0, named, clock=lambda: NOW).retired == (2,)
    assert (rows(lake, 1), rows(lake, 3)) == (6, 4)


def test_young_states_are_kept(lake: Path) -> None:
    before = files(lake)
    done = vacuum(lake, 0, {}, clock=lambda: LakeStates(lake).read(1).written_at)
    assert (sum(done.files.values()), done.retired) == (0, ())
    assert files(lake) == before


def test_files_removed_lately_are_kept(lake: Path) -> None:
    before = files(lake)
    done = vacuum(lake, 1, {}, clock=lambda: NOW)
    assert (sum(done.files.values()), done.retired) == (0, ())
    assert files(lake) == before


def test_a_dry_run_removes_nothing(lake: Path) -> None:
    before = files(lake)
    done = vacuum(lake, 0, {}, clock=lambda: NOW, dry_run=True)
    assert (done.retired, files(lake), retired_states(lake)) == ((1, 2), before, frozenset())
    assert vacuum(lake, 0, {}, clock=lambda: NOW) == done


def test_a_vacuumed_lake_goes_on(
    lake: Path, make_rows: Callable[..., list[Row]], write: Callable[..., Path], take: Callable[..., Any]
) -> None:
    vacuum(lake, 0, {}, clock=lambda: NOW)
    assert take(lake, write(lake.parent / "next.csv", make_rows(200609))).state == 4
    assert rows(lake, 4) == 10


def test_an_empty_lake_has_nothing_to_remove_or_to_join(tmp_path: Path) -> None:
    assert vacuum(tmp_path / "lake", 0, {}, clock=lambda: NOW).retired == ()
    assert optimize(tmp_path / "lake", clock=lambda: NOW) is None


@pytest.mark.parametrize(
    "work", [lambda lake: vacuum(lake, 0, {}, clock=lambda: NOW), lambda lake: optimize(lake, clock=lambda: NOW)]
)
def test_one_writer_at_a_time(lake: Path, work: Callable[[Path], object]) -> None:
    with lease(lake, lambda: NOW), pytest.raises(Conflict):
        work(lake)


def scattered(lake: Path, parts: int) -> LakeState:
    """The newest state with gold rewritten as many small files."""
    states = LakeStates(lake)
    before = states.latest()
    assert before is not None
    table = open_table(lake, "gold")
    content: pa.Table = table.to_pyarrow_table()
    table.delete()
    for _ in range(parts):
        write_deltalake(lake / PATHS["gold"], content, mode="append")
    versions = {**before.tables, "gold": open_table(lake, "gold").version()}
    state = msgspec.structs.replace(before, number=before.number + 1, tables=versions)
    states.publish(state)
    return state


def test_small_files_are_joined_when_there_are_more_than_four_a_partition(lake: Path) -> None:
    before = scattered(lake, 5)
    state = optimize(lake, clock=lambda: NOW)
    assert state is not None
    assert (state.number, state.weeks, state.sources) == (before.number + 1, before.weeks, before.sources)
    table = open_table(lake, "gold", state.tables["gold"])
    assert len(table.file_uris()) == len(table.partitions())
    assert rows(lake, state.number) == rows(lake, before.number) == 20


def test_few_files_are_left_alone(lake: Path) -> None:
    before = scattered(lake, 4)
    assert optimize(lake, clock=lambda: NOW) is None
    assert LakeStates(lake).latest() == before
