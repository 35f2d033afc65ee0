"""`retail-forecast simulate`: weekly till files of a made-up retailer, in the original format."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from retail_forecast.cli.console import emit, progress
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace

__all__ = ["simulate"]


def simulate(
    *,
    weeks: Annotated[int, typer.Option(help="Consecutive fiscal weeks, one file each.")] = 40,
    baskets_per_week: Annotated[int, typer.Option(help="Baskets in each week.")] = 2_500,
    products: Annotated[int, typer.Option(help="Products in the catalogue.")] = 1_500,
    customers: Annotated[int, typer.Option(help="Customers with a card.")] = 2_000,
    stores: Annotated[int, typer.Option(help="Stores.")] = 200,
    label_noise: Annotated[float, typer.Option(help="Share of LA, MM and UM baskets given another tier.")] = 0.01,
    drift: Annotated[float, typer.Option(help="Drift of tastes: 0 none, 1 about as in the real data.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 20060410,
    start_week: Annotated[int, typer.Option(metavar="YYYYWW", help="First fiscal week.")] = 200617,
    plain: Annotated[bool, typer.Option("--plain", help="Write .csv instead of .csv.gz.")] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", file_okay=False, help="Folder of the files; by default `simulated` in the workspace."
        ),
    ] = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Write till files of a made-up retailer, in the original format."""
    from retail_forecast.simulation.spec import TillSpec
    from retail_forecast.simulation.tills import simulate as write

    spec = TillSpec(
        weeks, baskets_per_week, products, customers, stores, label_noise, drift, seed, start_week, plain=plain
    )
    folder = out or workspace / "simulated"
    report = write(spec, folder, progress(json_output))
    document = {
        "out": str(folder),
        "files": len(report.files),
        "baskets": report.baskets,
        "lines": report.lines,
        "spec": asdict(spec),
    }
    emit(
        document,
        json_output,
        lambda: typer.echo(
            f"{report.lines:,} lines of {report.baskets:,} baskets in {len(report.files)} files: {folder}"
        ),
    )
