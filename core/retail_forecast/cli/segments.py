"""`retail-forecast segments`: one row per customer, with a tier and a promotion that suits."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from retail_forecast.cli.console import emit, progress
from retail_forecast.cli.options import DEFAULT_WORKSPACE, JsonOutput, Workspace

if TYPE_CHECKING:
    from retail_forecast.report.data import SegmentFacts

__all__ = ["segments"]


def segments(
    *,
    as_of_week: Annotated[int, typer.Option(metavar="YYYYWW", help="Last week whose baskets count.")],
    output: Annotated[Path, typer.Option(metavar="FILE", dir_okay=False, help="Rows: .parquet or .csv.")],
    model: Annotated[str, typer.Option(metavar="champion|RUN_ID", help="Which model of task basket.")] = "champion",
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Tier, confidence, value and suggested promotion of every customer, by the baskets known as of a week."""
    from retail_forecast.domain.settings import load_settings
    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.segments import segment_customers

    facts = segment_customers(
        workspace,
        load_settings(workspace),
        output,
        as_of_week=as_of_week,
        model=model,
        clock=utc_now,
        progress=progress(json_output),
    )
    emit(_document(facts, output), json_output, lambda: _show(facts, output))


def _document(facts: "SegmentFacts", output: Path) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "as_of_week": facts.as_of_week,
        "model_version": facts.run_id,
        "learned_to_week": facts.learned_to_week,
        "customers": sum(tier.customers for tier in facts.tiers.values()),
        "tiers": {name: asdict(tier) for name, tier in facts.tiers.items()},
        "output": str(output),
    }


def _show(facts: "SegmentFacts", output: Path) -> None:
    for name, tier in facts.tiers.items():
        typer.echo(
            f"{name}: {tier.customers:,} customers, {tier.spend_gbp:,.2f} GBP in {tier.baskets:,} baskets, "
            f"{tier.lapsed:,} of them lapsed; its promotion suits {tier.promoted:,}"
        )
    if facts.learned_to_week > facts.as_of_week:
        typer.echo(f"Note: the model learned from weeks up to {facts.learned_to_week}, later than these baskets.")
    typer.echo(f"Written: {output}, by {facts.run_id}")
