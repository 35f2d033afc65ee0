"""`retail-forecast reproduce`: train a recorded run again and compare the models."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from retail_forecast.cli.console import emit, told
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace
from retail_forecast.domain.errors import GateRefused

if TYPE_CHECKING:
    from retail_forecast.pipeline.reproduce import Reproduction

__all__ = ["reproduce"]


def reproduce(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="Run to train again; `models` lists them.")],
    *,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Train a run again from its lake state, order and settings, and compare digests; nothing is kept.

    With the libraries, processor and threads of the record the model must be the same to the bit, elsewhere its figures
    within 0.001. Exit code 4 when they are not.
    """
    from retail_forecast.domain.settings import load_settings
    from retail_forecast.pipeline.reproduce import reproduce as carry_out

    done = carry_out(workspace, load_settings(workspace), run_id, log=told(json_output))
    emit(asdict(done), json_output, lambda: _show(done))
    if done.verdict == "different":
        raise typer.Exit(GateRefused.exit_code)


def _show(done: "Reproduction") -> None:
    typer.echo(f"{done.run_id}, trained again from lake state {done.lake_state}: {done.verdict}")
    typer.echo(f"  on record  {done.recorded}\n  made again {done.reproduced}")
    for line in done.elsewhere:
        typer.echo(f"  elsewhere: {line}")
    name, largest = max(done.differences.items(), key=lambda item: item[1])
    typer.echo(f"  largest difference of a figure: {largest:.6f} ({name})")
