"""How the runs of all learners are shown: one document for machines, one table for people."""

from typing import TYPE_CHECKING, Any

import typer

from retail_forecast.cli.figures import run_document

if TYPE_CHECKING:
    from retail_forecast.pipeline.train import Compared
    from retail_forecast.registry.record import RunRecord

__all__ = ["compared_document", "show_compared"]


def compared_document(compared: "Compared") -> dict[str, Any]:
    """The runs as `train` tells each, and why a learner is not among them."""
    runs = [run_document(trained.record, trained.warnings) for trained in compared.runs]
    return {"runs": runs, "left_out": dict(compared.left_out)}


def show_compared(compared: "Compared") -> None:
    """Print the runs from the best down, simpler answers below them."""
    from rich.console import Console
    from rich.table import Table

    from retail_forecast.registry.record import SIMPLER

    records = sorted((trained.record for trained in compared.runs), key=lambda record: -record.metrics["macro_f1"])
    first = records[0]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("model", "accuracy", "macro F1", "95 %", "log loss", "ECE", "seconds"):
        table.add_column(name, no_wrap=True)
    for record in records:
        table.add_row(*_cells(record))
    for name in (simpler for simpler in SIMPLER if simpler in first.baselines):
        table.add_row(name, *(f"{first.baselines[name][figure]:.4f}" for figure in ("accuracy", "macro_f1")))
    console = Console()
    window = {"test": "test", "validation": "validation", "parent": "parents' test"}[first.metrics_from]
    counts = f"{first.train_baskets:,} baskets learned, {first.test_baskets:,} of the {window} window measured"
    console.print(f"{first.task}: {counts}", highlight=False)
    console.print(table)
    for name, reason in compared.left_out.items():
        typer.echo(f"Left out: {name}: {reason}", err=True)
    for warning in sorted({warning for trained in compared.runs for warning in trained.warnings}):
        typer.echo(f"Warning: {warning}", err=True)
    typer.echo(f"Next: retail-forecast promote {first.run_id}")


def _cells(record: "RunRecord") -> tuple[str, ...]:
    metrics, interval = record.metrics, record.intervals["macro_f1"]
    figures = (f"{metrics[name]:.4f}" for name in ("accuracy", "macro_f1"))
    bounds = f"{interval.lower:.4f}-{interval.upper:.4f}"
    seconds = sum(record.seconds.get(phase, 0.0) for phase in ("features", "fit"))
    return (
        record.model,
        *figures,
        bounds,
        f"{metrics['log_loss']:.4f}",
        f"{metrics['ece']:.4f}",
        f"{seconds:.1f}",
    )
