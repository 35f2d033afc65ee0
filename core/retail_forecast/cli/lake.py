"""`retail-forecast lake`: history, vacuum, optimize, backup and restore of the lake."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from retail_forecast.cli.console import emit
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace

if TYPE_CHECKING:
    from retail_forecast.pipeline.retention import StateAccount

__all__ = ["lake"]

lake = typer.Typer(
    help="Look after the lake: its states, old versions, small files and copies.",
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
)


@lake.command()
def history(workspace: Workspace = DEFAULT_WORKSPACE, json_output: JsonOutput = False) -> None:
    """List the states: tables, weeks added or replaced, runs that read it, whether it can be read."""
    import msgspec

    from retail_forecast.pipeline.retention import history as states_of

    states = states_of(workspace)
    emit({"states": msgspec.to_builtins(states)}, json_output, lambda: _show_history(states))


@lake.command()
def vacuum(
    *,
    older_than_days: Annotated[
        int | None, typer.Option(min=0, metavar="DAYS", help="By default lake.retention_days (three years).")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Remove data files that left the tables long ago.

    What the newest state, a younger state, a run or a bundle needs is kept at any age; so are raw bytes and records.
    """
    from retail_forecast.domain.settings import load_settings
    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.retention import vacuum_lake

    days = load_settings(workspace).lake.retention_days if older_than_days is None else older_than_days
    done = vacuum_lake(workspace, days, clock=utc_now, dry_run=dry_run)
    word = "would be removed" if dry_run else "removed"

    def show() -> None:
        for name, files in done.files.items():
            typer.echo(f"{name}: {files:,} files {word}")
        typer.echo(f"States that can no longer be read: {', '.join(map(str, done.retired)) or 'none'}")

    emit(asdict(done) | {"days": days, "dry_run": dry_run}, json_output, show)


@lake.command()
def optimize(workspace: Workspace = DEFAULT_WORKSPACE, json_output: JsonOutput = False) -> None:
    """Join small files, in a new state, where a table has more than four a partition."""
    from retail_forecast.lake.retention import optimize as carry_out
    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.workspace import lake_path

    state = carry_out(lake_path(workspace), clock=utc_now)
    told = f"joined small files: lake state {state.number}" if state else "nothing to join"
    emit({"state": state.number if state else None}, json_output, lambda: typer.echo(told))


@lake.command()
def backup(
    place: Annotated[
        str, typer.Argument(metavar="PLACE", help="Folder or address; a backup that is there is brought up to date.")
    ],
    *,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Copy the lake, its history included; what an earlier backup has is not copied again."""
    from retail_forecast.lake.backup import back_up
    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.workspace import lake_path

    done = back_up(lake_path(workspace), place, clock=utc_now)
    told = (
        f"state {done.state} is safe: {done.objects:,} objects, {done.copied:,} of them copied ({done.bytes:,} bytes)"
    )
    emit(asdict(done), json_output, lambda: typer.echo(told))


@lake.command()
def restore(
    place: Annotated[str | None, typer.Argument(metavar="PLACE", help="Place of a backup, for an empty lake.")] = None,
    *,
    state: Annotated[
        int | None, typer.Option(metavar="N", help="Make an earlier state of this lake the newest again instead.")
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Bring a backup back, every byte checked, or return to an earlier state; neither loses anything that is there."""
    from retail_forecast.domain.errors import UsageError
    from retail_forecast.lake.backup import restore as bring_back
    from retail_forecast.lake.backup import return_to
    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.workspace import lake_path

    if (place is None) == (state is None):
        raise UsageError(
            "give the place of a backup or --state, one of them", where="lake restore", mend="lake history"
        )
    root = lake_path(workspace)
    if place is not None:
        done = bring_back(root, place, clock=utc_now)
        told = f"state {done.state} is back: {done.objects:,} objects ({done.bytes:,} bytes)"
        emit(asdict(done), json_output, lambda: typer.echo(told))
    elif state is not None:
        newest = return_to(root, state, clock=utc_now)
        told = f"what state {state} held is the newest state again: {newest.number}"
        emit({"state": newest.number, "returned_to": state}, json_output, lambda: typer.echo(told))


def _show_history(states: "list[StateAccount]") -> None:
    from rich.console import Console
    from rich.table import Table

    titles = ("state", "published", "table versions", "weeks", "added", "replaced", "runs", "readable")
    table = Table(*titles, box=None, pad_edge=False, header_style="bold")
    for state in states:
        versions = ", ".join(f"{name} {version}" for name, version in sorted(state.tables.items()))
        counts = (state.weeks, len(state.added), len(state.replaced), len(state.runs))
        readable = "yes" if state.readable else "no, vacuumed"
        table.add_row(str(state.number), f"{state.written_at:%Y-%m-%d %H:%M}", versions, *map(str, counts), readable)
    Console().print(table if states else "no states yet: `retail-forecast ingest`")
