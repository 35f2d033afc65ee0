"""Options that every verb takes after its name, defined once.

A verb declares `workspace: Workspace = DEFAULT_WORKSPACE` and `json_output: JsonOutput = False`; `--verbose` is added
to each verb by `cli.main`, for it concerns errors only.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from retail_forecast.domain.settings import Settings
    from retail_forecast.pipeline.order import Cloud

__all__ = [
    "DEFAULT_WORKSPACE",
    "MODEL_HELP",
    "CloudName",
    "Environment",
    "JsonOutput",
    "MadeLabels",
    "Seed",
    "TestFromWeek",
    "TestToWeek",
    "TrainFromWeek",
    "TrainToWeek",
    "Workspace",
    "cloud_of",
    "settings_of",
]

DEFAULT_WORKSPACE = Path("workspace")

MODEL_HELP = "Learner: tree, forest, logistic, xgboost or embedding"

CloudName = Annotated[str | None, typer.Option("--cloud", metavar="aws", help="Work on hosts of a cloud.")]

Environment = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Environment of the cloud: dev, prod. Default: the settings, aws.environment."),
]

Workspace = Annotated[
    Path,
    typer.Option(
        "--workspace",
        envvar="RETAIL_FORECAST_WORKSPACE",
        metavar="DIR",
        file_okay=False,
        help="Folder that holds the lake, the runs and the models.",
    ),
]

JsonOutput = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document, errors included, and nothing else on standard output."),
]

TrainFromWeek = Annotated[int | None, typer.Option(metavar="YYYYWW", help="First week to learn from.")]
TrainToWeek = Annotated[int | None, typer.Option(metavar="YYYYWW", help="Last week to learn from.")]
TestFromWeek = Annotated[int | None, typer.Option(metavar="YYYYWW", help="First week of the test window.")]
TestToWeek = Annotated[int | None, typer.Option(metavar="YYYYWW", help="Last week of the test window.")]

Seed = Annotated[int | None, typer.Option(min=0, help="Seed of every random choice.")]

MadeLabels = Annotated[
    str, typer.Option(metavar="given|price-tiers|FILE", help="Labels to learn; FILE has columns customer, tier.")
]


def cloud_of(name: str | None) -> "Cloud | None":
    """The cloud that the option --cloud names.

    Raises
    ------
    UsageError : there is none of that name
    """
    from retail_forecast.domain.errors import UsageError
    from retail_forecast.pipeline.order import Cloud

    if name is None or name in list(Cloud):
        return None if name is None else Cloud(name)
    raise UsageError(f"there is no cloud {name!r}", where="--cloud", mend=f"--cloud {' or '.join(Cloud)}")


def settings_of(workspace: Path, environment: str | None) -> "Settings":
    """The settings of a workspace, for the environment that the option --environment names."""
    from retail_forecast.domain.settings import load_settings

    settings = load_settings(workspace)
    if environment is None:
        return settings
    return settings.model_copy(update={"aws": settings.aws.model_copy(update={"environment": environment})})
