"""`retail-forecast run`: the whole main job, from till files to a served prediction and a report."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from retail_forecast.cli.console import emit, progress
from retail_forecast.cli.figures import run_document, show_metrics
from retail_forecast.cli.options import DEFAULT_WORKSPACE, MODEL_HELP, JsonOutput, Workspace
from retail_forecast.domain.errors import FileRefused, GateRefused

if TYPE_CHECKING:
    from retail_forecast.pipeline.run import Outcome

__all__ = ["run"]


def run(
    *,
    source: Annotated[
        list[str] | None, typer.Option(metavar="PATH_OR_GLOB", help="Till files; may be given again.")
    ] = None,
    model: Annotated[str, typer.Option(help=MODEL_HELP + ".")] = "xgboost",
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Keep the server running at the end.")] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Ingest, train, ask the gate, serve one prediction and write the report.

    Without --source the lake is used as it is; when it is empty, simulated weeks are made and said to be so. Exit code
    3 when a file was refused, 4 when the gate refused the model (the rest is done all the same).
    """
    from getpass import getuser

    from retail_forecast.domain.settings import load_settings
    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.run import run as carry_out

    settings = load_settings(workspace)
    outcome = carry_out(
        workspace, settings, source or [], model=model, who=getuser(), clock=utc_now, progress=progress(json_output)
    )
    emit(_document(outcome), json_output, lambda: _show(outcome))
    if serve:
        from retail_forecast.cli.serve import serve as serve_on

        serve_on(workspace=workspace, json_output=json_output)
    if not outcome.promotion.decision.promoted:
        raise typer.Exit(GateRefused.exit_code)
    if outcome.ingested and outcome.ingested.report.refused:
        raise typer.Exit(FileRefused.exit_code)


def _document(outcome: "Outcome") -> dict[str, Any]:
    decision, champion, served = outcome.promotion.decision, outcome.promotion.champion, outcome.served
    return {
        "simulated": str(outcome.simulated) if outcome.simulated else None,
        "ingest": outcome.ingested.to_dict() if outcome.ingested else None,
        "train": run_document(outcome.trained.record, outcome.trained.warnings),
        "promote": {
            "promoted": decision.promoted,
            "version": champion.run_id if champion else None,
            "reasons": list(decision.reasons),
            "warnings": list(outcome.promotion.warnings),
        },
        "served": {"request": served.request, "answer": served.answer, "latency_ms": served.latency_ms}
        if served
        else None,
        "report": str(outcome.report),
    }


def _show(outcome: "Outcome") -> None:
    if outcome.simulated:
        typer.echo(f"No data was given: made simulated till files in {outcome.simulated}")
    if outcome.ingested:
        counts = outcome.ingested.to_dict()
        typer.echo(
            f"Lake: {counts['rows_read']:,} rows read, {counts['rows_silver']:,} in silver, "
            f"{counts['rows_quarantined']:,} in quarantine, {counts['baskets']:,} baskets"
        )
        for remark in counts["remarks"]:
            typer.echo(f"Remark: {remark['code']} {remark['week']}: {remark['what']}")
        for refused in counts["refused"]:
            typer.echo(f"Refused: {refused['file']} ({refused['code']}): {refused['reason']}", err=True)
    record = outcome.trained.record
    show_metrics(f"Model: {record.run_id}", record.metrics, record.baselines)
    typer.echo("Gate: " + ("promoted" if outcome.promotion.decision.promoted else "REFUSED"))
    for reason in outcome.promotion.decision.reasons:
        typer.echo(f"  {reason}")
    for warning in (*outcome.trained.warnings, *outcome.promotion.warnings):
        typer.echo(f"Warning: {warning}", err=True)
    if outcome.served:
        answer, lines = outcome.served.answer, len(outcome.served.request["lines"])
        typer.echo(
            f"Served: basket {answer['basket_id']} of {lines} lines is {answer['label']}, "
            f"price sensitivity {answer['sensitivity']} ({outcome.served.latency_ms:.1f} ms)"
        )
    typer.echo(f"Report: {outcome.report}")
