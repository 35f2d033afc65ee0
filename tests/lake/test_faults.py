"""Faults of the world: the disk fills up, a source is still being written, the writer is killed at any moment.

Afterwards readers see a published state, no row is lost or doubled, and the same call ends as an undisturbed one.
"""

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from retail_forecast.domain.errors import PlaceError
from retail_forecast.lake.accounts import IngestReport
from retail_forecast.lake.storage import told_as_place

Row = dict[str, str]
MakeRows = Callable[..., list[Row]]
Write = Callable[..., Path]
Take = Callable[..., IngestReport]
Content = Callable[[Path], dict[str, list[str]]]

KILLS = 20

INGEST = """
import json, os, signal, sys, time
from datetime import UTC, datetime
from pathlib import Path

from retail_forecast.domain.errors import PlaceError
from retail_forecast.domain.settings import LakeSettings
from retail_forecast.lake.ingest import ingest
from retail_forecast.lake.state import LakeStates
from retail_forecast.lake.tables import open_table


def take(root, sources):
    ingest(Path(root), sources, LakeSettings(threads=2), clock=lambda: datetime.now(UTC))


def content(root):
    state = LakeStates(Path(root)).latest()
    rows = {name: open_table(Path(root), name, v).to_pyarrow_table() for name, v in state.tables.items()}
    return {name: sorted(map(repr, table.to_pylist())) for name, table in rows.items() if name != "quarantine"}
"""

FILLED = """
import subprocess
disk, old, *new = sys.argv[1:]
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", disk], check=True)
root, ballast = Path(disk) / "lake", Path(disk) / "ballast"
take(root, [old])
before, refused, left = content(root), [], 0
while True:
    status = os.statvfs(disk)
    ballast.write_bytes(bytes(max(0, status.f_bavail * status.f_frsize - (left << 10))))
    try:
        take(root, new)
    except PlaceError as error:
        refused.append(error.what)
        same = content(root) == before and not (root / ".work").exists()
        ballast.unlink()
        left = left * 3 // 2 + 24
        if not same:
            raise SystemExit("a reader sees something else")
        continue
    ballast.unlink()
    break
print(json.dumps({"refused": refused, "content": content(root)}), flush=True)
# Threads of Arrow may let go of Python's buffers as late as while the interpreter is taken down, and abort it then.
os._exit(0)
"""

KILLED = """
shares, sources = json.loads(sys.argv[1]), sys.argv[2:-1]
roots = [Path(sys.argv[-1]) / str(number) for number in range(len(shares) + 1)]


def child(root):
    pid = os.fork()
    if pid == 0:
        take(root, sources)
        os._exit(0)
    return pid


start = time.monotonic()
assert os.waitpid(child(roots[-1]), 0)[1] == 0
whole, ended = time.monotonic() - start, []
for share, root in zip(shares, roots):
    victim = child(root)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(victim, signal.SIGKILL))
    signal.setitimer(signal.ITIMER_REAL, share * whole)
    ended.append(os.waitpid(victim, 0)[1])
    signal.setitimer(signal.ITIMER_REAL, 0)
print(json.dumps(ended))
"""


@pytest.fixture
def files(tmp_path: Path, make_rows: MakeRows, write: Write) -> list[Path]:
    """A week, then a correction of it and another week with a bad row."""
    bad = make_rows(200611, baskets=40)
    bad[3] |= {"SPEND": "x"}
    return [
        write(tmp_path / "in" / "old.csv", make_rows(200610, baskets=40)),
        write(tmp_path / "in" / "corrected.csv.gz", make_rows(200610, baskets=30)),
        write(tmp_path / "in" / "next.csv", bad),
    ]


def test_a_disk_that_fills_up(
    tmp_path: Path, files: list[Path], take: Take, content: Content, own_mounts: list[str]
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = [*own_mounts, sys.executable, "-c", INGEST + FILLED, str(disk)]
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert set(told["refused"]) == {"the disk is full"}
    assert len(told["refused"]) > 3, "it has filled up at several places"
    take(tmp_path / "undisturbed", files[0])
    take(tmp_path / "undisturbed", *files[1:])
    undisturbed = content(tmp_path / "undisturbed")
    assert told["content"] == {name: undisturbed[name] for name in told["content"]}


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (OSError(28, "No space left on device"), "the disk is full"),
        (OSError("Generic LocalFileSystem error: No space left on device (os error 28)"), "the disk is full"),
        (PermissionError(13, "Permission denied"), "cannot be written or read"),
    ],
)
def test_storage_is_told_as_a_place(error: OSError, what: str, tmp_path: Path) -> None:
    with pytest.raises(PlaceError, match=what) as caught, told_as_place(tmp_path):
        raise error
    assert (caught.value.exit_code, caught.value.where, caught.value.__cause__) == (5, str(tmp_path), error)


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), told_as_place(Path()):
        raise ZeroDivisionError


def test_a_source_that_is_still_being_written(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    file = write(tmp_path / "growing.csv", make_rows(baskets=2_000, lines=20))
    line = file.read_bytes().splitlines(keepends=True)[-1]
    stop = threading.Event()

    def grow() -> None:
        with file.open("ab", buffering=0) as target:
            while not stop.is_set():
                target.write(line)

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        report = take(tmp_path / "lake", file)
    finally:
        stop.set()
        writer.join()
    assert [refusal.code for refusal in report.refused] == ["CHANGED_WHILE_READ"]
    rows = len(file.read_bytes().splitlines()) - 1
    complete = take(tmp_path / "lake", file, accept=["FAULTY_ROWS"])
    assert (complete.rows_read, complete.rows_silver + complete.rows_quarantined) == (rows, rows)


def test_killed_at_twenty_random_moments(tmp_path: Path, files: list[Path], take: Take, content: Content) -> None:
    seed = 20060410
    shares = np.random.default_rng(seed).random(KILLS)
    take(tmp_path / "before", files[0])
    for number in range(KILLS + 1):
        shutil.copytree(tmp_path / "before", tmp_path / "roots" / str(number))
    command = [sys.executable, "-c", INGEST + KILLED, json.dumps(shares.tolist()), *map(str, files[1:])]
    done = subprocess.run([*command, str(tmp_path / "roots")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert sum(json.loads(done.stdout)) > 0, "some were killed before they had ended"
    before, after = content(tmp_path / "before"), content(tmp_path / "roots" / str(KILLS))
    for number in range(KILLS):
        root = tmp_path / "roots" / str(number)
        published = content(root) == after
        assert published or content(root) == before, number
        assert take(root, *files[1:]).files == (0 if published else 2), number
        assert content(root) == after, number
