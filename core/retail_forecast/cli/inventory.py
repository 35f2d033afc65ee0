"""What the verbs of `retail-forecast cloud` show: plans, costs, and things that stand."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retail_forecast.domain.cloud import Estimate, Plan, Remnant

__all__ = [
    "estimate_document",
    "plan_document",
    "show_cost",
    "show_outputs",
    "show_plan",
    "show_things",
    "things_document",
]


def plan_document(plan: "Plan") -> dict[str, Any]:
    """A plan as a JSON document."""
    return {"changes": plan.changes, "cost": estimate_document(plan.estimate)}


def estimate_document(estimate: "Estimate") -> dict[str, Any]:
    """An estimate of a month as a JSON document."""
    return {
        "usd_month": round(estimate.usd_month, 2),
        "idle_usd_month": round(estimate.idle_usd_month, 2),
        "prices_of": estimate.prices_of.isoformat(),
        "charges": [asdict(charge) for charge in estimate.charges],
    }


def things_document(things: "Sequence[Remnant]") -> list[dict[str, Any]]:
    """Things that stand, as a JSON document."""
    return [asdict(t) | {"until": t.until.isoformat() if t.until else None} for t in things]


def show_plan(plan: "Plan") -> None:
    """How many changes, and what a month costs then."""
    changes = ", ".join(f"{number} to {action}" for action, number in plan.changes.items())
    typer.echo(f"Changes: {changes or 'none'}")
    typer.echo(_total(plan.estimate))


def _total(estimate: "Estimate") -> str:
    idle = f"{estimate.idle_usd_month:.2f} of it when nobody asks anything"
    return f"Estimate: {estimate.usd_month:.2f} USD a month, {idle} (prices of {estimate.prices_of})"


def show_outputs(outputs: dict[str, Any]) -> None:
    """What Terraform put out, and what comes next."""
    for key, value in outputs.items():
        typer.echo(f"{key}: {value}")
    if "deployment" in outputs:
        typer.echo("Next: build and push the images, then retail-forecast cloud deploy --server DIGEST --train DIGEST")


def show_things(things: "Sequence[Remnant]", title: str = "") -> None:
    """A line for each thing, below `title` or their number."""
    typer.echo(title or f"{len(things)} things:")
    for thing in things:
        typer.echo(f"  {thing}")


def show_cost(estimate: "Estimate", saved: dict[str, float]) -> None:
    """A table by resource, and what each switch would still save."""
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
