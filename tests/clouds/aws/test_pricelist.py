"""The price table against lists in AWS's format, served by a real server."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from retail_forecast.clouds.aws.prices import Listed, Price, PriceTable, read_prices, write_prices

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "aws/script/prices.py"
HEAD = "\n".join(
    ['"FormatVersion","v1.0"', '"Disclaimer","list"', '"Publication Date","d"', '"Version","1"', '"OfferCode","X"']
)
COLUMNS = ("SKU", "TermType", "StartingRange", "Unit", "PricePerUnit", "Currency", "usageType", "operation")
NODE = ("A", "OnDemand", "0", "Hrs", "0.1200000000", "USD", "APS1-BoxUsage:m5.large", "RunInstances")
WITH_WINDOWS = ("B", "OnDemand", "0", "Hrs", "0.2120000000", "USD", "APS1-BoxUsage:m5.large", "RunInstances:0002")
RESERVED = ("C", "Reserved", "0", "Hrs", "0.0700000000", "USD", "APS1-BoxUsage:m5.large", "RunInstances")
WRITES = ("D", "OnDemand", "0", "Requests", "0.0000050000", "USD", "APS1-Requests-Tier1", "")
STORED = ("E", "OnDemand", "0", "GB-Mo", "0.0250000000", "USD", "APS1-TimedStorage-ByteHrs", "")
STORED_MORE = ("F", "OnDemand", "51200", "GB-Mo", "0.0240000000", "USD", "APS1-TimedStorage-ByteHrs", "")


class Quiet(SimpleHTTPRequestHandler):
    def log_request(self, *_: object) -> None:
        """Tests are quiet."""

    def log_error(self, *_: object) -> None:
        """A list that is missing is what a test wants."""


@pytest.fixture
def lists(tmp_path: Path) -> Iterator[str]:
    """Address below which `publish` puts lists."""
    folder = tmp_path / "www"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: Quiet(*args, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def publish(tmp_path: Path, service: str, *rows: tuple[str, ...]) -> None:
    file = tmp_path / "www/offers/v1.0/aws" / service / "current/ap-southeast-1/index.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    quoted = (",".join(f'"{cell}"' for cell in row) for row in (COLUMNS, *rows))
    file.write_text("\n".join([HEAD, *quoted, ""]), "utf-8")


def price(name: str, usd: float, listed: Listed | None) -> Price:
    return Price(name, usd, "unit", "https://aws.amazon.com/", "2025-06-01", "memory", listed)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    prices = (
        price("node", 0.12, Listed("AmazonEC2", "APS1-BoxUsage:m5.large", "RunInstances")),
        price("writes", 0.005, Listed("AmazonS3", "APS1-Requests-Tier1", per=1000)),
        price("kept", 0.025, Listed("AmazonS3", "APS1-TimedStorage-ByteHrs")),
        price("spot", 0.048, None),
    )
    file = tmp_path / "prices.json"
    write_prices(file, PriceTable("ap-southeast-1", "USD", "a note", prices))
    return file


def script(table: Path, lists: str, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), "--table", str(table), "--lists", lists, *more]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_prices_of_the_list_agree(tmp_path: Path, table: Path, lists: str) -> None:
    publish(tmp_path, "AmazonEC2", WITH_WINDOWS, NODE, RESERVED)
    publish(tmp_path, "AmazonS3", WRITES, STORED, STORED_MORE)
    done = script(table, lists)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "3 of 4 prices stand in the list, 0 differ\n"


def test_another_price_is_told_and_taken_over_when_asked(tmp_path: Path, table: Path, lists: str) -> None:
    publish(tmp_path, "AmazonEC2", (*NODE[:4], "0.1100000000", *NODE[5:]))
    publish(tmp_path, "AmazonS3", WRITES, STORED)
    before = table.read_bytes()
    told = script(table, lists)
    assert told.returncode == 1
    assert "node: 0.12 a unit; the list says 0.11" in told.stdout
    assert table.read_bytes() == before
    assert script(table, lists, "--write").returncode == 0
    node, _, _, spot = read_prices(table).prices
    assert (node.usd, node.basis) == (0.11, "list")
    assert (spot.usd, spot.basis) == (0.048, "memory")


@pytest.mark.parametrize("rows", [(), (NODE, (*NODE[:4], "0.3000000000", *NODE[5:]))])
def test_a_line_that_names_nothing_or_several_is_left_and_told(
    tmp_path: Path, table: Path, lists: str, rows: tuple[tuple[str, ...], ...]
) -> None:
    publish(tmp_path, "AmazonEC2", *rows)
    publish(tmp_path, "AmazonS3", WRITES, STORED)
    done = script(table, lists, "--write")
    assert done.returncode == 1
    assert "node: 0.12 a unit; the list says" in done.stdout
    assert read_prices(table).prices[0].basis == "memory"


def test_a_list_that_cannot_be_fetched_leaves_the_table(table: Path, lists: str) -> None:
    before = table.read_bytes()
    done = script(table, lists, "--write")
    assert done.returncode != 0
    assert "price list" in done.stderr
    assert "Traceback" not in done.stderr
    assert table.read_bytes() == before


def test_the_table_of_the_repository_is_written_the_same_way(tmp_path: Path) -> None:
    own = ROOT / "aws/cost/prices.json"
    write_prices(tmp_path / "prices.json", read_prices(own))
    assert (tmp_path / "prices.json").read_text("utf-8") == own.read_text("utf-8")
