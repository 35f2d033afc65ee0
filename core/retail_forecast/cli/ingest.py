"""`retail-forecast ingest`: till files into the lake."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from retail_forecast.cli.console import emit, progress
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace

if TYPE_CHECKING:
    from retail_forecast.pipeline.ingest import Ingested

__all__ = ["ingest"]


def ingest(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...", help="Till files, folders of them (also in a store), or patterns in quotes."
        ),
    ],
    *,
    accept: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="Take files in that would be refused under this code; may be repeated."),
    ] = None,
    engine: Annotated[
        Literal["duckdb", "spark"],
        typer.Option(help="What does the work: this machine's cores and DuckDB, or Spark's workers."),
    ] = "duckdb",
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Check till files and take them into the lake; bad rows go to quarantine, bad files stay where they are.

    Exit codes: 3 when a file was refused (the others are taken in), 2 when a source names nothing, 5 when another
    process is writing to the lake.
    """
    from retail_forecast.domain.errors import FileRefused
    from retail_forecast.domain.settings import load_settings
    from retail_forecast.lake.engines import EngineName
    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.ingest import ingest_files

    done = ingest_files(
        workspace,
        load_settings(workspace),
        sources,
        clock=utc_now,
        accept=accept or (),
        engine=EngineName(engine),
        progress=progress(json_output),
    )
    emit(done.to_dict(), json_output, lambda: _show(done))
    if done.report.refused:
        raise typer.Exit(FileRefused.exit_code)


def _show(done: "Ingested") -> None:
    report = done.report
    typer.echo(
        f"{report.files:,} files taken in, {len(report.unchanged):,} known already, {len(report.refused):,} refused, "
        f"in {report.seconds:.1f} s"
    )
    if report.files:
        typer.echo(
            f"{report.rows_read:,} lines read: {report.rows_silver:,} sound ones in {report.baskets:,} baskets, "
            f"{report.rows_quarantined:,} in quarantine; {len(report.weeks):,} weeks, lake state {report.state}"
        )
    if report.replaced:
        typer.echo(f"Weeks that were there before and are replaced: {', '.join(map(str, report.replaced))}")
    for week in report.corrections.weeks:
        typer.echo(
            f"  {week.week}: {week.added:,} lines added, {week.removed:,} removed, {week.changed:,} changed, "
            f"{week.kept:,} kept"
        )
    for code, rows in report.reasons.items():
        typer.echo(f"  {rows:,} lines with {code}")
    for remark in done.remarks:
        typer.echo(f"Remark: {remark.code} {remark.week}: {remark.what}")
    for accepted in report.accepted:
        typer.echo(f"Accepted: {accepted.file} ({accepted.code}): {accepted.reason}")
    for refusal in report.refused:
        typer.echo(f"Refused: {refusal.file} ({refusal.code}): {refusal.reason}\nTry: {refusal.mend}", err=True)
    if done.page:
        typer.echo(f"Quality report: {done.page}")
