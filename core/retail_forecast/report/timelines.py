"""Plots over the weeks of the fiscal calendar: what came in, its labels, and the windows of the run."""

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import StrMethodFormatter

from retail_forecast.domain.calendar import add_weeks, missing_weeks, week_ordinal
from retail_forecast.domain.labels import LABELS
from retail_forecast.monitoring.weeks import Shift
from retail_forecast.registry.record import Windows
from retail_forecast.report.canvas import GRID, LABEL_COLOURS, MUTED, PAPER, SERIES, draw
from retail_forecast.report.data import WeekFacts
from retail_forecast.report.quality import week_ranges
from retail_forecast.report.wording import count, label_name, share

__all__ = ["labels_plot", "lines_plot", "quarantine_plot", "shift_plot", "windows_plot"]

_MOST_TICKS = 6
_WINDOWS = ("train", "validation", "calibration", "test")


def lines_plot(weeks: Mapping[int, WeekFacts]) -> Markup:
    """Lines per week, accepted and in quarantine; weeks without a file are shaded."""
    present = sorted(weeks)
    absent = missing_weeks(present)
    places = [week_ordinal(week) for week in present]
    lines = [weeks[week].lines for week in present]
    aside = [weeks[week].quarantined for week in present]

    def paint(axes: Axes) -> None:
        _columns(axes, places, [0] * len(places), lines, SERIES[1], "accepted")
        if any(aside):
            tops = [sound + bad for sound, bad in zip(lines, aside, strict=True)]
            _columns(axes, places, lines, tops, SERIES[0], "in quarantine")
        axes.set_ylim(bottom=0)
        for i, week in enumerate(absent):
            middle = week_ordinal(week)
            axes.axvspan(
                middle - 0.5, middle + 0.5, color=GRID, linewidth=0, zorder=0, label="no file" if i == 0 else None
            )
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axes.set_ylabel("till lines a week")
        axes.grid(visible=True, axis="y")
        _week_axis(axes, present)
        axes.figure.legend(loc="outside upper left", ncols=3)

    least, most = (count(choose(lines)) for choose in (min, max))
    gaps = f"no file for week {week_ranges(absent)}" if absent else "no week missing"
    held = f"{count(len(present))} weeks with {least} to {most} accepted lines"
    text = f"{held}; {gaps}; {count(sum(aside))} lines in quarantine."
    return draw("lines", "Till lines in each week", text, paint)


def quarantine_plot(weeks: Mapping[int, WeekFacts]) -> Markup:
    """Share of each week's lines that lies in quarantine."""
    present = sorted(weeks)
    aside = [weeks[week].quarantined for week in present]
    shares = [100 * bad / max(1, bad + weeks[week].lines) for week, bad in zip(present, aside, strict=True)]

    def paint(axes: Axes) -> None:
        _columns(axes, [week_ordinal(week) for week in present], [0] * len(present), shares, SERIES[0], "")
        axes.set_ylim(bottom=0)
        axes.set_ylabel("lines in quarantine [%]")
        axes.grid(visible=True, axis="y")
        _week_axis(axes, present)

    worst = max(zip(shares, present, strict=True))
    text = f"{count(sum(aside))} lines in all; the largest share is {worst[0]:.2f} % in week {worst[1]}."
    return draw("quarantine", "Share of lines in quarantine in each week", text, paint)


def labels_plot(weeks: Mapping[int, WeekFacts]) -> Markup:
    """Shares of the labels among the baskets of each week."""
    present = [week for week in sorted(weeks) if sum(weeks[week].labels.values())]
    places = [week_ordinal(week) for week in present]
    shares = {
        label: [100 * weeks[week].labels.get(label, 0) / sum(weeks[week].labels.values()) for week in present]
        for label in LABELS
    }

    def paint(axes: Axes) -> None:
        base = [0.0] * len(present)
        for label in LABELS:
            tops = [low + part for low, part in zip(base, shares[label], strict=True)]
            _columns(axes, places, base, tops, LABEL_COLOURS[label], label_name(label))
            base = tops
        axes.set_ylim(0, 100)
        axes.set_ylabel("baskets [%]")
        _week_axis(axes, present)
        axes.figure.legend(loc="outside upper left", ncols=4, columnspacing=1.0, handlelength=1.2)

    whole = sum(sum(week.labels.values()) for week in weeks.values())
    mix = ", ".join(f"{label_name(x)} {share(sum(w.labels.get(x, 0) for w in weeks.values()), whole)}" for x in LABELS)
    return draw("labels", "Labels of the baskets over the weeks", f"Over all weeks: {mix}.", paint)


