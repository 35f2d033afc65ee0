"""`retail-forecast promote`: put a run before the gate."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from retail_forecast.cli.console import emit
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace
from retail_forecast.domain.errors import GateRefused

if TYPE_CHECKING:
    from retail_forecast.pipeline.promote import Promotion

__all__ = ["promote"]


def promote(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="Run to promote; `models` lists them.")],
    *,
    why: Annotated[str, typer.Option(help="Reason, for the history.")] = "asked for by hand",
    override_by: Annotated[
        str | None, typer.Option(metavar="NAME", help="Promote whatever the gate finds; needs --override-reason.")
    ] = None,
    override_reason: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Why the gate is overridden; recorded.")
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Make a run's model the champion of its task, when the gate agrees.

    The gate asks for the quality floors and, beside a champion, that the lower bound of the difference in macro F1 is
    not below the margin, on weeks that neither model learned from. Exit code 4 when it refuses.
    """
    from getpass import getuser

    from retail_forecast.domain.settings import load_settings
    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.promote import promote as carry_out
    from retail_forecast.registry.gate import Override

    override = Override(override_by or "", override_reason or "") if override_by or override_reason else None
    done = carry_out(
        workspace,
        load_settings(workspace),
        run_id,
        who=override_by or getuser(),
        why=override_reason or why,
        clock=utc_now,
        override=override,
    )
    emit(_document(done), json_output, lambda: _show(done))
    if not done.decision.promoted:
        raise typer.Exit(GateRefused.exit_code)


def _document(done: "Promotion") -> dict[str, Any]:
    decision, champion = done.decision, done.champion
    overridden = decision.override if decision.promoted else None
    return {
        "promoted": decision.promoted,
        "version": champion.run_id if champion else None,
        "reasons": list(decision.reasons),
        "override": overridden.who if overridden else None,
        "warnings": list(done.warnings),
    }


def _show(done: "Promotion") -> None:
    typer.echo(f"{done.run_id} is {'champion now' if done.decision.promoted else 'refused by the gate'}")
    for reason in done.decision.reasons:
        typer.echo(f"  {reason}")
    for warning in done.warnings:
        typer.echo(f"Warning: {warning}", err=True)
