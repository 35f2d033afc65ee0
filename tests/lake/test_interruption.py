"""A writer that is killed anywhere leaves the published state as it was, and a repeated run ends as an undisturbed
one.
"""

import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retail_forecast.domain.errors import Conflict
from retail_forecast.lake.accounts import IngestReport
from retail_forecast.lake.lease import lease
from retail_forecast.lake.state import LakeStates

Row = dict[str, str]
MakeRows = Callable[..., list[Row]]
Write = Callable[..., Path]
Take = Callable[..., IngestReport]
Content = Callable[[Path], dict[str, list[str]]]

NOW = datetime(2008, 7, 14, 6, tzinfo=UTC)

KILLED_INGEST = """
import importlib, os, signal, sys
from datetime import UTC, datetime
from pathlib import Path

from retail_forecast.domain.settings import LakeSettings
from retail_forecast.lake import ingest as verb

place, call, moment, root, *sources = sys.argv[1:]
owner, name = place.rsplit(".", 1)
module, _, inner = owner.partition(":")
target = importlib.import_module(f"retail_forecast.lake.{module}")
target = getattr(target, inner) if inner else target
original, calls = getattr(target, name), 0


def deadly(*given, **named):
    global calls
    calls += 1
    if calls == int(call) and moment == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = original(*given, **named)
    if calls == int(call):
        os.kill(os.getpid(), signal.SIGKILL)
    return result


setattr(target, name, deadly)
verb.ingest(Path(root), sources, LakeSettings(), clock=lambda: datetime.now(UTC))
"""

POINTS = [
    ("ingest.append", 1, "after"),
    ("ingest.keep", 2, "before"),
    ("ingest.drop_weeks", 2, "after"),
    ("state:LakeStates.publish", 1, "before"),
    ("state:LakeStates.publish", 1, "after"),
]
MORE_POINTS = [
    ("intake.land", 1, "after"),
    ("intake.land", 2, "before"),
    ("intake.stage", 1, "before"),
    ("intake.stage", 2, "after"),
    ("ingest.take_in", 1, "after"),
    ("ingest.keep", 2, "after"),
    ("ingest.prepare", 1, "before"),
    ("ingest.prepare", 1, "after"),
    ("ingest.drop_weeks", 1, "before"),
    ("ingest.drop_weeks", 3, "after"),
    ("writing.refine", 1, "before"),
    ("ingest.append", 1, "before"),
    ("ingest.append", 2, "before"),
    ("ingest.append", 2, "after"),
    ("ingest.append", 3, "after"),
    ("ingest.tidy", 2, "after"),
    ("ingest.keep_report", 1, "before"),
    ("ingest.keep_report", 1, "after"),
]


def point_name(point: tuple[str, int, str]) -> str:
    return f"{point[2]} {point[0].rsplit('.')[-1]} {point[1]}"


def killed(root: Path, point: tuple[str, int, str], *files: Path) -> None:
    place, call, moment = point
    command = [sys.executable, "-c", KILLED_INGEST, place, str(call), moment, str(root), *map(str, files)]
    ended = subprocess.run(command, capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()


def check_point(
    point: tuple[str, int, str], tmp_path: Path, make_rows: MakeRows, write: Write, take: Take, content: Content
) -> None:
    old = write(tmp_path / "old.csv", make_rows(200610, baskets=4))
    bad = make_rows(200611, baskets=5)
    bad[3] |= {"SPEND": "x"}
    new = [write(tmp_path / "corrected.csv.gz", make_rows(200610, baskets=3)), write(tmp_path / "next.csv", bad)]
    for root in (tmp_path / "lake", tmp_path / "undisturbed"):
        take(root, old)
    take(tmp_path / "undisturbed", *new)
    before = content(tmp_path / "lake")
    killed(tmp_path / "lake", point, *new)
    published = point == ("state:LakeStates.publish", 1, "after")
    assert (content(tmp_path / "lake") == before) is not published, "readers see the old state or the new one"
    report = take(tmp_path / "lake", *new)
    assert report.files == (0 if published else 2)
    assert content(tmp_path / "lake") == content(tmp_path / "undisturbed")
    state, undisturbed = LakeStates(tmp_path / "lake").latest(), LakeStates(tmp_path / "undisturbed").latest()
    assert state is not None
    assert undisturbed is not None
    assert (state.number, state.weeks, set(state.sources)) == (2, undisturbed.weeks, set(undisturbed.sources))
    assert not (tmp_path / "lake" / ".work").exists()


@pytest.mark.parametrize("point", POINTS, ids=point_name)
def test_killed_while_replacing_a_week(
    point: tuple[str, int, str], tmp_path: Path, make_rows: MakeRows, write: Write, take: Take, content: Content
) -> None:
    check_point(point, tmp_path, make_rows, write, take, content)


@pytest.mark.slow
@pytest.mark.parametrize("point", MORE_POINTS, ids=point_name)
def test_killed_at_more_points(
    point: tuple[str, int, str], tmp_path: Path, make_rows: MakeRows, write: Write, take: Take, content: Content
) -> None:
    check_point(point, tmp_path, make_rows, write, take, content)


@pytest.mark.parametrize("point", [("ingest.append", 2, "after")], ids=point_name)
def test_killed_in_the_very_first_ingest(
    point: tuple[str, int, str], tmp_path: Path, make_rows: MakeRows, write: Write, take: Take, content: Content
) -> None:
    file = write(tmp_path / "a.csv", make_rows())
    killed(tmp_path / "lake", point, file)
    assert LakeStates(tmp_path / "lake").latest() is None
    take(tmp_path / "lake", file)
    take(tmp_path / "undisturbed", file)
    assert content(tmp_path / "lake") == content(tmp_path / "undisturbed")


def test_a_second_writer_is_turned_away(tmp_path: Path, make_rows: MakeRows, write: Write, take: Take) -> None:
    file = write(tmp_path / "a.csv", make_rows())
    with lease(tmp_path / "lake", lambda: NOW), pytest.raises(Conflict, match="another process is writing") as caught:
        take(tmp_path / "lake", file)
    assert caught.value.exit_code == 5
    assert take(tmp_path / "lake", file).files == 1, "the lease ended with its holder"
