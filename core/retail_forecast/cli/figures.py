"""How a run's figures are shown: one document for machines, one table for people."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retail_forecast.registry.record import RunRecord

__all__ = ["HEADLINE", "headline", "run_document", "show_metrics"]

HEADLINE = ("accuracy", "macro_f1", "precision", "recall", "f1", "log_loss", "ece")


def headline(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The figures that every verb reports, over LA, MM and UM, and with XX under `with_xx`."""
    chosen: dict[str, Any] = {name: metrics[name] for name in HEADLINE}
    return chosen | {
        "confusion": metrics["confusion"],
        "with_xx": {name: metrics["with_xx"][name] for name in HEADLINE},
    }


def run_document(record: "RunRecord", warnings: tuple[str, ...] = ()) -> dict[str, Any]:
    """A run for machines."""
    windows = record.windows
    spans = {name: getattr(windows, name) for name in ("train", "validation", "calibration", "test")}
    return {
        "run_id": record.run_id,
        "model": record.model,
        "task": str(record.task),
        "metrics": headline(record.metrics),
        "metrics_from": record.metrics_from,
        "intervals": {name: [interval.lower, interval.upper] for name, interval in record.intervals.items()},
        "baselines": {
            name: {"accuracy": m["accuracy"], "macro_f1": m["macro_f1"]} for name, m in record.baselines.items()
        },
        "train_baskets": record.train_baskets,
        "test_baskets": record.test_baskets,
        "windows": {name: [span.first, span.last] if span else None for name, span in spans.items()},
        "settings": record.settings,
        "label_source": str(record.label_source),
        "agreement": record.agreement,
        "lake_state": record.data.number,
        "bundle_digest": record.bundle_digest,
        "parent": record.parent,
        "seconds": record.seconds,
        "warnings": list(warnings),
    }


def show_metrics(
    title: str, metrics: Mapping[str, Any], baselines: Mapping[str, Mapping[str, Any]] | None = None
) -> None:
    """Print the figures per class, then the whole beside simpler answers."""
    from rich.console import Console
    from rich.table import Table

    table = Table("class", "precision", "recall", "F1", box=None, pad_edge=False, header_style="bold")
    for tier in metrics["precision"]:
        table.add_row(tier, *(f"{metrics[name][tier]:.4f}" for name in ("precision", "recall", "f1")))
    console = Console()
    console.print(title, highlight=False)
    console.print(table)
    whole = {"this model": metrics, "with XX": metrics["with_xx"], **(baselines or {})}
    for name, figures in whole.items():
        console.print(
            f"{name:<11} accuracy {figures['accuracy']:.4f}  macro F1 {figures['macro_f1']:.4f}", highlight=False
        )
