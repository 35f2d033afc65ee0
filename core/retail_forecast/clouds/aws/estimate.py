"""What a month would cost, worked out from a Terraform plan, a price table and a workload. An estimate, not a bill."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from retail_forecast.clouds.aws.charges import BILLED, FREE, Brought, Units, beside_the_plan
from retail_forecast.clouds.aws.prices import PriceTable
from retail_forecast.domain.cloud import Charge, Estimate
from retail_forecast.domain.errors import UsageError

__all__ = ["estimate"]


def estimate(plan: Mapping[str, Any], prices: PriceTable, workload: Mapping[str, float]) -> Estimate:
    """Charges of what would stand after the plan.

    Parameters
    ----------
    plan : what `terraform show -json` says of a plan
    prices : prices of the region
    workload : quantities of a month

    Raises
    ------
    UsageError : the plan has resources of a kind of which nothing is known, or a price is missing
    """
    resources = [r for r in _resources(plan["planned_values"]["root_module"]) if r["mode"] == "managed"]
    unknown = sorted({r["type"] for r in resources} - set(BILLED) - FREE)
    if unknown:
        raise UsageError(
            f"nobody has said what these cost: {', '.join(unknown)}",
            where="retail_forecast.clouds.aws.charges",
            mend="add each to BILLED with its prices, or to FREE",
        )
    variables = {name: given.get("value") for name, given in plan.get("variables", {}).items()}
    count = Counter(r["type"] for r in resources)
    found = [
        _charge(r["address"], units, prices)
        for r in resources
        if r["type"] in BILLED
        for units in BILLED[r["type"]](Brought(r["values"], workload, variables, count[r["type"]]))
    ]
    beside = beside_the_plan(Brought({}, workload, variables, 1))
    found += [_charge(what, units, prices) for what, units in beside]
    return Estimate(tuple(charge for charge in found if charge.usd_month > 0), prices.as_of)


def _charge(what: str, units: Units, prices: PriceTable) -> Charge:
    price = prices.price(units.price)
    return Charge(what, f"{price.usd:g} USD per {price.unit}", units.units, units.units * price.usd, units.idle)


def _resources(module: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from module.get("resources", [])
    for child in module.get("child_modules", []):
        yield from _resources(child)
