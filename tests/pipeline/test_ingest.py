"""Ingest with its quality report: examples of what is wrong, remarks on weeks, and a page that stands alone."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from retail_forecast.cli.main import run
from retail_forecast.domain.calendar import add_weeks
from retail_forecast.domain.settings import Settings
from retail_forecast.lake.standards import ALL_RULES
from retail_forecast.lake.state import LakeStates
from retail_forecast.pipeline.ingest import Ingested, ingest_files
from retail_forecast.simulation.spec import TillSpec
from retail_forecast.simulation.tills import simulate

NOW = datetime(2026, 11, 22, 16, 5, tzinfo=UTC)
WEEKS = tuple(add_weeks(200620, i) for i in range(7))
SPEC = TillSpec(
    weeks=len(WEEKS), baskets_per_week=60, products=120, customers=40, stores=8, start_week=WEEKS[0], plain=True
)


@pytest.fixture(scope="module")
def tills(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("tills")
    simulate(SPEC, folder)
    return sorted(folder.glob("*.csv"))


def take(workspace: Path, files: Sequence[Path], accept: Sequence[str] = ()) -> Ingested:
    settings = Settings(workspace=workspace)
    return ingest_files(workspace, settings, [str(file) for file in files], clock=lambda: NOW, accept=accept)


def document(done: Ingested) -> dict[str, object]:
    assert done.page is not None
    found: dict[str, object] = json.loads(done.page.with_suffix(".json").read_text("utf-8"))
    return found


def damaged(file: Path, folder: Path, rows: int, old: str, new: str) -> Path:
    lines = file.read_text("utf-8").splitlines()
    column = lines[0].split(",").index(old)
    for i in range(1, 1 + rows):
        fields = lines[i].split(",")
        fields[column] = new
        lines[i] = ",".join(fields)
    path = folder / file.name
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def test_sound_files_leave_a_report_with_nothing_to_look_at(tmp_path: Path, tills: list[Path]) -> None:
    done = take(tmp_path, tills)
    assert done.remarks == ()
    assert done.page == tmp_path / "reports" / "quality" / "state-000001.html"
    page = done.page.read_text("utf-8")
    assert "Nothing was refused, put aside or remarked upon." in page
    trend = document(done)["trend"]
    assert isinstance(trend, list)
    assert [row["week"] for row in trend] == list(WEEKS)
    assert [len(row["shift"]) > 0 for row in trend] == [False] * 4 + [True] * 3


def test_a_call_that_changes_nothing_writes_no_report(tmp_path: Path, tills: list[Path]) -> None:
    take(tmp_path, tills[:1])
    before = sorted((tmp_path / "reports").rglob("*"))
    again = take(tmp_path, tills[:1])
    assert (again.page, again.to_dict()["quality_report"]) == (None, None)
    assert sorted((tmp_path / "reports").rglob("*")) == before


def test_the_first_five_rows_that_break_a_rule_are_shown(tmp_path: Path, tills: list[Path]) -> None:
    bad = damaged(tills[0], tmp_path, 7, "SPEND", "<b>free</b>")
    done = take(tmp_path, [bad])
    assert done.report.reasons == {"R_TYPE_SPEND": 7}
    shown = done.report.examples["R_TYPE_SPEND"]
    assert [(example.file, example.row) for example in shown] == [(bad.name, row) for row in range(2, 7)]
    assert shown[0].text == bad.read_text("utf-8").splitlines()[1]
    assert done.page is not None
    page = done.page.read_text("utf-8")
    assert "&lt;b&gt;free&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "SPEND is an amount with at most two decimals" in page


def test_a_gap_and_a_small_week_are_remarked_upon(tmp_path: Path, tills: list[Path]) -> None:
    small = tmp_path / tills[6].name
    small.write_text("\n".join(tills[6].read_text("utf-8").splitlines()[:40]) + "\n", "utf-8")
    done = take(tmp_path, [*tills[:5], small], accept=["SHRUNK_WEEK", "FAULTY_ROWS"])
    found = {(remark.code, remark.week) for remark in done.remarks}
    assert {("MISSING_WEEK", WEEKS[5]), ("WEEK_VOLUME", WEEKS[6])} <= found
    assert {code for code, _ in found} <= {rule.code for rule in ALL_RULES}
    assert done.report.refused == ()
    assert [remark["code"] for remark in done.to_dict()["remarks"]] == [remark.code for remark in done.remarks]


def test_a_currency_that_changes_is_remarked_upon(tmp_path: Path, tills: list[Path]) -> None:
    take(tmp_path, tills[:6])
    lines = tills[6].read_text("utf-8").splitlines()
    column = lines[0].split(",").index("SPEND")
    rows = [line.split(",") for line in lines]
    for row in rows[1:]:
        row[column] = f"{float(row[column]) * 100:.2f}"
    pence = tmp_path / tills[6].name
    pence.write_text("\n".join(",".join(row) for row in rows) + "\n", "utf-8")
    (remark,) = take(tmp_path, [pence]).remarks
    assert (remark.code, remark.week) == ("WEEK_SHIFT", WEEKS[6])
    assert remark.what.startswith("spend a basket [GBP]")


def test_a_correction_is_shown_line_by_line(
    tmp_path: Path, tills: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    take(tmp_path, tills[:2])
    lines = tills[0].read_text("utf-8").splitlines()
    shorter = tmp_path / "corrected.csv"
    basket = lines[-1].split(",")[lines[0].split(",").index("BASKET_ID")]
    kept = [line for line in lines if basket not in line]
    shorter.write_text("\n".join(kept) + "\n", "utf-8")
    assert run(["ingest", str(shorter), "--workspace", str(tmp_path)]) == 0
    gone = len(lines) - len(kept)
    assert f"{WEEKS[0]}: 0 lines added, {gone} removed, 0 changed, {len(kept) - 1} kept" in capsys.readouterr().out
    page = (tmp_path / "reports" / "quality" / "state-000002.html").read_text("utf-8")
    assert "Weeks that were replaced, line by line" in page
    assert basket in page


def test_refused_and_accepted_files_are_on_the_page(tmp_path: Path, tills: list[Path]) -> None:
    bad = damaged(tills[0], tmp_path, 100, "SHOP_HOUR", "noon")
    refused = take(tmp_path, [bad])
    assert refused.page == tmp_path / "reports" / "quality" / "refused-20261122T160500Z.html"
    assert "FAULTY_ROWS" in refused.page.read_text("utf-8")
    accepted = take(tmp_path, [bad], accept=["FAULTY_ROWS"])
    assert accepted.page is not None
    assert "Files taken in by --accept" in accepted.page.read_text("utf-8")


def test_the_page_loads_nothing_and_equal_data_give_equal_bytes(tmp_path: Path, tills: list[Path]) -> None:
    pages = [take(tmp_path / name, tills).page for name in ("a", "b")]
    texts = [page.read_text("utf-8") for page in pages if page]
    assert texts[0] == texts[1]
    assert "<script" not in texts[0]
    assert " src=" not in texts[0]
    assert texts[0].count("http") == texts[0].count("http-equiv")


def test_the_verb_writes_the_report_of_any_state_anew(
    tmp_path: Path, tills: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    first = take(tmp_path, tills[:5])
    take(tmp_path, tills[5:])
    assert first.page is not None
    page = first.page.read_text("utf-8")
    first.page.unlink()
    assert run(["quality", "--state", "1", "--workspace", str(tmp_path), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["quality_report"], len(shown["trend"])) == (str(first.page), 5)
    assert first.page.read_text("utf-8").split("</header>")[1] == page.split("</header>")[1]
    assert run(["quality", "--workspace", str(tmp_path)]) == 0
    assert "state-000002.html" in capsys.readouterr().out
    assert run(["quality", "--state", "9", "--workspace", str(tmp_path), "--json"]) == 2
    states = LakeStates(tmp_path / "lake")
    newest = states.latest()
    assert newest is not None
    states.publish(msgspec.structs.replace(newest, number=3))
    capsys.readouterr()
    assert run(["quality", "--workspace", str(tmp_path)]) == 0
    assert "state-000002.html" in capsys.readouterr().out, "no ingest led to the newest state"
    assert run(["quality", "--state", "3", "--workspace", str(tmp_path), "--json"]) == 2
    assert run(["quality", "--workspace", str(tmp_path / "nothing"), "--json"]) == 3
