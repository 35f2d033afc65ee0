"""One behaviour of the lake in every place: a folder, S3 and Azure Blob Storage."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.leases import TERM, Note
from retail_forecast.clouds.objects import listed, read
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import Conflict, PlaceError, UsageError
from retail_forecast.domain.settings import LakeSettings
from retail_forecast.lake.accounts import IngestReport, read_report
from retail_forecast.lake.backup import back_up, restore, return_to
from retail_forecast.lake.customers import read_customers
from retail_forecast.lake.engines import EngineName, open_engine
from retail_forecast.lake.explore import answer
from retail_forecast.lake.ingest import ingest
from retail_forecast.lake.lease import lease
from retail_forecast.lake.profiles import read_profiles
from retail_forecast.lake.reading import label_counts, read_gold
from retail_forecast.lake.retention import optimize, retired_states, vacuum
from retail_forecast.lake.state import LakeState, LakeStates

Row = dict[str, str]
MakeRows = Callable[..., list[Row]]
Write = Callable[..., Path]
Content = Callable[[Address], dict[str, list[str]]]
Place = Callable[[str], Address]
Running = Callable[..., AbstractContextManager[subprocess.Popen[Any]]]

NOW = datetime(2008, 7, 14, 6, tzinfo=UTC)
LATER = NOW + 2 * TERM


def take(root: Address, *files: Path, now: datetime = NOW, engine: EngineName = EngineName.DUCKDB) -> IngestReport:
    settings = LakeSettings()
    return ingest(root, [*map(str, files)], settings, clock=lambda: now, engine=open_engine(engine, settings))


def newest(root: Address) -> LakeState:
    state = LakeStates(root).latest()
    assert state is not None
    return state


def asked(root: Address, question: str) -> list[dict[str, Any]]:
    with answer(root, newest(root), question, LakeSettings()) as rows:
        found: list[dict[str, Any]] = rows.read_all().to_pylist()
    return found


@pytest.fixture
def weeks(tmp_path: Path, make_rows: MakeRows, write: Write) -> list[Path]:
    """Two weeks, one with a row for quarantine, and a correction of the first, which has a strange name."""
    bad = make_rows(200611, baskets=5)
    bad[3] |= {"SPEND": "x"}
    return [
        write(tmp_path / "old.csv", make_rows(200610, baskets=4)),
        write(tmp_path / "next.csv.gz", bad),
        write(tmp_path / "corrected 100%, à & #1.csv", make_rows(200610, baskets=3)),
    ]


def test_a_lake_is_the_same_in_every_place(
    any_place: Place, tmp_path: Path, weeks: Sequence[Path], content: Content
) -> None:
    root, local = any_place("lake"), tmp_path / "reference"
    assert LakeStates(root).latest() is None
    for given in (root, local):
        first = take(given, *weeks[:2])
        assert (first.files, first.rows_quarantined, first.state) == (2, 1, 1)
        assert take(given, *weeks[:2]).unchanged == tuple(map(str, weeks[:2]))
        second = take(given, weeks[2])
        assert (second.replaced, second.state) == ((200610,), 2)
        assert second.corrections.weeks[0].removed > 0
    assert content(root) == content(local)
    assert newest(root).weeks == newest(local).weeks
    assert newest(root).sources == newest(local).sources
    check_readers(root, local)
    refused = tmp_path / "refused.csv"
    refused.write_text("no,header\n1,2\n")
    assert take(root, refused).refused[0].code == "UNKNOWN_HEADER"
    assert newest(root).number == 2


def check_readers(root: Address, local: Path) -> None:
    found, expected = (read_gold(place, newest(place)) for place in (root, local))
    assert np.array_equal(found.label, expected.label)
    assert np.array_equal(found.shop_week, expected.shop_week)
    assert np.array_equal(found.complete, expected.complete)
    assert np.array_equal(found.baskets.spend_pence, expected.baskets.spend_pence)
    assert found.baskets.basket_id.to_list() == expected.baskets.basket_id.to_list()
    assert label_counts(root, newest(root)) == label_counts(local, newest(local))
    customers = [read_customers(place, newest(place), 200611) for place in (root, local)]
    assert customers[0].equals(customers[1])
    assert read_profiles(root, 2, [200610, 200611]) == read_profiles(local, 2, [200610, 200611])
    report, again = read_report(root, 2), read_report(local, 2)
    assert report is not None
    assert again is not None
    assert {**report, "seconds": 0} == {**again, "seconds": 0}
    assert read_report(root, 3) is None
    for question in (
        "select count(*) as n, count(distinct file) as files from raw",
        "select BASKET_ID, PROD_CODE, SPEND from silver where PROD_CODE > 'PRD0900010' order by all",
        "select label, count(*) as n from gold where store_region = 'E01' group by label order by label",
        "select reasons, row_number from quarantine order by all",
    ):
        rows = asked(root, question)
        assert rows
        assert rows == asked(local, question)


def test_looking_after_it(any_place: Place, weeks: Sequence[Path], content: Content) -> None:
    root, other, safe = any_place("lake"), any_place("other"), any_place("safe")
    for file in weeks:
        take(root, file)
    assert [state.number for state in LakeStates(root).all()] == [1, 2, 3]
    assert optimize(root, clock=lambda: NOW) is None
    before = content(root)
    first = back_up(root, safe, clock=lambda: NOW)
    assert first.copied == first.objects
    assert back_up(root, safe, clock=lambda: NOW).copied < first.objects
    with pytest.raises(UsageError, match="within the lake"):
        back_up(root, f"{root}/raw/safe", clock=lambda: NOW)
    assert restore(other, safe, clock=lambda: NOW).state == 3
    assert content(other) == before
    later = datetime.now(UTC) + timedelta(days=1)  # tables note the time at which a file was removed by themselves
    assert vacuum(root, 0, {}, clock=lambda: later, dry_run=True).retired == (1, 2)
    assert retired_states(root) == frozenset()
    assert vacuum(root, 0, {}, clock=lambda: later).retired == (1, 2)
    assert retired_states(root) == {1, 2}
    assert content(root) == before
    with pytest.raises(UsageError, match="cannot be returned to"):
        return_to(root, 1, clock=lambda: NOW)
    assert return_to(other, 2, clock=lambda: NOW).number == 4
    assert set(newest(other).weeks) == {200610, 200611}


KILLED = """
import os, signal, sys
from datetime import datetime
from retail_forecast.domain.settings import LakeSettings
from retail_forecast.lake import ingest as verb