def shift_plot(shifted: Mapping[int, Mapping[str, Shift]], limit: float) -> Markup:
    """The column of each week that has shifted most, against the index from which on it is told."""
    most = {week: max(columns.items(), key=lambda item: item[1].index) for week, columns in sorted(shifted.items())}
    weeks = list(most)

    def paint(axes: Axes) -> None:
        places = [week_ordinal(week) for week in weeks]
        axes.plot(places, [most[week][1].index for week in weeks], color=SERIES[1], linewidth=1.4, marker=".")
        axes.axhline(limit, color=MUTED, linewidth=1, linestyle="--", label="told from here on")
        axes.set_ylim(bottom=0)
        axes.set_ylabel("population stability index")
        axes.grid(visible=True, axis="y")
        _week_axis(axes, weeks)
        axes.figure.legend(loc="outside upper left")

    week, (name, shift) = max(most.items(), key=lambda item: item[1][1].index)
    text = f"The farthest shift is that of {name} in week {week}, {shift.index:.3f}; told from {limit:g} on."
    return draw("shift", "The column of each week that has shifted most", text, paint)


def windows_plot(windows: Windows) -> Markup:
    """The windows as a strip in time order; a week that is not there is a gap."""
    spans = [(name, getattr(windows, name)) for name in _WINDOWS if getattr(windows, name) is not None]
    present = sorted({week for _, span in spans for week in span.weeks})

    def paint(axes: Axes) -> None:
        for colour, name in zip(_strip_colours(), _WINDOWS, strict=True):
            span = getattr(windows, name)
            if span is not None:
                places = [week_ordinal(week) for week in span.weeks]
                axes.bar(places, [1] * len(places), width=0.9, color=colour, label=f"{name} ({len(places)})")
        axes.set_ylim(0, 1)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        _week_axis(axes, present)
        axes.figure.legend(loc="outside upper left", ncols=4, columnspacing=1.2, handlelength=1.2)

    text = "; ".join(f"{name} {len(span.weeks)} weeks from {span.first} to {span.last}" for name, span in spans)
    return draw("windows", "Windows of weeks in time order", text + ".", paint, size=(6.4, 1.5))


def _strip_colours() -> tuple[str, ...]:
    """Colours of train, validation, calibration and test: neighbours differ most."""
    return SERIES[1], SERIES[0], SERIES[3], SERIES[2]


def _columns(
    axes: Axes, places: Sequence[int], bottoms: Sequence[float], tops: Sequence[float], colour: str, name: str
) -> None:
    """A column a week from `bottoms` to `tops`, as one shape: hundreds of bars would take seconds to draw."""
    first, last = min(places), max(places)
    low, high = (np.full(last - first + 1, np.nan) for _ in range(2))
    low[np.array(places) - first], high[np.array(places) - first] = bottoms, tops
    edges = np.arange(first, last + 2) - 0.5
    axes.stairs(high, edges, baseline=low, fill=True, facecolor=colour, edgecolor=PAPER, linewidth=0.2, label=name)


def _week_axis(axes: Axes, present: Sequence[int]) -> None:
    """Ticks at a few weeks, spelled YYYYWW."""
    first, last = week_ordinal(present[0]), week_ordinal(present[-1])
    step = max(1, -(-(last - first + 1) // _MOST_TICKS))
    weeks = [add_weeks(present[0], ahead) for ahead in range(0, last - first + 1, step)]
    axes.set_xticks([week_ordinal(week) for week in weeks], [str(week) for week in weeks])
    axes.set_xlim(first - 0.7, last + 0.7)
    axes.set_xlabel("fiscal week")
