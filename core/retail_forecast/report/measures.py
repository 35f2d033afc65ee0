"""The model's figures as tables: everything that its record holds, none of it rounded before it is written."""

from collections.abc import Mapping
from typing import Any

from retail_forecast.domain.labels import LABELS, TIERS
from retail_forecast.registry.record import RunRecord
from retail_forecast.report.wording import (
    METRICS,
    Kind,
    Table,
    baseline_name,
    count,
    figure,
    interval,
    label_name,
    metric_name,
    numbers,
    share,
)

__all__ = ["class_table", "confusion_table", "figure_table", "importance_table", "reliability_table"]

_RATES = ("precision", "recall", "f1")

_MEANINGS = {
    "lean_la": "leaning of the products towards LA, against MM",
    "lean_um": "leaning of the products towards UM, against MM",
    "squash_la": "leaning towards LA, bounded, so that no single product rules",
    "squash_um": "leaning towards UM, bounded, so that no single product rules",
    "square_la": "strength of the leaning towards or away from LA",
    "square_um": "strength of the leaning towards or away from UM",
    "share_la": "chance of LA for a basket of the product alone",
    "share_mm": "chance of MM for a basket of the product alone",
    "share_um": "chance of UM for a basket of the product alone",
    "is_la": "products whose likeliest class is LA",
    "is_mm": "products whose likeliest class is MM",
    "is_um": "products whose likeliest class is UM",
    "is_xx": "unclassified products",
    "balance": "share of UM products minus share of LA products",
    "lines": "lines in the basket",
    "unknown_share": "share of lines with a product never seen in training",
    "quantity": "items in the basket",
    "spend_gbp": "money spent [GBP]",
    "basket_size": "size of the basket: S, M or L",
    "type": "kind of shopping trip",
    "mission": "main purpose of the trip",
    "store_region": "region of the store",
    "store_format": "format of the store",
    "prod_code_20": "product group (level 2) of the dearest line",
    "prod_code_30": "product group (level 3) of the dearest line",
}

_OVER = {"mean": "mean over the lines", "max": "largest over the lines", "min": "smallest over the lines"}


def figure_table(record: RunRecord) -> Table:
    """All figures that are one number, over LA, MM and UM and again with XX, beside those of simpler answers."""
    with_xx = record.metrics["with_xx"]
    rows = [
        (
            metric_name(name),
            figure(value),
            interval(record.intervals.get(name)),
            *(_known(metrics, name) for metrics in record.baselines.values()),
            _known(with_xx, name),
        )
        for name, value in _in_order(record.metrics).items()
    ]
    rows.append(
        (
            "Baskets",
            count(record.metrics["n"]),
            "",
            *(count(m["n"]) for m in record.baselines.values()),
            count(with_xx["n"]),
        )
    )
    others = tuple(baseline_name(name) for name in record.baselines)
    return Table(
        "Figures over baskets labelled LA, MM or UM, and again with XX as a fourth class",
        ("figure", "this model", "interval", *others, "this model, with XX"),
        tuple(rows),
        numbers(3 + len(others)),
    )


def class_table(record: RunRecord) -> Table:
    """Precision, recall and F1 of each class, with their intervals, and again with XX."""
    with_xx = record.metrics["with_xx"]
    rows = [
        (
            f"{metric_name(rate)}, {label_name(label)}",
            _known(record.metrics[rate], label),
            interval(record.intervals.get(f"{rate}.{label}")) if label in TIERS else "",
            *(_known(metrics[rate], label) for metrics in record.baselines.values()),
            _known(with_xx[rate], label),
        )
        for rate in _RATES
        for label in LABELS
        if label in with_xx[rate]
    ]
    others = tuple(baseline_name(name) for name in record.baselines)
    return Table(
        "Figures of each class",
        ("figure", "this model", "interval", *others, "this model, with XX"),
        tuple(rows),
        numbers(3 + len(others)),
    )


def confusion_table(counts: Mapping[str, Mapping[str, int]]) -> Table:
    """Baskets by label and answer, with the shares of each row."""
    rows = tuple(
        (label_name(label), *(f"{count(row[a])} ({share(row[a], sum(row.values()))})" for a in LABELS))
        for label, row in counts.items()
    )
    header = ("label", *(f"answered {label}" for label in LABELS))
    return Table("Baskets by their label (rows) and the model's answer (columns)", header, rows, numbers(4))


def reliability_table(bins: list[dict[str, Any]]) -> Table:
    """The bins of the reliability curve."""
    rows = tuple(
        (str(i), figure(b["confidence"]), figure(b["accuracy"]), count(b["count"])) for i, b in enumerate(bins, start=1)
    )
    header = ("bin", "mean confidence", "share right", "baskets")
    return Table("Answers in bins of rising confidence", header, rows, numbers(3))


def importance_table(drops: Mapping[str, float], attributions: Mapping[str, float]) -> Table:
    """Features by the loss of macro F1, with what each means and, where there are any, their mean absolute SHAP values
    among training baskets."""
    ranked = sorted(drops.items(), key=lambda item: (-item[1], item[0]))
    header = ("feature", "what it is", "loss of macro F1", "mean |SHAP| [log-odds]")
    kinds: tuple[Kind, ...] = ("code", "word", "number", "number")
    width = len(header) if attributions else len(header) - 1
    rows = tuple((name, _meaning(name), f"{drop:+.4f}", _known(attributions, name))[:width] for name, drop in ranked)
    return Table("Features, the most important first", header[:width], rows, kinds[:width])


def _in_order(metrics: Mapping[str, Any]) -> dict[str, float]:
    """Figures that are one number: those with a name of their own first, in the order of their weight."""
    singles = {name: value for name, value in metrics.items() if isinstance(value, float)}
    return {name: singles[name] for name in METRICS if name in singles} | singles


def _meaning(feature: str) -> str:
    """What a feature is, in words; empty for one that the kernel has learned since."""
    over, _, name = feature.partition("_")
    if name.startswith("kind_"):
        return "share of the lines' products in a kind that the network has learned"
    if over in _OVER and name in _MEANINGS:
        return f"{_MEANINGS[name]}, {_OVER[over]}"
    return _MEANINGS.get(feature, "")


def _known(metrics: Mapping[str, Any], name: str) -> str:
    return figure(metrics[name]) if name in metrics else ""
