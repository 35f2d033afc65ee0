"""Older lakes are read and go on in the newest format; newer ones are refused."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from deltalake import write_deltalake

from retail_forecast.cli.main import run
from retail_forecast.domain.errors import DataError
from retail_forecast.lake.migration import FORMAT, upgraded
from retail_forecast.lake.schemas import SCHEMA_VERSIONS, TABLES
from retail_forecast.lake.state import LakeStates
from retail_forecast.lake.tables import PATHS, open_table

Row = dict[str, str]

DIGESTS = {
    ("silver", 1): "fcbedcee2e452e00",
    ("gold", 1): "d49ac63d0dc89542",
    ("customers", 1): "a2241868eefd8c5d",
    ("customers", 2): "40841158924a0a48",
    ("quarantine", 1): "2efb1b3be958c66f",
}
"""Of each version of each table's columns. Never change one: raise the version, and add the digest."""


@pytest.fixture
def lake(
    tmp_path: Path, make_rows: Callable[..., list[Row]], write: Callable[..., Path], take: Callable[..., Any]
) -> Path:
    bad = make_rows()
    bad[0] |= {"SPEND": "x"}
    take(tmp_path / "lake", write(tmp_path / "a.csv", bad))
    return tmp_path / "lake"


def rewrite(lake: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the only state as it stands in the journal."""
    (path,) = (lake / "states").iterdir()
    entry = json.loads(path.read_text("utf-8"))
    change(entry)
    path.write_text(json.dumps(entry), "utf-8")


def age(entry: dict[str, Any]) -> None:
    """As the first release wrote it."""
    del entry["format"], entry["schemas"]


def test_columns_do_not_change_without_their_version() -> None:
    for name, version in SCHEMA_VERSIONS.items():
        text = str([(field.name, str(field.type)) for field in TABLES[name]])
        assert DIGESTS[name, version] == hashlib.sha256(text.encode()).hexdigest()[:16], f"raise the version of {name}"
    assert set(SCHEMA_VERSIONS) == set(TABLES)


def test_a_state_of_the_first_format_is_read(lake: Path) -> None:
    newest = LakeStates(lake).read(1)
    rewrite(lake, age)
    first = dict.fromkeys(newest.schemas, 1)
    assert LakeStates(lake).read(1) == msgspec.structs.replace(newest, schemas=first)
    assert (newest.format, newest.schemas) == (FORMAT, SCHEMA_VERSIONS)


def test_an_older_lake_goes_on_with_all_columns(
    lake: Path,
    tmp_path: Path,
    make_rows: Callable[..., list[Row]],
    write: Callable[..., Path],
    take: Callable[..., Any],
) -> None:
    rewrite(lake, age)
    rewrite(lake, lambda entry: entry["tables"].update(quarantine=0))
    rows = open_table(lake, "quarantine").to_pyarrow_table()
    shutil.rmtree(lake / PATHS["quarantine"])
    write_deltalake(lake / PATHS["quarantine"], rows.drop_columns(["shop_week_text", "arrival"]))
    bad = make_rows(200608)
    bad[0] |= {"SPEND": "x"}
    state = take(lake, write(tmp_path / "b.csv", bad)).state
    found = open_table(lake, "quarantine", LakeStates(lake).read(state).tables["quarantine"]).to_pyarrow_table()
    told = sorted(found.to_pylist(), key=lambda row: row["shop_week"])
    assert [(row["shop_week_text"], row["arrival"] is None) for row in told] == [(None, True), ("200608", False)]
    entry = json.loads(sorted((lake / "states").iterdir())[-1].read_text("utf-8"))
    assert (entry["format"], entry["schemas"]) == (FORMAT, SCHEMA_VERSIONS)
    assert LakeStates(lake).read(1).format == FORMAT


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda entry: entry.update(format=FORMAT + 1), f"format {FORMAT + 1}"),
        (lambda entry: entry["schemas"].update(gold=SCHEMA_VERSIONS["gold"] + 1), "columns of gold"),
    ],
)
def test_what_a_newer_release_wrote_is_refused(
    lake: Path, change: Callable[[dict[str, Any]], object], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(lake, change)
    with pytest.raises(DataError, match=named):
        LakeStates(lake).latest()
    source = str(lake.parent / "a.csv")
    assert run(["ingest", source, "--workspace", str(lake.parent), "--json"]) == 3
    assert "newer release" in json.loads(capsys.readouterr().out)["error"]["what"]


def test_a_table_that_this_release_does_not_know_is_no_newer_one() -> None:
    entry = {"format": FORMAT, "schemas": {"suppliers": 7}, "tables": {}}
    assert upgraded(entry, "here") == entry
