"""`retail-forecast cloud`: set up in a cloud, look what stands and what it costs, tear down."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retail_forecast.cli.console import emit, told
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retail_forecast.domain.cloud import Cloud, Estimate, Plan, Remnant
    from retail_forecast.pipeline.cloud import Ground

__all__ = ["cloud"]

cloud = typer.Typer(
    help="Set up in a cloud and tear down; nothing is made before its cost was shown.",
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
)

Name = Annotated[str, typer.Option("--cloud", metavar="aws", help="Which cloud.")]
Environment = Annotated[str, typer.Option(metavar="NAME", help="Profile and last part of the scope: dev, prod.")]
Project = Annotated[str, typer.Option(metavar="NAME", help="First part of the scope: the variable `project`.")]
Region = Annotated[str, typer.Option(metavar="CODE", help="Region: the variable `region`.")]
Home = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder with infra, overlays and cost.  [default: the cloud's name]")
]
Backend = Annotated[
    list[str] | None,
    typer.Option("--backend-config", metavar="KEY=VALUE|FILE", help="Where Terraform's state lies; may be repeated."),
]
Ready = Annotated[float, typer.Option(metavar="SECONDS", help="How long pods may take to become ready.")]
Yes = Annotated[bool, typer.Option("--yes", help="Go on without asking.")]

_AWS, _DEV, _PROJECT, _REGION = "aws", "dev", "retail-forecast", "ap-southeast-1"
_READY_S = 600.0


@cloud.command()
def doctor(
    *,
    name: Name = _AWS,
    environment: Environment = _DEV,
    project: Project = _PROJECT,
    region: Region = _REGION,
    home: Home = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Look for tools, credentials, permissions and quotas. Exit code 5 when one is missing."""
    found = _open(name, (project, environment, region), home, (), workspace, json_output).check()
    ok = all(check.state != "wrong" for check in found)

    def show() -> None:
        for check in found:
            typer.echo(f"{check.state:8}{check.name}: {check.found}" + (f" -> {check.mend}" if check.mend else ""))

    emit({"ok": ok, "checks": [asdict(check) for check in found]}, json_output, show)
    if not ok:
        raise typer.Exit(5)


@cloud.command()
def plan(
    *,
    name: Name = _AWS,
    environment: Environment = _DEV,
    project: Project = _PROJECT,
    region: Region = _REGION,
    home: Home = None,
    backend: Backend = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Say what would be changed and what a month would cost; nothing is changed."""
    made = _open(name, (project, environment, region), home, backend or (), workspace, json_output).plan()
    emit(_plan_document(made), json_output, lambda: _show_plan(made))


@cloud.command()
def up(
    *,
    name: Name = _AWS,
    environment: Environment = _DEV,
    project: Project = _PROJECT,
    region: Region = _REGION,
    home: Home = None,
    backend: Backend = None,
    yes: Yes = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Show the cost, ask, and set up what is missing; after a failure the same command goes on."""
    from retail_forecast.pipeline.cloud import up as set_up

    _must_answer(yes, json_output)
    opened = _open(name, (project, environment, region), home, backend or (), workspace, json_output)

    def agreed(made: "Plan") -> bool:
        if not json_output:
            _show_plan(made)
        return yes or typer.confirm("Set up?")

    outputs = set_up(opened, agreed)
    if outputs is None:
        raise typer.Abort
    emit({"outputs": outputs}, json_output, lambda: _show_outputs(outputs))


@cloud.command()
def deploy(
    *,
    server: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="Image of the server, sha256:...; else the one of before.")
    ] = None,
    train: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="Image of the jobs, sha256:...; else the one of before.")
    ] = None,
    ready: Ready = _READY_S,
    watch: Annotated[float, typer.Option(metavar="SECONDS", help="How long alarms are watched afterwards.")] = 300,
    environment: Environment = _DEV,
    project: Project = _PROJECT,
    region: Region = _REGION,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Bring controllers, manifests and images to the cluster; undone, with exit code 5, when pods or alarms say no."""
    from retail_forecast.pipeline.cloud import deploy as roll_out

    given = {"server": server, "train": train}
    digests = {name: digest for name, digest in given.items() if digest}
    roll_out(_ground((project, environment, region), workspace), digests, ready, watch, told(json_output))
    emit({"deployed": digests}, json_output, lambda: typer.echo("Deployed."))


@cloud.command()
def rollback(
    *,
    ready: Ready = _READY_S,
    environment: Environment = _DEV,
    project: Project = _PROJECT,
    region: Region = _REGION,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Put the server's pods of before the last deployment back in force; models have `retail-forecast rollback`."""
    from retail_forecast.pipeline.cloud import roll_back

    roll_back(_ground((project, environment, region), workspace), ready, told(json_output))
    emit({"rolled_back": True}, json_output, lambda: typer.echo("Rolled back."))


