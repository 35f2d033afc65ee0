"""`retail-forecast doctor`: whether everything is in order, and what is in force.

Exit code 2 when a check is wrong.
"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from retail_forecast.cli.console import emit
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["doctor"]


def doctor(workspace: Workspace = DEFAULT_WORKSPACE, json_output: JsonOutput = False) -> None:
    """Check machine, installation and workspace.

    Shows the settings in force with the place each comes from. Exit code 2 when something is wrong.
    """
    document = _examine(workspace)
    emit(document, json_output, lambda: _show(document))
    if not document["ok"]:
        raise typer.Exit(2)


def _examine(workspace: Path) -> dict[str, Any]:
    from retail_forecast.pipeline.checkup import check_machine
    from retail_forecast.pipeline.origins import settings_in_force
    from retail_forecast.pipeline.standing import champions_in_force, lake_in_force

    findings = check_machine(workspace)
    ok = all(finding.state == "ok" for finding in findings)
    settings_fit = all(finding.state == "ok" for finding in findings if finding.name == "settings")
    return {
        "ok": ok,
        "checks": [asdict(finding) for finding in findings],
        "settings": [asdict(setting) for setting in settings_in_force(workspace)] if settings_fit else [],
        "lake": lake_in_force(workspace) if settings_fit else None,
        "champions": champions_in_force(workspace) if settings_fit else {},
    }


def _show(document: dict[str, Any]) -> None:
    from rich.console import Console

    console = Console()
    console.print(_table(("check", "", "found", "try"), [tuple(check.values()) for check in document["checks"]]), "")
    if document["settings"]:
        console.print(_table(("setting", "value", "from"), [tuple(s.values()) for s in document["settings"]]), "")
    console.print(_lake(document["lake"]), highlight=False)
    for task, champion in document["champions"].items():
        console.print(f"champion of {task}: {champion['run_id']} (version {champion['version']})", highlight=False)
    if not document["champions"]:
        console.print("champion: none yet")


def _lake(lake: dict[str, Any] | None) -> str:
    if lake is None:
        return "lake: nothing ingested yet"
    weeks = f"{lake['weeks']} weeks, {lake['first_week']} to {lake['last_week']}"
    counts = f"{lake['baskets']:,} baskets, {lake['rows_quarantined']:,} rows quarantined"
    return f"lake: state {lake['state']}, {weeks}, {counts}"


def _table(titles: tuple[str, ...], rows: list[tuple[str, ...]]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(*titles, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*map(escape, row), style="red" if "wrong" in row else None)
    return table
