"""Every engine makes the same rows, the same quarantine and the same reasons of the same input."""

import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.local_hosts import free_port
from retail_forecast.clouds.objects import listed
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.settings import LakeSettings
from retail_forecast.lake.accounts import IngestReport
from retail_forecast.lake.engines import WORK, Embedded, Engine, EngineName, open_engine
from retail_forecast.lake.ingest import ingest
from retail_forecast.lake.spark import SAIL, Spark

Row = dict[str, str]
WEEKS = (200610, 200611, 200612)
SPOILERS = {
    "SPEND": ("-1", "x", ""),
    "SHOP_DATE": ("20060101", "2006"),
    "PROD_CODE_10": ("CL00001", "c"),
    "CUST_CODE": ("", "?"),
    "BASKET_SIZE": ("S", "M", "L"),
    "STORE_REGION": ("W01",),
}

quiet_pandas = pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")


@pytest.fixture
def files(tmp_path: Path, make_rows: Callable[..., list[Row]], write: Callable[..., Path]) -> list[Path]:
    """Three weeks, one row in twenty spoiled, one file refused, one line broken."""
    rng = random.Random(7)  # noqa: S311 - no secret
    found = []
    for week in WEEKS:
        rows = make_rows(week, baskets=60)
        for _ in range(len(rows) // 20):
            column = rng.choice(sorted(SPOILERS))
            rows[rng.randrange(len(rows))][column] = rng.choice(SPOILERS[column])
        found.append(write(tmp_path / "in" / f"{week}.csv.gz", rows, extra=("one,two",)))
    (tmp_path / "in" / "refused.csv").write_text("a;b\n1;2\n")
    return [*found, tmp_path / "in" / "refused.csv"]


def taken(root: Address, files: list[Path], engine: Engine) -> IngestReport:
    return ingest(
        root,
        [str(file) for file in files],
        LakeSettings(),
        clock=lambda: datetime(2008, 7, 7, tzinfo=UTC),
        engine=engine,
    )


def told(report: IngestReport) -> dict[str, object]:
    return {name: value for name, value in report.to_dict().items() if name != "seconds"}


@quiet_pandas
def test_sail_makes_what_the_embedded_engine_makes(
    tmp_path: Path, files: list[Path], content: Callable[[Path], dict[str, list[str]]]
) -> None:
    engines: dict[str, Engine] = {"duckdb": Embedded(2), "sail": Spark(SAIL, 2)}
    reports = {name: taken(tmp_path / name, files, engine) for name, engine in engines.items()}
    assert reports["duckdb"].rows_quarantined > 20
    assert told(reports["sail"]) == told(reports["duckdb"])
    assert content(tmp_path / "sail") == content(tmp_path / "duckdb")


@quiet_pandas
def test_sail_replaces_a_week(
    tmp_path: Path,
    files: list[Path],
    make_rows: Callable[..., list[Row]],
    write: Callable[..., Path],
    tables: Callable[[Path], dict[str, pa.Table]],
) -> None:
    taken(tmp_path / "lake", files[:2], Embedded(1))
    report = taken(
        tmp_path / "lake", [write(tmp_path / "corrected.csv", make_rows(200611, baskets=58))], Spark(SAIL, 2)
    )
    assert (report.replaced, report.rows_silver) == ((200611,), 232)
    assert sum(week == 200611 for week in tables(tmp_path / "lake")["silver"]["SHOP_WEEK"].to_pylist()) == 232


CLUSTER = """
import subprocess
import sys

for hidden in sys.argv[2:]:
    subprocess.run(["mount", "-t", "tmpfs", "none", hidden], check=True)

from pysail.spark import SparkConnectServer

SparkConnectServer(ip="127.0.0.1", port=int(sys.argv[1])).start(background=False)
"""


@pytest.fixture
def cluster(tmp_path: Path, own_mounts: list[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Address of a Spark Connect server that sees neither our till files nor our temporary ones."""
    hidden = [tmp_path / "in", tmp_path / "here"]
    (tmp_path / "here").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "here"))
    port = free_port("127.0.0.1")
    command = [*own_mounts, sys.executable, "-c", CLUSTER, str(port), *map(str, hidden)]
    with subprocess.Popen(command) as server:
        try:
            _wait_for(port)
            yield f"sc://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait_for(port: int) -> None:
    """Wait until the server listens."""
    for _ in range(600):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise TimeoutError(port)


@quiet_pandas
@pytest.mark.parametrize("any_place", ["s3"], indirect=True)
def test_machines_that_share_no_disk_make_the_same(
    any_place: Callable[[str], Address],
    tmp_path: Path,
    files: list[Path],
    content: Callable[[Address], dict[str, list[str]]],
    cluster: str,
) -> None:
    lake = any_place("lake")
    settings = LakeSettings(spark_address=cluster)
    report = taken(lake, files, open_engine(EngineName.SPARK, settings, lake))
    assert told(report) == told(taken(tmp_path / "duckdb", files, Embedded(2)))
    assert content(lake) == content(tmp_path / "duckdb")
    assert not [path for path, _ in listed(open_store(lake)) if path.startswith(WORK)]


@quiet_pandas
@pytest.mark.parametrize("any_place", ["s3"], indirect=True)
def test_without_an_exchange_they_do_not_find_the_files(
    any_place: Callable[[str], Address], files: list[Path], cluster: str
) -> None:
    """So the machines of the test above are apart indeed."""
    report = taken(any_place("lake"), files, Spark(cluster, 2))
    assert report.files == 0
    assert ["No such file" in refusal.reason for refusal in report.refused] == [True] * len(files)


JOB_OF_JVM = """
import sys
from datetime import UTC, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from retail_forecast.domain.settings import LakeSettings
from retail_forecast.lake.ingest import ingest
from retail_forecast.lake.spark import JOB, Spark

local = {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "127.0.0.1", "spark.ui.enabled": "false"}
session = SparkSession.builder.master("local[2]").config(map=local).getOrCreate()
day = datetime(2008, 7, 7, tzinfo=UTC)
ingest(Path(sys.argv[1]), sys.argv[2:], LakeSettings(), clock=lambda: day, engine=Spark(JOB, 2))
session.stop()
"""


@pytest.mark.slow
def test_spark_on_a_jvm_makes_what_the_embedded_engine_makes(
    tmp_path: Path, files: list[Path], content: Callable[[Path], dict[str, list[str]]]
) -> None:
    """PySpark of the JVM and the client for Sail are both called pyspark: the former lies in a folder of its own."""
    folder = os.environ.get("JVM_PYSPARK")
    if not (folder and shutil.which("java")):
        pytest.skip("JVM_PYSPARK names no folder with PySpark 3.5, or Java is missing")
    path = os.pathsep.join([folder, *(place for place in sys.path if place)])
    surroundings = os.environ | {"PYTHONPATH": path, "PYSPARK_PYTHON": sys.executable}
    command = [sys.executable, "-c", JOB_OF_JVM, str(tmp_path / "jvm"), *map(str, files)]
    subprocess.run(command, env=surroundings, check=True, capture_output=True, timeout=300)
    taken(tmp_path / "duckdb", files, Embedded(2))
    assert content(tmp_path / "jvm") == content(tmp_path / "duckdb")


def test_engines_are_opened_by_name() -> None:
    assert open_engine(EngineName.DUCKDB, LakeSettings(threads=3)) == Embedded(3)
    assert open_engine(EngineName.SPARK, LakeSettings(spark_workers=5)) == Spark(SAIL, 5)
    assert Spark("sc://cluster:15002", 5).together == 1
    assert Embedded(3).together == 3