@cloud.command()
def status(
    *,
    name: Name = _AWS,
    environment: Environment = _DEV,
    project: Project = _PROJECT,
    region: Region = _REGION,
    home: Home = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """List what stands, asked service by service."""
    found = _open(name, (project, environment, region), home, (), workspace, json_output).remnants()
    emit({"things": _documents(found)}, json_output, lambda: _show_things(found))


@cloud.command()
def down(
    *,
    name: Name = _AWS,
    environment: Environment = _DEV,
    project: Project = _PROJECT,
    region: Region = _REGION,
    home: Home = None,
    backend: Backend = None,
    yes: Yes = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Tear down, data included, and prove it: exit code 6 with a list when something still stands.

    Protected data are refused. What only time removes (keys that wait, locked audit files) is listed with its day.
    """
    from retail_forecast.pipeline.cloud import down as tear_down

    _must_answer(yes, json_output)
    opened = _open(name, (project, environment, region), home, backend or (), workspace, json_output)

    def agreed(found: "Sequence[Remnant]") -> bool:
        if not json_output:
            _show_things(found)
        return yes or typer.confirm(f"Delete all of {opened.scope.name}, with its data?")

    left = tear_down(opened, agreed, told(json_output))
    if left is None:
        raise typer.Abort
    ended = "nothing is left" if not left else "left, and gone by itself or free to delete on its day:"
    emit({"left": _documents(left)}, json_output, lambda: _show_things(left, ended))


@cloud.command()
def cost(
    *,
    name: Name = _AWS,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What `terraform show -json` said of a plan; else one is made.")
    ] = None,
    environment: Environment = _DEV,
    project: Project = _PROJECT,
    region: Region = _REGION,
    home: Home = None,
    backend: Backend = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Estimate a month: by resource, what bills when nobody asks anything, and what each switch still saves."""
    from retail_forecast.pipeline.cloud import cost_of

    if plan is None:
        made = _open(name, (project, environment, region), home, backend or (), workspace, json_output).plan()
        plan = made.file.with_suffix(".json")
    estimate, saved = cost_of(home or Path(name), plan)
    emit(_estimate_document(estimate) | {"switches": saved}, json_output, lambda: _show_cost(estimate, saved))


def _open(
    name: str,
    scope: tuple[str, str, str],
    home: Path | None,
    backend: "Sequence[str]",
    workspace: Path,
    json_output: bool,
) -> "Cloud":
    from retail_forecast.pipeline.cloud import open_cloud

    return open_cloud(name, _ground(scope, workspace, name, home, backend), told(json_output))


def _ground(
    scope: tuple[str, str, str],
    workspace: Path,
    name: str = _AWS,
    home: Path | None = None,
    backend: "Sequence[str]" = (),
) -> "Ground":
    from retail_forecast.domain.cloud import Scope
    from retail_forecast.pipeline.cloud import Ground

    whose = Scope(*scope)
    return Ground(home or Path(name), whose, tuple(backend), workspace / "cloud" / name / whose.name)


def _must_answer(yes: bool, json_output: bool) -> None:
    from retail_forecast.domain.errors import UsageError

    if json_output and not yes:
        raise UsageError("a machine cannot be asked", where="--json", mend="--yes, once the plan was looked at")


def _plan_document(plan: "Plan") -> dict[str, Any]:
    return {"changes": plan.changes, "cost": _estimate_document(plan.estimate)}


def _estimate_document(estimate: "Estimate") -> dict[str, Any]:
    return {
        "usd_month": round(estimate.usd_month, 2),
        "idle_usd_month": round(estimate.idle_usd_month, 2),
        "prices_of": estimate.prices_of.isoformat(),
        "charges": [asdict(charge) for charge in estimate.charges],
    }


def _documents(things: "Sequence[Remnant]") -> list[dict[str, Any]]:
    return [asdict(t) | {"until": t.until.isoformat() if t.until else None} for t in things]


def _show_plan(plan: "Plan") -> None:
    changes = ", ".join(f"{number} to {action}" for action, number in plan.changes.items())
    typer.echo(f"Changes: {changes or 'none'}")
    typer.echo(_total(plan.estimate))


def _total(estimate: "Estimate") -> str:
    idle = f"{estimate.idle_usd_month:.2f} of it when nobody asks anything"
    return f"Estimate: {estimate.usd_month:.2f} USD a month, {idle} (prices of {estimate.prices_of})"


def _show_outputs(outputs: dict[str, Any]) -> None:
    for key, value in outputs.items():
        typer.echo(f"{key}: {value}")
    if "deployment" in outputs:
        typer.echo("Next: build and push the images, then retail-forecast cloud deploy --server DIGEST --train DIGEST")


def _show_things(things: "Sequence[Remnant]", title: str = "") -> None:
    typer.echo(title or f"{len(things)} things:")
    for thing in things:
        typer.echo(f"  {thing}")


def _show_cost(estimate: "Estimate", saved: dict[str, float]) -> None:
    groups: dict[str, list[float]] = {}
    for charge in estimate.charges:
        group = groups.setdefault(charge.what.split("[")[0], [0.0, 0.0])
        group[0] += charge.usd_month
        group[1] += charge.usd_month if charge.idle else 0
    rows = sorted(groups.items(), key=lambda item: -item[1][0])
    width = max(len(name) for name in groups)
    typer.echo(f"{'resource':{width}}  USD/month  when idle")
    for name, (usd, idle) in rows:
        typer.echo(f"{name:{width}}  {usd:9.2f}  {idle:9.2f}")
    typer.echo(_total(estimate))
    for variable, usd in sorted(saved.items(), key=lambda item: -item[1]):
        typer.echo(f"Switching {variable} would save {usd:.2f} USD a month.")
