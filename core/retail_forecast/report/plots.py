"""Plots of the model's figures."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from retail_forecast.domain.labels import LABELS, TIERS
from retail_forecast.models.bootstrap import Interval
from retail_forecast.report.canvas import GRID, INK, MUTED, SERIES, draw
from retail_forecast.report.wording import count, figure, label_name, share

__all__ = ["confusion_plot", "importance_plot", "rates_plot", "reliability_plot"]

_RATES = (("precision", "Precision"), ("recall", "Recall"), ("f1", "F1"))
_SHADES = (1.0, 0.65, 0.35)
_MOST_FEATURES = 12
_DARKEST = 0.6  # of a cell, so that the text on it stays readable in light and dark


def confusion_plot(counts: Mapping[str, Mapping[str, int]]) -> Markup:
    """Baskets by label and answer: counts, and their share of the label's baskets as text and shade."""
    labels = list(counts)

    def paint(axes: Axes) -> None:
        for row, label in enumerate(labels):
            whole = sum(counts[label].values())
            for column, answer in enumerate(LABELS):
                n = counts[label][answer]
                alpha = _DARKEST * n / whole if whole else 0.0
                corner = (column - 0.5, row - 0.5)
                axes.add_patch(Rectangle(corner, 1, 1, facecolor=SERIES[1], alpha=alpha, linewidth=0))
                axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=GRID, linewidth=0.8))
                axes.text(column, row - 0.12, count(n), ha="center", va="center", weight="bold")
                axes.text(column, row + 0.22, share(n, whole), ha="center", va="center", fontsize=9)
        axes.set_xlim(-0.5, len(LABELS) - 0.5)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.set_xticks(range(len(LABELS)), list(LABELS))
        axes.set_yticks(range(len(labels)), [label_name(label).replace(" ", "\n") for label in labels])
        axes.set_xlabel("answered")
        axes.set_ylabel("label")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)

    right = ", ".join(f"{label} {share(row[label], sum(row.values()))}" for label, row in counts.items())
    text = f"Baskets of each label answered rightly: {right}."
    return draw("confusion", "Confusion matrix", text, paint, size=(5.6, 3.9))


def reliability_plot(bins: list[dict[str, Any]], ece: float) -> Markup:
    """Share of right answers against the confidence in them."""
    confidence, accuracy = ([float(b[name]) for b in bins] for name in ("confidence", "accuracy"))
    low = max(0.0, min(*confidence, *accuracy) - 0.03)

    def paint(axes: Axes) -> None:
        axes.plot([low, 1], [low, 1], color=MUTED, linestyle=(0, (4, 3)), linewidth=1, label="as it should be")
        axes.plot(confidence, accuracy, color=SERIES[1], marker="o", markersize=5, linewidth=1.5, label="this model")
        axes.set_xlim(low, 1.005)
        axes.set_ylim(low, 1.005)
        axes.set_xlabel("mean confidence of the answers in a bin")
        axes.set_ylabel("share of them that is right")
        axes.grid(visible=True)
        axes.legend(loc="upper left", title=f"expected calibration error {figure(ece)}", alignment="left")

    text = f"{len(bins)} bins of answers; expected calibration error {figure(ece)}."
    return draw("reliability", "Reliability curve", text, paint, size=(5.6, 3.9))


def rates_plot(metrics: Mapping[str, Any], intervals: Mapping[str, Interval]) -> Markup:
    """Precision, recall and F1 of each tier as bars, with their intervals."""

    def paint(axes: Axes) -> None:
        for i, (rate, name) in enumerate(_RATES):
            places = [tier + (i - 1) * 0.28 for tier in range(len(TIERS))]
            values = [float(metrics[rate][tier]) for tier in TIERS]
            axes.bar(places, values, width=0.26, color=SERIES[1], alpha=_SHADES[i], label=name)
            for place, value, tier in zip(places, values, TIERS, strict=True):
                found = intervals.get(f"{rate}.{tier}")
                if found is not None:
                    axes.plot([place, place], [found.lower, found.upper], color=INK, linewidth=1.6)
                top = max(value, found.upper if found else 0)
                axes.text(place, top + 0.015, f"{value:.3f}", ha="center", fontsize=8.5)
        axes.set_xticks(range(len(TIERS)), [label_name(tier) for tier in TIERS])
        axes.tick_params(axis="x", length=0)
        axes.set_ylim(0, 1.08)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1])
        axes.grid(visible=True, axis="y")
        axes.figure.legend(loc="outside upper left", ncols=3)

    values = "; ".join(
        f"{label_name(tier)}: " + ", ".join(f"{name} {figure(metrics[rate][tier])}" for rate, name in _RATES)
        for tier in TIERS
    )
    return draw("rates", "Precision, recall and F1 of each class", values + ".", paint)


def importance_plot(drops: Mapping[str, float]) -> Markup:
    """The features whose shuffling costs most macro F1."""
    ranked = sorted(drops.items(), key=lambda item: (-item[1], item[0]))[:_MOST_FEATURES]

    def paint(axes: Axes) -> None:
        places = range(len(ranked))
        axes.barh(places, [drop for _, drop in ranked], height=0.7, color=SERIES[1])
        axes.set_yticks(places, [name for name, _ in ranked])
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("loss of macro F1 when the feature is shuffled")
        axes.axvline(0, color=MUTED, linewidth=0.8)
        axes.grid(visible=True, axis="x")

    first = ", ".join(f"{name} {drop:+.4f}" for name, drop in ranked[:3])
    text = f"The {len(ranked)} most important of {len(drops)} features; first {first}."
    return draw("importance", "Importance of features by permutation", text, paint, size=(5.6, 3.9))
