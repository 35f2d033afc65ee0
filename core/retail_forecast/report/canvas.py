"""Drawing: matplotlib figures as SVG elements that stand in an HTML page.

Equal drawings give equal bytes. Text stays text, in the page's font; colours are the page's own variables, so that a
drawing follows light, dark and print; each element has a title and a description for those who cannot see it.
"""

import re
from collections.abc import Callable
from io import StringIO
from typing import Any

from markupsafe import Markup, escape
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

__all__ = ["GRID", "INK", "LABEL_COLOURS", "MUTED", "PAPER", "SERIES", "draw"]

INK, MUTED, GRID, PAPER = "#010001", "#010002", "#010003", "#010004"
"""Colours that the page decides: of text, of lesser text, of grid lines, of the ground."""

SERIES = ("#010005", "#010006", "#010007", "#010008")
"""Colours of series, distinct for all kinds of colour vision (Okabe and Ito, 2008, "Color Universal Design")."""

LABEL_COLOURS = dict(zip(("LA", "MM", "UM", "XX"), SERIES, strict=True))

_VARIABLES = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    PAPER: "var(--paper)",
    **{colour: f"var(--series-{i})" for i, colour in enumerate(SERIES, start=1)},
}

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "font.family": ["DejaVu Sans"],
    "font.size": 10,
    "text.parse_math": False,  # names of features are names, dollars and all
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "hatch.linewidth": 0.6,
}

_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def draw(
    name: str, title: str, description: str, paint: Callable[[Axes], None], *, size: tuple[float, float] = (5.6, 3.5)
) -> Markup:
    """One drawing.

    Parameters
    ----------
    name : of the drawing, unique within the page: its elements' ids begin with it
    title, description : what it is, and what it shows, in words
    paint : puts the content on the axes
    size : width and height [inch]
    """
    with style.context(["default", {**_STYLE, "svg.hashsalt": name}]):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        paint(figure.subplots())
        sink = StringIO()
        figure.savefig(sink, format="svg", transparent=True, metadata=_NO_METADATA)
    return Markup(_inline(sink.getvalue(), name, title, description))  # noqa: S704 - titles are escaped, texts by matplotlib


def _inline(document: str, name: str, title: str, description: str) -> str:
    """The `svg` element of a document, ready to stand among others in one page."""
    body = document[document.index("<svg") :].split(">", 1)
    box = re.search(r'viewBox="[^"]+"', body[0])
    inner = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", body[1], flags=re.DOTALL)
    inner = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", inner.replace("xlink:href", "href"))
    inner = re.sub(r'font-family: [^;"]+', "font-family: var(--font)", inner)
    for placeholder, variable in _VARIABLES.items():
        inner = inner.replace(placeholder, variable)
    head = f'<svg class="drawing" {box[0] if box else ""} role="img" aria-labelledby="{name}-title {name}-description">'
    heading = f'<title id="{name}-title">{escape(title)}</title>'
    words = f'<desc id="{name}-description">{escape(description)}</desc>'
    return f"{head}{heading}{words}{inner.strip()}"
