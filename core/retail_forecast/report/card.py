"""The model card as a page that stands alone: the sections of `registry.card`, of which it changes no word.

Like the report it loads nothing and runs no script. Of Markdown it takes lists, tables and code; HTML, links and
images in a card are shown as the text that they are.
"""

import re
from collections.abc import Mapping, Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from retail_forecast.registry.card import card_sections, render_card
from retail_forecast.registry.record import RunRecord
from retail_forecast.report.rendering import render

__all__ = ["CARD", "card_files", "render_card_page"]

CARD = "card.html"

_TEMPLATE = "card.html.j2"
_FOREIGN = ("html_block", "html_inline", "link", "image", "autolink", "reference", "entity")
_NUMBER = re.compile(r"(?:none|-?[\d,.]+%?)?(?: to -?[\d.]+ \(\d+%\))?")


def card_files(record: RunRecord, window_uses: int | None) -> dict[str, bytes]:
    """The card of a run in both its forms, by file name; parameters as in `card_sections`."""
    page = render_card_page(record.run_id, card_sections(record, window_uses))
    return {"card.md": render_card(record, window_uses).encode(), CARD: page.encode()}


def render_card_page(name: str, sections: Mapping[str, str]) -> str:
    """The card as an HTML document.

    Parameters
    ----------
    name : of the run
    sections : Markdown by title, in order, as `card_sections` gives it
    """
    parts = [(f"part-{number}", title, _part(title, text)) for number, (title, text) in enumerate(sections.items(), 1)]
    return render(_TEMPLATE, name=name, sections=parts)


def _part(title: str, text: str) -> Markup:
    """One section as HTML; what is not Markdown's own comes out escaped."""
    reader = MarkdownIt("commonmark").enable("table").disable(list(_FOREIGN), ignoreInvalid=True)
    tokens = reader.parse(text)
    for table in _tables(tokens):
        _align(table)
    page = reader.renderer.render(tokens, reader.options, {})
    region = f'<div class="scroll" role="region" aria-label="{Markup.escape(title)}" tabindex="0">\n<table>'
    return Markup(page.replace("<table>", region).replace("</table>", "</table>\n</div>"))  # noqa: S704 - the reader has escaped it


def _tables(tokens: Sequence[Token]) -> list[Sequence[Token]]:
    """The tokens of each table."""
    begins = [place for place, token in enumerate(tokens) if token.type == "table_open"]
    ends = [place for place, token in enumerate(tokens) if token.type == "table_close"]
    return [tokens[begin:end] for begin, end in zip(begins, ends, strict=True)]


def _align(table: Sequence[Token]) -> None:
    """Right-align the columns that hold nothing but numbers, and say of what each heading is one."""
    rows: list[list[Sequence[Token]]] = []
    for place, token in enumerate(table):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append(table[place : place + 3])
    columns = list(zip(*rows, strict=True))
    for column in columns:
        kind = "number" if all(_NUMBER.fullmatch(words.content) for _, words, _ in column[1:]) else "word"
        for begin, _, end in column:
            begin.attrSet("class", kind)
            if begin.type == "th_open" or column is columns[0]:
                begin.tag = end.tag = "th"
                begin.attrSet("scope", "col" if begin.type == "th_open" else "row")
