"""Options that every verb takes after its name, defined once.

A verb declares `workspace: Workspace = DEFAULT_WORKSPACE` and `json_output: JsonOutput = False`; `--verbose` is added
to each verb by `cli.main`, for it concerns errors only.
"""

from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "DEFAULT_WORKSPACE",
    "MODEL_HELP",
    "JsonOutput",
    "MadeLabels",
    "Seed",
    "TestFromWeek",
    "TestToWeek",
    "TrainFromWeek",
    "TrainToWeek",
    "Workspace",
]

DEFAULT_WORKSPACE = Path("workspace")

MODEL_HELP = "Learner: tree, forest, logistic, xgboost or embedding"

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
