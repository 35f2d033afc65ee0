"""`retail-forecast cloud`: set up in a cloud, look what stands and what it costs, tear down."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retail_forecast.cli.console import emit, told
from retail_forecast.cli.ground import (
    AWS,
    DEV,
    PROJECT,
    READY_S,
    REGION,
    Backend,
    Environment,
    Home,
    Name,
    Project,
    Ready,
    Region,
    Yes,
    ground_of,
    must_answer,
    open_ground,
)
from retail_forecast.cli.inventory import (
    estimate_document,
    plan_document,
    show_cost,
    show_outputs,
    show_plan,
    show_things,
    things_document,
)
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retail_forecast.domain.cloud import Plan, Remnant

__all__ = ["cloud"]

cloud = typer.Typer(
    help="Set up in a cloud and tear down; nothing is made before its cost was shown.",
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
)


@cloud.command()
def doctor(
    *,
    name: Name = AWS,
    environment: Environment = DEV,
    project: Project = PROJECT,
    region: Region = REGION,
    home: Home = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Look for tools, credentials, permissions and quotas. Exit code 5 when one is missing."""
    found = open_ground(name, (project, environment, region), home, (), workspace, json_output).check()
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
    name: Name = AWS,
    environment: Environment = DEV,
    project: Project = PROJECT,
    region: Region = REGION,
    home: Home = None,
    backend: Backend = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Say what would be changed and what a month would cost; nothing is changed."""
    made = open_ground(name, (project, environment, region), home, backend or (), workspace, json_output).plan()
    emit(plan_document(made), json_output, lambda: show_plan(made))


@cloud.command()
def up(
    *,
    name: Name = AWS,
    environment: Environment = DEV,
    project: Project = PROJECT,
    region: Region = REGION,
    home: Home = None,
    backend: Backend = None,
    yes: Yes = False,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Show the cost, ask, and set up what is missing; after a failure the same command goes on."""
    from retail_forecast.pipeline.cloud import up as set_up

    must_answer(yes, json_output)
    opened = open_ground(name, (project, environment, region), home, backend or (), workspace, json_output)

    def agreed(made: "Plan") -> bool:
        if not json_output:
            show_plan(made)
        return yes or typer.confirm("Set up?")

    outputs = set_up(opened, agreed)
    if outputs is None:
        raise typer.Abort
    emit({"outputs": outputs}, json_output, lambda: show_outputs(outputs))


@cloud.command()
def deploy(
    *,
    server: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="Image of the server, sha256:...; else the one of before.")
    ] = None,
    train: Annotated[
        str | None, typer.Option(metavar="DIGEST", help="Image of the jobs, sha256:...; else the one of before.")
    ] = None,
    ready: Ready = READY_S,
    watch: Annotated[float, typer.Option(metavar="SECONDS", help="How long alarms are watched afterwards.")] = 300,
    environment: Environment = DEV,
    project: Project = PROJECT,
    region: Region = REGION,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Bring controllers, manifests and images to the cluster; undone, with exit code 5, when pods or alarms say no."""
    from retail_forecast.pipeline.cloud import deploy as roll_out

    given = {"server": server, "train": train}
    digests = {name: digest for name, digest in given.items() if digest}
    roll_out(ground_of((project, environment, region), workspace), digests, ready, watch, told(json_output))
    emit({"deployed": digests}, json_output, lambda: typer.echo("Deployed."))


@cloud.command()
def rollback(
    *,
    ready: Ready = READY_S,
    environment: Environment = DEV,
    project: Project = PROJECT,
    region: Region = REGION,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Put the server's pods of before the last deployment back in force; models have `retail-forecast rollback`."""
    from retail_forecast.pipeline.cloud import roll_back

    roll_back(ground_of((project, environment, region), workspace), ready, told(json_output))
    emit({"rolled_back": True}, json_output, lambda: typer.echo("Rolled back."))


@cloud.command()
def status(
    *,
    name: Name = AWS,
    environment: Environment = DEV,
    project: Project = PROJECT,
    region: Region = REGION,
    home: Home = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """List what stands, asked service by service."""
    found = open_ground(name, (project, environment, region), home, (), workspace, json_output).remnants()
    emit({"things": things_document(found)}, json_output, lambda: show_things(found))


@cloud.command()
def down(
    *,
    name: Name = AWS,
    environment: Environment = DEV,
    project: Project = PROJECT,
    region: Region = REGION,
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

    must_answer(yes, json_output)
    opened = open_ground(name, (project, environment, region), home, backend or (), workspace, json_output)

    def agreed(found: "Sequence[Remnant]") -> bool:
        if not json_output:
            show_things(found)
        return yes or typer.confirm(f"Delete all of {opened.scope.name}, with its data?")

    left = tear_down(opened, agreed, told(json_output))
    if left is None:
        raise typer.Abort
    ended = "nothing is left" if not left else "left, and gone by itself or free to delete on its day:"
    emit({"left": things_document(left)}, json_output, lambda: show_things(left, ended))


@cloud.command()
def cost(
    *,
    name: Name = AWS,
    plan: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What `terraform show -json` said of a plan; else one is made.")
    ] = None,
    environment: Environment = DEV,
    project: Project = PROJECT,
    region: Region = REGION,
    home: Home = None,
    backend: Backend = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Estimate a month: by resource, what bills when nobody asks anything, and what each switch still saves."""
    from retail_forecast.pipeline.cloud import cost_of

    if plan is None:
        made = open_ground(name, (project, environment, region), home, backend or (), workspace, json_output).plan()
        plan = made.file.with_suffix(".json")
    estimate, saved = cost_of(home or Path(name), plan)
    emit(estimate_document(estimate) | {"switches": saved}, json_output, lambda: show_cost(estimate, saved))
