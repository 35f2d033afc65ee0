"""The ground that a verb of `retail-forecast cloud` stands on: its options, named once, and what they open."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from retail_forecast.cli.console import told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retail_forecast.domain.cloud import Cloud
    from retail_forecast.pipeline.cloud import Ground

__all__ = [
    "AWS",
    "DEV",
    "PROJECT",
    "READY_S",
    "REGION",
    "Backend",
    "Environment",
    "Home",
    "Name",
    "Project",
    "Ready",
    "Region",
    "Yes",
    "ground_of",
    "must_answer",
    "open_ground",
]

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

AWS, DEV, PROJECT, REGION = "aws", "dev", "retail-forecast", "ap-southeast-1"
READY_S = 600.0


def open_ground(
    name: str,
    scope: tuple[str, str, str],
    home: Path | None,
    backend: "Sequence[str]",
    workspace: Path,
    json_output: bool,
) -> "Cloud":
    """The cloud of a name, as `scope` (project, environment, region) has it.

    Raises
    ------
    UsageError : there is none of that name, or `home` has no ground for the environment
    """
    from retail_forecast.pipeline.cloud import open_cloud

    return open_cloud(name, ground_of(scope, workspace, name, home, backend), told(json_output))


def ground_of(
    scope: tuple[str, str, str],
    workspace: Path,
    name: str = AWS,
    home: Path | None = None,
    backend: "Sequence[str]" = (),
) -> "Ground":
    """Where infra and plans of a scope lie; what is written goes below the workspace."""
    from retail_forecast.domain.cloud import Scope
    from retail_forecast.pipeline.cloud import Ground

    whose = Scope(*scope)
    return Ground(home or Path(name), whose, tuple(backend), workspace / "cloud" / name / whose.name)


def must_answer(yes: bool, json_output: bool) -> None:
    """Refuse --json without --yes.

    Raises
    ------
    UsageError : nobody could be asked
    """
    from retail_forecast.domain.errors import UsageError

    if json_output and not yes:
        raise UsageError("a machine cannot be asked", where="--json", mend="--yes, once the plan was looked at")