name, call, root, now, *sources = sys.argv[1:]
original, calls = getattr(verb, name), 0

def deadly(*given, **named):
    global calls
    calls += 1
    if calls == int(call):
        os.kill(os.getpid(), signal.SIGKILL)
    return original(*given, **named)

setattr(verb, name, deadly)
moment = datetime.fromisoformat(now)
verb.ingest(root, sources, LakeSettings(), clock=lambda: moment)
"""


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("name", "call"),
    [("append", 3), pytest.param("keep_report", 1, marks=SLOW), pytest.param("keep", 2, marks=SLOW)],
)
def test_a_killed_writer_blocks_nobody_for_ever(
    cloud_place: Place, tmp_path: Path, weeks: Sequence[Path], content: Content, name: str, call: int
) -> None:
    root = str(cloud_place("lake"))
    take(root, weeks[0])
    before = content(root)
    command = [sys.executable, "-c", KILLED, name, str(call), root, NOW.isoformat(), *map(str, weeks[1:])]
    ended = subprocess.run(command, capture_output=True, check=False, env=dict(os.environ))
    assert ended.returncode == -9, ended.stderr.decode()
    assert content(root) == before
    with pytest.raises(Conflict, match="another process is writing") as caught:
        take(root, *weeks[1:])
    assert f"{NOW + TERM:%H:%M:%S} UTC" in caught.value.mend
    take(root, *weeks[1:], now=LATER)
    take(tmp_path / "undisturbed", weeks[0])
    take(tmp_path / "undisturbed", *weeks[1:])
    assert content(root) == content(tmp_path / "undisturbed")
    assert newest(root).number == 2


WAITING = """
import sys
from retail_forecast.cli.main import run
from retail_forecast.lake import ingest as verb

