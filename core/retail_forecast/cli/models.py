"""`retail-forecast models`: runs, champions and how they came about."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retail_forecast.cli.console import emit
from retail_forecast.cli.figures import run_document
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace
from retail_forecast.domain.tasks import Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from retail_forecast.registry.champion import Champion
    from retail_forecast.registry.record import RunRecord
    from retail_forecast.registry.refusals import Refusal

__all__ = ["models"]


def models(
    *,
    task: Annotated[Task | None, typer.Option(help="Only this task.")] = None,
    rollback: Annotated[
        Task | None, typer.Option(metavar="TASK", help="Put the champion before the present one back in force.")
    ] = None,
    why: Annotated[str, typer.Option(help="Reason of the rollback, for the history.")] = "rolled back by hand",
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """List the runs with their figures, the champions and their history, and what the gate refused; with --rollback, go
    back to the champion before."""
    from retail_forecast.pipeline.registry import registry_store
    from retail_forecast.registry.champion import history
    from retail_forecast.registry.refusals import refusals
    from retail_forecast.registry.runs import list_runs

    if rollback is not None:
        _roll_back(workspace, rollback, why)
    store = registry_store(workspace)
    runs = list_runs(store, task)
    entries = {str(t): history(store, t) for t in Task if task in (None, t)}
    champions = {name: found[-1].run_id for name, found in entries.items() if found}
    refused = {str(t): found for t in Task if task in (None, t) and (found := refusals(store, t))}
    document = {
        "champions": champions,
        "history": {name: [_entry(e) for e in found] for name, found in entries.items() if found},
        "refused": {name: [_entry(e) for e in found] for name, found in refused.items()},
        "runs": [run_document(run) for run in runs],
    }

    emit(document, json_output, lambda: _show(runs, champions, [e for found in refused.values() for e in found]))


def _roll_back(workspace: Path, task: Task, why: str) -> None:
    from getpass import getuser

    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.promote import roll_back

    for warning in roll_back(workspace, task, who=getuser(), why=why, clock=utc_now)[1]:
        typer.echo(f"Warning: {warning}", err=True)


def _entry(entry: "Champion | Refusal") -> dict[str, Any]:
    import msgspec

    return {k: v for k, v in msgspec.to_builtins(entry).items() if k != "decision"}


def _show(runs: "Sequence[RunRecord]", champions: "Mapping[str, str]", refused: "Sequence[Refusal]") -> None:
    from rich.console import Console
    from rich.table import Table

    titles = ("run", "task", "accuracy", "macro F1", "figures of", "learned to")
    table = Table(*titles, box=None, pad_edge=False, header_style="bold")
    for run in runs:
        mark = "* " if champions.get(str(run.task)) == run.run_id else "  "
        figures = (f"{run.metrics['accuracy']:.4f}", f"{run.metrics['macro_f1']:.4f}")
        table.add_row(mark + run.run_id, str(run.task), *figures, run.metrics_from, str(run.windows.last_learned_week))
    Console().print(table if runs else "no runs yet: `retail-forecast train`")
    for entry in refused:
        typer.echo(f"refused {entry.when:%Y-%m-%d %H:%M} to {entry.who}: {entry.run_id}: {'; '.join(entry.reasons)}")
