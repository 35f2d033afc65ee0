"""Options that every verb takes after its name, defined once.

A verb declares `workspace: Workspace = DEFAULT_WORKSPACE` and `json_output: JsonOutput = False`; `--verbose` is added
to each verb by `cli.main`, for it concerns errors only.
"""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["DEFAULT_WORKSPACE", "MODEL_HELP", "JsonOutput", "Workspace"]

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
