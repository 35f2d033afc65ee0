"""The page stands alone, is well-formed, says all that the record says, and says what is absent."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from retail_forecast.registry.record import DataState, RunRecord, Span, Windows
from retail_forecast.report.data import LakeFacts, ReportData
from retail_forecast.report.page import render_report, write_report

MakeReport = Callable[..., ReportData]

VOID = {"meta", "br", "hr", "img", "input", "link", "wbr"}
TEXTS = {"title", "h1", "h2", "h3", "caption", "desc"}


class Outline(HTMLParser):
    """Tags of a document: whether they balance, their attributes, and the texts of those that name things."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(document)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in TEXTS and data.strip():
            self.texts.append((self.open[-1], data.strip()))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(make_report: MakeReport) -> str:
    return render_report(make_report())


def test_tags_balance_and_each_section_has_its_heading(page: str) -> None:
    outline = Outline(page)
    headings = [text for tag, text in outline.texts if tag == "h2"]
    assert headings == [
        "1 Summary",
        "2 Data quality",
        "3 Model",
        "4 One served prediction",
        "5 Customers",
        "6 Lineage",
        "7 How it was measured",
    ]
    assert len(outline.named("h1")) == 1
    assert len(outline.named("section")) == len(headings)


def test_the_page_loads_nothing_and_runs_nothing(page: str) -> None:
    outline = Outline(page)
    assert not {tag for tag, _ in outline.tags} & {"script", "link", "img", "iframe", "object", "base", "form"}
    for _, attributes in outline.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
        assert (attributes.get("href") or "#").startswith("#")
    assert "@import" not in page
    assert re.findall(r"url\((?!#)", page) == []
    assert page.count("http") == page.count("http-equiv")


def test_the_card_is_linked_where_there_is_one(make_report: MakeReport, page: str) -> None:
    link = "../runs/a%20b/card.html"
    assert [a for a in Outline(render_report(make_report(card=link))).named("a") if a.get("href") == link]
    assert "Model card" not in page


def test_every_id_is_there_once_and_every_reference_leads_to_one(page: str) -> None:
    attributes = [attributes for _, attributes in Outline(page).tags]
    ids = Counter(a["id"] for a in attributes if "id" in a)
    assert [name for name, times in ids.items() if times > 1] == []
    anchors = {(a["href"] or "#")[1:] for a in attributes if "href" in a}
    named = {name for a in attributes for name in (a.get("aria-labelledby") or "").split()}
    assert (anchors | named | set(re.findall(r"url\(#([^)]+)\)", page))) <= set(ids)


def test_drawings_have_titles_and_descriptions_and_tables_have_captions(page: str) -> None:
    outline = Outline(page)
    drawings = [a for a in outline.named("svg") if a.get("role") == "img"]
    assert len(drawings) == 8
    assert len([text for tag, text in outline.texts if tag == "desc"]) == len(drawings)
    assert len([text for tag, text in outline.texts if tag == "title"]) == len(drawings) + 1
    assert len([text for tag, text in outline.texts if tag == "caption"]) == len(outline.named("table"))
    assert all(a.get("scope") in ("row", "col") for a in outline.named("th"))


def figures(value: object) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from figures(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from figures(inner)


def test_every_figure_of_the_record_stands_on_the_page(page: str, run_record: RunRecord) -> None:
    held = msgspec.to_builtins(run_record)
    metrics = {name: value for name, value in held["metrics"].items() if name != "with_xx"}
    with_xx = {name: value for name, value in held["metrics"]["with_xx"].items() if name != "reliability"}
    for value in figures([metrics, with_xx, list(held["importance"].values())]):
        assert f"{value:.4f}" in page
    for found in run_record.intervals.values():
        assert f"{found.lower:.4f} to {found.upper:.4f}" in page
    for baseline in held["baselines"].values():
        for value in figures({name: v for name, v in baseline.items() if name not in ("with_xx", "reliability")}):
            assert f"{value:.4f}" in page
    for row in held["metrics"]["with_xx"]["confusion"].values():
        assert all(f">{n}<" in page for n in row.values())


def test_digests_versions_and_windows_stand_on_the_page(page: str, run_record: RunRecord) -> None:
    assert run_record.bundle_digest in page
    assert all(digest in page for digest in run_record.data.sources)
    assert "gold 3, silver 5" in page
    assert "used for figures 3 times" in page
    assert "12,345" in page


@pytest.mark.parametrize(
    ("part", "words"),
    [
        ("lake", "Nothing is known of the lake"),
        ("served", "No prediction was served"),
        ("champion", "No model is in force"),
        ("decision", "is on record"),
    ],
)
def test_what_is_absent_is_said_to_be_absent(make_report: MakeReport, page: str, part: str, words: str) -> None:
    absent = {"champion": None, part: None}
    without = render_report(make_report(**absent))
    Outline(without)
    assert words in without
    assert words not in page


def test_a_run_without_test_window_importances_or_baselines_is_reported_too(
    make_report: MakeReport, run_record: RunRecord
) -> None:
    windows = Windows(Span.of([200649]), Span.of([200650]))
    bare = msgspec.structs.replace(
        run_record, windows=windows, metrics_from="validation", importance={}, baselines={}, intervals={}
    )
    page = render_report(make_report(record=bare))
    Outline(page)
    assert "in the validation weeks 200650 to 200650" in page
    assert "The importance of the features was not measured" in page
    assert "This run has no test window of its own." in page
    assert "not drawn" in page


def test_hostile_words_are_shown_and_never_obeyed(
    make_report: MakeReport, run_record: RunRecord, lake_facts: LakeFacts
) -> None:
    hostile = "<script>alert('1')</script>&\"><svg onload=x>"
    report = dict(lake_facts.ingests[0])
    report["refused"] = [dict.fromkeys(("file", "code", "reason", "mend"), hostile)]
    report["reasons"] = {hostile: 3}
    record = msgspec.structs.replace(
        run_record,
        run_id=hostile,
        data=DataState(4, {hostile: 1}, {hostile: "0"}),
        importance={hostile: 0.5, "$x^2$": 0.4, "a_b $": 0.3},
        baselines={hostile: run_record.baselines["flat"]},
        libraries={hostile: hostile},
        seconds={hostile: 1.0},
    )
    facts = LakeFacts((report,), lake_facts.weeks)
    page = render_report(make_report(record=record, lake=facts))
    outline = Outline(page)
    assert not outline.named("script")
    assert not [a for a in outline.named("svg") if "onload" in a]
    assert page.count("&lt;script&gt;") > 8


def test_equal_data_give_equal_bytes_and_other_data_others(
    make_report: MakeReport, page: str, run_record: RunRecord
) -> None:
    assert render_report(make_report()) == page
    worse = msgspec.structs.replace(run_record, metrics=run_record.baselines["flat"])
    assert render_report(make_report(record=worse)) != page


def test_writing_replaces_the_earlier_report_and_leaves_nothing_beside_it(
    make_report: MakeReport, page: str, tmp_path: Path
) -> None:
    path = tmp_path / "reports" / "report.html"
    path.parent.mkdir()
    path.write_text("earlier")
    write_report(make_report(), path)
    assert path.read_text(encoding="utf-8") == page
    assert list(path.parent.iterdir()) == [path]
