"""Small tills made by hand: rows that keep every rule, files in every shape, and a lake to take them in."""

import gzip
import shutil
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from retail_forecast.clouds.addresses import Address
from retail_forecast.domain.basket import basket_size
from retail_forecast.domain.calendar import date_of_week, shop_weekday
from retail_forecast.domain.columns import HEADERS, column
from retail_forecast.domain.settings import LakeSettings
from retail_forecast.lake.accounts import IngestReport
from retail_forecast.lake.ingest import ingest
from retail_forecast.lake.judge import Evidence
from retail_forecast.lake.landing import land
from retail_forecast.lake.links import Accepted, accept, merge_links
from retail_forecast.lake.refine import Refined, refine
from retail_forecast.lake.staging import stage
from retail_forecast.lake.state import LakeStates
from retail_forecast.lake.tables import open_table

NO_TMPFS = "this machine lets nobody mount a file system of their own"
Row = dict[str, str]
MONDAY = datetime(2008, 7, 7, 6, tzinfo=UTC)
_PLACES = (("STORE00001", "LS", "E01"), ("STORE00002", "MS", "N02"), ("STORE00003", "XLS", "S03"))
_TRIPS = (("Small Shop", "Fresh"), ("Top Up", "Grocery"), ("Full Shop", "Mixed"), ("XX", "XX"))


def _product(number: int) -> Row:
    return {
        "PROD_CODE": f"PRD09{number:05d}",
        "PROD_CODE_10": f"CL{number // 4:05d}",
        "PROD_CODE_20": f"DEP{number // 8:05d}",
        "PROD_CODE_30": f"G{number // 16:05d}",
        "PROD_CODE_40": f"D{number // 32:05d}",
    }


def _basket(week: int, number: int, lines: int) -> list[Row]:
    day = date_of_week(week) + timedelta(days=number % 7)
    store, kind, region = _PLACES[number % 3]
    trip, mission = _TRIPS[number % 4]
    known = number % 3 != 1
    quantities = [1 + k % 2 for k in range(lines)]
    header = {
        "SHOP_WEEK": str(week),
        "SHOP_DATE": f"{day:%Y%m%d}",
        "SHOP_WEEKDAY": str(shop_weekday(day)),
        "SHOP_HOUR": str(8 + number % 15),
        "CUST_CODE": f"CUST{number:010d}" if known else "",
        "seg_1": ("AZ", "CT", "BG", "DY")[number % 4] if known else "",
        "seg_2": ("AT", "BU", "")[number % 3] if known else "",
        "BASKET_ID": f"994{week}{number:06d}",
        "BASKET_SIZE": basket_size(sum(quantities)),
        "BASKET_PRICE_SENSITIVITY": ("LA", "MM", "UM", "XX")[number % 4],
        "BASKET_TYPE": trip,
        "BASKET_DOMINANT_MISSION": mission,
        "STORE_CODE": store,
        "STORE_FORMAT": kind,
        "STORE_REGION": region,
    }
    products = [_product((number * 3 + k * 5) % 40) for k in range(lines)]
    return [
        header | product | {"QUANTITY": str(quantity), "SPEND": f"{(number + k) % 9}.{k}5"}
        for k, (product, quantity) in enumerate(zip(products, quantities, strict=True))
    ]


@pytest.fixture(scope="session")
def make_rows() -> Callable[..., list[Row]]:
    """Rows of one week that keep every rule."""

    def make(week: int = 200607, *, baskets: int = 6, lines: int = 4) -> list[Row]:
        return [row for number in range(baskets) for row in _basket(week, number, lines)]

    return make


def _text(rows: Sequence[Row], names: Sequence[str], quoted: bool) -> list[str]:
    codes = {
        name: {kept: given for given, kept in column(name).alias_values.items()} if column(name).alias == name else {}
        for name in names
    }
    mark = '"' if quoted else ""
    lines = [",".join(f"{mark}{name}{mark}" for name in names)]
    for row in rows:
        values = [codes[name].get(row[column(name).name], row[column(name).name]) for name in names]
        lines.append(",".join(f"{mark}{value}{mark}" for value in values))
    return lines


@pytest.fixture(scope="session")
def write() -> Callable[..., Path]:
    """Write rows as a till file; gzip when the name ends in .gz, unless `zipped` says otherwise."""

    def make(
        path: Path,
        rows: Sequence[Row],
        *,
        names: Sequence[str] = HEADERS[0],
        newline: str = "\n",
        mark: bool = False,
        quoted: bool = False,
        zipped: bool | None = None,
        extra: Sequence[str] = (),
    ) -> Path:
        lines = [*_text(rows, names, quoted), *extra]
        payload = (newline.join(lines) + newline).encode("utf-8-sig" if mark else "utf-8")
        path.parent.mkdir(parents=True, exist_ok=True)
        packed = path.suffix == ".gz" if zipped is None else zipped
        path.write_bytes(gzip.compress(payload, mtime=0) if packed else payload)
        return path

    return make


@pytest.fixture(scope="session")
def take() -> Callable[..., IngestReport]:
    """Take files into the lake at a folder."""

    def take_files(root: Path, *sources: Path | str, accept: Sequence[str] = (), **settings: Any) -> IngestReport:
        given = [str(source) for source in sources]
        return ingest(root, given, LakeSettings(**settings), clock=lambda: MONDAY, accept=accept)

    return take_files


def _published(root: Address) -> dict[str, pa.Table]:
    state = LakeStates(root).latest()
    assert state is not None
    return {name: open_table(root, name, version).to_pyarrow_table() for name, version in state.tables.items()}


@pytest.fixture(scope="session")
def tables() -> Callable[[Address], dict[str, pa.Table]]:
    """The tables of the lake at a folder, as its newest state names them."""
    return _published


@pytest.fixture(scope="session")
def content() -> Callable[[Address], dict[str, list[str]]]:
    """Every table's rows, whatever their order, without the time at which they arrived."""

    def read(root: Address) -> dict[str, list[str]]:
        found = _published(root)
        found["quarantine"] = found["quarantine"].drop_columns(["arrival"])
        return {name: sorted(map(repr, table.to_pylist())) for name, table in found.items()}

    return read


@pytest.fixture(scope="session")
def own_mounts(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The words before a command that give it mounts of its own."""
    words = ["unshare", "--map-root-user", "--mount"]
    trial = [*words, "mount", "-t", "tmpfs", "none", str(tmp_path_factory.mktemp("disk"))]
    if shutil.which("unshare") is None or subprocess.run(trial, capture_output=True, check=False).returncode:
        pytest.skip(NO_TMPFS)
    return words


@pytest.fixture
def refined(tmp_path: Path, write: Callable[..., Path]) -> Callable[..., Refined]:
    """What becomes of rows, without a lake."""

    def make(rows: Sequence[Row], known: Accepted | None = None) -> Refined:
        staged = stage(land(write(tmp_path / "till.csv", rows), tmp_path), tmp_path)
        evidence = Evidence(accept(merge_links([staged.links]), known or {}), pa.array([], pa.string()), staged.wounded)
        return refine([staged], sorted({0, *staged.weeks}), evidence, MONDAY)

    return make


@pytest.fixture
def verdicts(refined: Callable[..., Refined]) -> Callable[..., dict[int, set[str]]]:
    """The reasons of every row in quarantine, by position among the rows given."""

    def make(rows: Sequence[Row], known: Accepted | None = None) -> dict[int, set[str]]:
        found = refined(rows, known)
        assert len(found.silver) + len(found.quarantine) == len(rows)
        return {row["row_number"] - 2: set(row["reasons"]) for row in found.quarantine.to_pylist()}

    return make
