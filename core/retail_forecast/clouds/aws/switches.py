"""What each switch of the ground saves: the same plan, estimated without what the switch leaves out."""

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from retail_forecast.clouds.aws.estimate import estimate
from retail_forecast.clouds.aws.prices import PriceTable

__all__ = ["savings"]

_OFFICE = {"start": "cron(0 8 ? * MON-FRI *)", "stop": "cron(0 20 ? * MON-FRI *)", "time_zone": "Asia/Ho_Chi_Minh"}


class _Switch(NamedTuple):
    variable: str
    value: Any
    drops: Callable[[Mapping[str, Any], int], bool]
    """Whether a resource, the n-th of its kind, is left out."""


def _kinds(*kinds: str) -> Callable[[Mapping[str, Any], int], bool]:
    return lambda resource, _: resource["type"] in kinds


_SWITCHES = (
    _Switch("nat_gateways", "single", lambda r, number: r["type"] in {"aws_nat_gateway", "aws_eip"} and number > 0),
    _Switch("interface_endpoints", [], lambda r, _: r.get("values", {}).get("vpc_endpoint_type") == "Interface"),
    _Switch("office_hours", _OFFICE, _kinds()),
    _Switch("feature_groups", False, _kinds("aws_sagemaker_feature_group")),
    _Switch("audit_data_events", False, _kinds()),
    _Switch("raw_archive_days", 0, _kinds("aws_s3_bucket_intelligent_tiering_configuration")),
    _Switch("composite_alarm", False, _kinds("aws_cloudwatch_composite_alarm")),
    _Switch("addon_versions", {}, _kinds()),
)


def savings(plan: Mapping[str, Any], prices: PriceTable, workload: Mapping[str, float]) -> dict[str, float]:
    """USD a month that each switch still saves, by its variable; those that save nothing more are left out."""
    before = estimate(plan, prices, workload).usd_month
    found = {s.variable: before - estimate(_switched(plan, s), prices, workload).usd_month for s in _SWITCHES}
    return {variable: saved for variable, saved in found.items() if saved > 0.005}


def _switched(plan: Mapping[str, Any], switch: _Switch) -> dict[str, Any]:
    changed = copy.deepcopy(dict(plan))
    changed.setdefault("variables", {})[switch.variable] = {"value": switch.value}
    seen: dict[str, int] = {}
    for module in _modules(changed["planned_values"]["root_module"]):
        kept = []
        for resource in module.get("resources", []):
            number = seen.get(resource["type"], 0)
            seen[resource["type"]] = number + 1
            if not switch.drops(resource, number):
                kept.append(resource)
        module["resources"] = kept
    return changed


def _modules(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield module
    for child in module.get("child_modules", []):
        yield from _modules(child)
