"""An implementation of the same rules in plain pandas, the benchmark's peer, comes to the same rows for the same
reasons.
"""

import importlib.util
import random
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from retail_forecast.domain.columns import COLUMNS
from retail_forecast.lake.accounts import IngestReport

Row = dict[str, str]
WEEKS = (200610, 200611)
SPOILERS = {
    "SPEND": ("-1", "x", "1.234", "", "2.5"),
    "QUANTITY": ("0", "x", "", "40"),
    "SHOP_HOUR": ("44", "12"),
    "SHOP_DATE": ("20060101", "20060509", "2006", "20060431"),
    "SHOP_WEEKDAY": ("1", "2"),
    "PROD_CODE": ("PRD0900001", "x"),
    "PROD_CODE_10": ("CL00001", "c"),
    "PROD_CODE_20": ("DEP00001",),
    "PROD_CODE_40": ("D00001",),
    "CUST_CODE": ("", "CUST0000000001", "?"),
    "seg_1": ("", "AZ", "LA"),
    "BASKET_SIZE": ("S", "M", "L"),
    "BASKET_TYPE": ("XX", "Top Up"),
    "BASKET_DOMINANT_MISSION": ("XX",),
    "BASKET_PRICE_SENSITIVITY": ("XX", "LA"),
    "STORE_CODE": ("STORE00002", "S1"),
    "STORE_FORMAT": ("SS", "Q"),
    "STORE_REGION": ("W01",),
}


@pytest.fixture(scope="module")
def peer() -> ModuleType:
    path = Path(__file__).parents[2] / "benchmarks" / "peers" / "pandas_ingest.py"
    spec = importlib.util.spec_from_file_location("pandas_ingest", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def spoiled(rows: list[Row], rng: random.Random) -> list[Row]:
    for _ in range(len(rows) // 20):
        column = rng.choice(sorted(SPOILERS))
        rows[rng.randrange(len(rows))][column] = rng.choice(SPOILERS[column])
    for _ in range(len(rows) // 60):
        rows.insert(rng.randrange(len(rows)), dict(rng.choice(rows)))
    return rows


def found(quarantine: pa.Table) -> dict[tuple[str, int], tuple[frozenset[str], str]]:
    rows = quarantine.to_pylist()
    return {(row["file"], row["row_number"]): (frozenset(row["reasons"]), row["text"]) for row in rows}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_same_rows_for_the_same_reasons(
    seed: int,
    tmp_path: Path,
    peer: ModuleType,
    make_rows: Callable[..., list[Row]],
    write: Callable[..., Path],
    take: Callable[..., IngestReport],
    tables: Callable[[Path], dict[str, pa.Table]],
) -> None:
    rng = random.Random(seed)  # noqa: S311 - no secret
    files = [write(tmp_path / f"{week}.csv", spoiled(make_rows(week, baskets=150), rng)) for week in WEEKS]
    report = take(tmp_path / "lake", *files)
    counts = peer.main(tmp_path / "peer", [str(file) for file in files])
    ours = tables(tmp_path / "lake")
    theirs = {
        name: DeltaTable(tmp_path / "peer" / name).to_pyarrow_table() for name in ("silver", "gold", "quarantine")
    }
    assert report.rows_quarantined > 100
    assert {name: getattr(report, name) for name in counts} == counts
    assert found(ours["quarantine"]) == found(theirs["quarantine"])
    for name, columns in (("silver", [c.name for c in COLUMNS]), ("gold", theirs["gold"].column_names)):
        same = [sorted(map(repr, t[name].select(columns).to_pylist())) for t in (ours, theirs)]
        assert same[0] == same[1]
