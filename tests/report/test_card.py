"""The card as a page: it says what the Markdown says, stands alone, and obeys no words."""

import re
from collections.abc import Mapping

import msgspec
import pytest

from retail_forecast.registry.card import card_sections, render_card
from retail_forecast.registry.record import RunRecord
from retail_forecast.report.card import CARD, card_files, render_card_page

HOSTILE = "<script>alert(1)</script> <svg onload=x> [a](javascript:x) ![b](https://example.org/c.png) &lt;"


@pytest.fixture(scope="module")
def sections(run_record: RunRecord) -> Mapping[str, str]:
    return card_sections(run_record, 3)


@pytest.fixture(scope="module")
def page(sections: Mapping[str, str], run_record: RunRecord) -> str:
    return render_card_page(run_record.run_id, sections)


def _body(page: str) -> str:
    return page[page.index("<main>") : page.index("</main>")]


def _words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", text).replace("&quot;", '"').replace("&gt;", ">").split())


def test_both_forms_say_the_same_figures_in_the_same_order(page: str, sections: Mapping[str, str]) -> None:
    figures = re.compile(r"\d[\d.,:]*")
    for number, text in enumerate(sections.values(), 1):
        part = page[page.index(f'<section id="part-{number}"') :]
        inner = _words(part[part.index("</h2>") : part.index("</section>")])
        assert figures.findall(inner) == figures.findall(re.sub(r"\|(?: --- \|)+", "", text))


def test_every_word_of_the_markdown_stands_on_the_page(page: str, run_record: RunRecord) -> None:
    told = set(_words(_body(page)).split())
    plain = re.sub(r"[|`#]|---|(?m:^- )", " ", render_card(run_record, 3))
    assert {word for word in plain.split() if word != run_record.run_id} <= told


def test_sections_are_headed_and_reached(page: str, sections: Mapping[str, str]) -> None:
    assert re.findall(r'<h2 id="part-\d+-title">([^<]+)</h2>', page) == list(sections)
    assert re.findall(r'<a href="#(part-\d+)">', page) == [f"part-{n}" for n in range(1, len(sections) + 1)]


def test_numbers_are_aligned_and_words_are_not(page: str) -> None:
    assert '<td class="number">0.' in page
    assert '<th class="word" scope="row">accuracy</th>' in page
    assert '<th class="number" scope="col">this model</th>' in page
    assert page.count("<table>") == page.count('<div class="scroll"') == page.count("</table>\n</div>") > 4


def test_the_page_loads_nothing_and_runs_nothing(page: str) -> None:
    assert page.count("http") == page.count("http-equiv")
    assert not re.search(r"<script|<link|<img|<iframe|@import|url\(|\son\w+=|src=", page)
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page


def test_hostile_words_are_shown_and_never_obeyed(run_record: RunRecord) -> None:
    hostile = msgspec.structs.replace(
        run_record, run_id=HOSTILE, model=HOSTILE, parent=None, libraries={HOSTILE: HOSTILE}, seconds={HOSTILE: 1.0}
    )
    body = render_card_page(HOSTILE, card_sections(hostile, 1) | {HOSTILE: HOSTILE})
    assert not re.search(r"<script|<svg|<img|<a href=\"(?!#part-)", body)
    assert body.count("&lt;script&gt;") > 5
    assert "[a](javascript:x)" in body
    assert "&amp;lt;" in body


def test_equal_records_give_equal_cards_and_others_others(run_record: RunRecord) -> None:
    files = card_files(run_record, 3)
    assert set(files) == {"card.md", CARD}
    assert card_files(run_record, 3) == files
    worse = card_files(msgspec.structs.replace(run_record, metrics=run_record.baselines["flat"]), 3)
    assert all(worse[name] != files[name] for name in files)
