"""Drawings: titled, told in words, in the page's colours and font, equal when drawn again."""

import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING

import pytest

from retail_forecast.report.canvas import INK, SERIES, draw
from retail_forecast.report.data import LakeFacts
from retail_forecast.report.plots import confusion_plot, importance_plot
from retail_forecast.report.timelines import labels_plot, lines_plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def paint(axes: "Axes") -> None:
    axes.plot([0, 1], [0, 1], color=SERIES[0])
    axes.text(0.5, 0.5, "a < b & c", color=INK)


def test_a_drawing_is_one_element_that_parses_with_title_and_description() -> None:
    svg = ET.fromstring(draw("name", "Title & more", "What <it> shows", paint))  # noqa: S314 - our own drawing
    assert svg.attrib["role"] == "img"
    assert svg.attrib["viewBox"]
    assert [child.text for child in list(svg)[:2]] == ["Title & more", "What <it> shows"]
    assert svg.attrib["aria-labelledby"].split() == [child.attrib["id"] for child in list(svg)[:2]]


def test_colours_and_font_are_the_pages_and_nothing_tells_the_time() -> None:
    drawing = draw("name", "t", "d", paint)
    assert "var(--series-1)" in drawing
    assert "var(--font)" in drawing
    assert "#0100" not in drawing
    assert "DejaVu" not in drawing
    assert "<metadata>" not in drawing
    assert "a &lt; b &amp; c" in drawing


def test_a_drawing_drawn_again_is_the_same_and_another_name_gives_other_ids() -> None:
    assert draw("name", "t", "d", paint) == draw("name", "t", "d", paint)
    assert 'id="other-' in draw("other", "t", "d", paint)
    assert 'id="name-' not in draw("other", "t", "d", paint)


def test_the_users_own_style_of_plots_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import matplotlib as mpl

    before = draw("name", "t", "d", paint)
    monkeypatch.setitem(mpl.rcParams, "axes.facecolor", "red")
    monkeypatch.setitem(mpl.rcParams, "lines.linewidth", 9.0)
    assert draw("name", "t", "d", paint) == before
    assert mpl.rcParams["lines.linewidth"] == 9.0


def test_what_a_drawing_shows_is_told_in_words(lake_facts: LakeFacts) -> None:
    lines = lines_plot(lake_facts.weeks)
    assert "no file for week 200651" in lines
    assert "15 lines in quarantine" in lines
    assert "LA (High) 20.0 %, MM (Medium) 50.0 %" in labels_plot(lake_facts.weeks)


def test_a_class_without_baskets_is_drawn_as_such() -> None:
    empty, full = dict.fromkeys(("LA", "MM", "UM", "XX"), 0), {"LA": 1, "MM": 3, "UM": 0, "XX": 0}
    drawing = confusion_plot({"LA": empty, "MM": full})
    assert "LA –, MM 75.0 %" in drawing


def test_names_of_features_are_never_read_as_formulas() -> None:
    assert ">$x^2$</text>" in importance_plot({"$x^2$": 0.5, "a$b": 0.25})
