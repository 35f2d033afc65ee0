"""How a run's figures are shown: one document for machines, one table for people."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retail_forecast.registry.record import RunRecord

__all__ = ["HEADLINE", "PRICING", "headline", "run_document", "show_findings", "show_metrics"]

PRICING = ("pricing_error", "pricing_baseline", "pricing_error_reduction")
"""Figures of pricing, which runs of earlier versions do not have."""

HEADLINE = ("accuracy", "macro_f1", "precision", "recall", "f1", "log_loss", "ece")


def headline(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The figures that every verb reports, over LA, MM and UM, and with XX under `with_xx`."""
    chosen: dict[str, Any] = {name: metrics[name] for name in HEADLINE}
    chosen |= {name: metrics[name] for name in PRICING if name in metrics}
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
        "leakage": asdict(record.leakage) if record.leakage else None,
        "behaviour": [asdict(trial) | {"passed": trial.passed} for trial in record.behaviour],
        "curve": [asdict(point) for point in record.curve],
        "lake_state": record.data.number,
        "bundle_digest": record.bundle_digest,
        "parent": record.parent,
        "seconds": record.seconds,
        "cost_usd": record.cost_usd,
        "warnings": list(warnings),
    }


def show_findings(record: "RunRecord") -> None:
    """Print what was found out beside the figures: leaks, behaviour, the weakest slice, the learning curve."""
    import typer

    from retail_forecast.models.slices import weakest

    if record.leakage:
        twin = record.leakage.twin
        typer.echo(f"Leaks: {'; '.join(record.leakage.leaks) or 'none found'}")
        typer.echo(
            f"A row-random twin would pretend macro F1 {twin.row_random:.4f}, held out by baskets {twin.grouped:.4f}: "
            f"gap {twin.gap:.4f}"
        )
    failed = [trial.name for trial in record.behaviour if not trial.passed]
    if record.behaviour:
        typer.echo(f"Behaviour: {len(record.behaviour)} trials, failed: {'; '.join(failed) or 'none'}")
    least = weakest(record.slices)
    if least:
        typer.echo(f"Weakest: {least.by} {least.value}, macro F1 {least.macro_f1:.4f} on {least.n:,} baskets")
    for point in record.curve:
        typer.echo(f"After {point.weeks} weeks: accuracy {point.accuracy:.4f}, macro F1 {point.macro_f1:.4f}")


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
