"""`retail-forecast lineage`: what a bundle, a run or a week comes from, and what it led to."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from retail_forecast.cli.console import emit
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace

if TYPE_CHECKING:
    from retail_forecast.registry.lineage import Lineage

__all__ = ["lineage"]


def lineage(
    name: Annotated[
        str, typer.Argument(metavar="BUNDLE|RUN|WEEK", help="Digest or folder of a bundle, name of a run, or YYYYWW.")
    ],
    *,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Walk from files over lake states, runs and bundles to champions, and back, beginning anywhere between."""
    import msgspec

    from retail_forecast.pipeline.lineage import trace

    found = trace(workspace, name)
    emit(msgspec.to_builtins(found), json_output, lambda: _show(found))


def _show(found: "Lineage") -> None:
    digits = 12
    _table(
        "Files",
        ("file", "sha256", "weeks", "arrived", ""),
        (
            (f.file, f.sha256[:digits], _span(f.weeks), f"{f.arrival:%Y-%m-%d %H:%M}", "" if f.in_force else "replaced")
            for f in found.files
        ),
    )
    _table(
        "Lake states",
        ("state", "published", "table versions", "files"),
        (
            (str(s.number), f"{s.written_at:%Y-%m-%d %H:%M}", _versions(s.tables.items()), str(len(s.files)))
            for s in found.states
        ),
    )
    _table(
        "Runs and their bundles",
        ("run", "state", "weeks", "bundle", ""),
        (
            (r.run_id, str(r.state), _windows(r.windows.items()), r.bundle[:digits], "outdated" if r.outdated else "")
            for r in found.runs
        ),
    )
    _table(
        "Champions",
        ("task", "version", "run", "by", "when", ""),
        (
            (
                c.task,
                str(c.version),
                c.run_id,
                c.who,
                f"{c.when:%Y-%m-%d %H:%M}",
                "in force" if c.in_force else c.action,
            )
            for c in found.champions
        ),
    )


def _span(weeks: Sequence[int]) -> str:
    return str(weeks[0]) if len(weeks) == 1 else f"{weeks[0]}-{weeks[-1]} ({len(weeks)})"


def _versions(tables: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(tables))


def _windows(windows: Iterable[tuple[str, tuple[int, int]]]) -> str:
    return "\n".join(f"{name} {first}-{last}" for name, (first, last) in windows)


def _table(title: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Column, Table

    columns = [Column(name, overflow="fold") for name in names]
    table = Table(*columns, title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*map(escape, row))
    Console().print(table if table.row_count else f"{title}: none", "")