original = verb.append

def patient(*given, **named):
    verb.append = original
    print("writing", flush=True)
    sys.stdin.readline()
    return original(*given, **named)

verb.append = patient
sys.exit(run(sys.argv[1:]))
"""


def test_two_processes_at_once(
    running: Running, any_place: Place, tmp_path: Path, weeks: Sequence[Path], content: Content
) -> None:
    root = str(any_place("lake"))
    options = ["--workspace", str(tmp_path), "--lake", root, "--json"]
    first = [sys.executable, "-c", WAITING, "ingest", str(weeks[0]), *options]
    verb = "import sys; from retail_forecast.cli.main import run; sys.exit(run(sys.argv[1:]))"
    second = [sys.executable, "-c", verb, "ingest", str(weeks[1]), *options]
    with running(first, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "writing\n"
        turned_away = subprocess.run(second, capture_output=True, text=True, check=False)
        process.communicate("go on\n")
    assert (process.returncode, turned_away.returncode) == (0, 5)
    assert json.loads(turned_away.stdout)["error"]["code"] == "Conflict"
    assert subprocess.run(second, capture_output=True, check=False).returncode == 0
    take(tmp_path / "reference", *weeks[:2])
    assert content(root) == content(tmp_path / "reference")


def test_a_second_writer_is_turned_away(any_place: Place, weeks: Sequence[Path]) -> None:
    root = any_place("lake")
    with lease(root, lambda: NOW), pytest.raises(Conflict, match="another process is writing") as caught:
        take(root, weeks[0])
    assert caught.value.exit_code == 5
    assert take(root, weeks[0]).files == 1, "the lease ended with its holder"


def test_who_lost_the_lease_publishes_nothing(cloud_place: Place, weeks: Sequence[Path]) -> None:
    """A writer that stood still while another took over."""
    root, other = cloud_place("lake"), weeks[1]
    take(root, weeks[0])
    times = iter([NOW] * 3)

    def clock() -> datetime:
        moment = next(times, None)
        if moment is not None:
            return moment
        return LATER

    with pytest.raises(Conflict, match="the lease ran out"):
        ingest(root, [str(other)], LakeSettings(), clock=clock)
    assert newest(root).number == 1
    assert take(root, other, now=LATER + TERM).state == 2
    assert set(newest(root).weeks) == {200610, 200611}


def test_the_lease_says_who_holds_it(cloud_place: Place) -> None:
    root = cloud_place("lake")
    with lease(root, lambda: NOW):
        note = msgspec.json.decode(read(open_store(root), ".writer"), type=Note)
        assert f"process {os.getpid()}" in note.holder
        assert note.until == NOW + TERM
    assert msgspec.json.decode(read(open_store(root), ".writer"), type=Note).until is None


def test_raw_holds_the_untouched_bytes(cloud_place: Place, weeks: Sequence[Path]) -> None:
    root = cloud_place("lake")
    take(root, *weeks)
    store = open_store(root)
    raw = [path for path, _ in listed(store, "raw")]
    assert len(raw) == 2 * len(weeks)
    held = sorted(read(store, path) for path in raw if not path.endswith("/manifest.json"))
    assert held == sorted(file.read_bytes() for file in weeks)


@pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")
def test_spark_writes_to_any_place(cloud_place: Place, tmp_path: Path, weeks: Sequence[Path], content: Content) -> None:
    root = cloud_place("lake")
    take(root, *weeks[:2], engine=EngineName.SPARK)
    take(tmp_path / "reference", *weeks[:2])
    assert content(root) == content(tmp_path / "reference")


def test_a_bucket_that_is_missing(cloud_place: Place, weeks: Sequence[Path]) -> None:
    root = str(cloud_place("lake")).replace("//lake/", "//nothing/")
    with pytest.raises(PlaceError, match="cannot be written or read") as caught:
        take(root, weeks[0])
    assert caught.value.where == root
