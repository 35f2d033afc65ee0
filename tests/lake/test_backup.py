"""Backup, restore and the return to an earlier state."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from retail_forecast.domain.errors import DataError, UsageError
from retail_forecast.lake.backup import MANIFEST, back_up, restore, return_to
from retail_forecast.lake.retention import vacuum
from retail_forecast.lake.state import LakeStates

Row = dict[str, str]
MakeRows = Callable[..., list[Row]]
Write = Callable[..., Path]
Take = Callable[..., Any]
Content = Callable[[Path], dict[str, list[str]]]
NOW = datetime(2026, 11, 22, 15, 27, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> Path:
    """Two states: a week with a bad row, then a second week."""
    bad = make_rows()
    bad[0] |= {"SPEND": "x"}
    take(tmp_path / "lake", write(tmp_path / "a.csv", bad))
    take(tmp_path / "lake", write(tmp_path / "b.csv.gz", make_rows(200608)))
    return tmp_path / "lake"


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.relative_to(folder).parts[0].startswith(".")
    }


def test_a_restored_lake_is_the_same_to_the_byte_and_goes_on(
    lake: Path, tmp_path: Path, make_rows: MakeRows, write: Write, take: Take, content: Content
) -> None:
    done = back_up(lake, tmp_path / "safe", clock=lambda: NOW)
    assert (done.state, done.copied) == (2, done.objects)
    back = restore(tmp_path / "other" / "lake", tmp_path / "safe", clock=lambda: NOW)
    assert (back.state, back.bytes) == (2, done.bytes)
    assert tree(tmp_path / "other" / "lake") == tree(lake)
    following = write(tmp_path / "c.csv", make_rows(200609))
    for root in (lake, tmp_path / "other" / "lake"):
        assert take(root, following).state == 3
    assert content(lake) == content(tmp_path / "other" / "lake")


def test_a_second_backup_copies_what_is_new_only(
    lake: Path, tmp_path: Path, make_rows: MakeRows, write: Write, take: Take, content: Content
) -> None:
    first = back_up(lake, tmp_path / "safe", clock=lambda: NOW)
    assert back_up(lake, tmp_path / "safe", clock=lambda: NOW).copied == 0
    take(lake, write(tmp_path / "c.csv", make_rows(200609)))
    second = back_up(lake, tmp_path / "safe", clock=lambda: NOW)
    assert (second.state, second.copied) == (3, second.objects - first.objects)
    restore(tmp_path / "other", tmp_path / "safe", clock=lambda: NOW)
    assert content(tmp_path / "other") == content(lake)


@pytest.mark.parametrize(
    "damage", [lambda file: file.unlink(), lambda file: file.write_bytes(file.read_bytes()[:-1] + b"?")]
)
def test_a_damaged_backup_is_refused_and_leaves_no_lake(
    lake: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    back_up(lake, tmp_path / "safe", clock=lambda: NOW)
    damage(next((tmp_path / "safe" / "gold").rglob("*.parquet")))
    with pytest.raises(DataError, match="gold"):
        restore(tmp_path / "other", tmp_path / "safe", clock=lambda: NOW)
    assert LakeStates(tmp_path / "other").latest() is None
    back_up(lake, tmp_path / "sound", clock=lambda: NOW)
    restore(tmp_path / "other", tmp_path / "sound", clock=lambda: NOW)
    assert tree(tmp_path / "other") == tree(lake)


def test_a_second_backup_copies_what_was_lost_again(lake: Path, tmp_path: Path) -> None:
    back_up(lake, tmp_path / "safe", clock=lambda: NOW)
    next((tmp_path / "safe" / "gold").rglob("*.parquet")).unlink()
    assert back_up(lake, tmp_path / "safe", clock=lambda: NOW).copied == 1
    restore(tmp_path / "other", tmp_path / "safe", clock=lambda: NOW)
    assert tree(tmp_path / "other") == tree(lake)


def test_a_backup_of_a_later_release_is_refused(lake: Path, tmp_path: Path) -> None:
    back_up(lake, tmp_path / "safe", clock=lambda: NOW)
    manifest = tmp_path / "safe" / MANIFEST
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 2}))
    with pytest.raises(DataError):
        restore(tmp_path / "other", tmp_path / "safe", clock=lambda: NOW)


def test_a_lake_is_never_written_over(lake: Path, tmp_path: Path) -> None:
    back_up(lake, tmp_path / "safe", clock=lambda: NOW)
    before = tree(lake)
    with pytest.raises(UsageError, match="holds data already"):
        restore(lake, tmp_path / "safe", clock=lambda: NOW)
    assert tree(lake) == before


def test_a_lake_is_no_place_for_its_backup(lake: Path) -> None:
    with pytest.raises(UsageError, match="within the lake"):
        back_up(lake, lake / "raw" / "safe", clock=lambda: NOW)


def test_there_must_be_something_to_copy_and_to_restore(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds nothing"):
        back_up(tmp_path / "lake", tmp_path / "safe", clock=lambda: NOW)
    with pytest.raises(UsageError, match="no backup"):
        restore(tmp_path / "lake", tmp_path / "safe", clock=lambda: NOW)


def test_an_earlier_state_comes_back_and_the_lake_goes_on_from_there(
    lake: Path, tmp_path: Path, make_rows: MakeRows, write: Write, take: Take, content: Content
) -> None:
    state = return_to(lake, 1, clock=lambda: NOW)
    assert (state.number, sorted(state.weeks)) == (3, [200607])
    following = write(tmp_path / "c.csv", make_rows(200609))
    assert take(lake, following, tmp_path / "b.csv.gz").weeks == (200608, 200609)
    undisturbed = tmp_path / "undisturbed"
    take(undisturbed, tmp_path / "a.csv")
    take(undisturbed, following, tmp_path / "b.csv.gz")
    assert content(lake) == content(undisturbed)


def test_a_state_from_before_a_table_was_there_cannot_come_back(lake: Path) -> None:
    first = sorted((lake / "states").iterdir())[0]
    entry = json.loads(first.read_text("utf-8"))
    del entry["tables"]["customers"], entry["schemas"]["customers"]
    first.write_text(json.dumps(entry), "utf-8")
    with pytest.raises(UsageError, match="returned to"):
        return_to(lake, 1, clock=lambda: NOW)


def test_states_that_are_not_there_any_more_cannot_come_back(
    lake: Path, tmp_path: Path, make_rows: MakeRows, write: Write, take: Take
) -> None:
    take(lake, write(tmp_path / "c.csv", make_rows(baskets=5)))
    assert 1 in vacuum(lake, 0, {}, clock=lambda: NOW).retired
    for number in (0, 1, 3, 4):
        with pytest.raises(UsageError, match="returned to"):
            return_to(lake, number, clock=lambda: NOW)
