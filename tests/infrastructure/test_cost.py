"""What the profiles would cost."""

from pathlib import Path
from typing import Any

import pytest

from retail_forecast.clouds.aws.place import priced

HOME = Path(__file__).parents[2] / "aws"


@pytest.mark.parametrize(("profile", "most_usd"), [("dev", 200), ("prod", 500)])
def test_a_month_costs_less_than_promised(plans: dict[str, dict[str, Any]], profile: str, most_usd: float) -> None:
    estimate, _ = priced(HOME, plans[profile])
    assert 0.5 * most_usd < estimate.usd_month < most_usd


def test_prod_names_what_its_switches_save(plans: dict[str, dict[str, Any]]) -> None:
    _, saved = priced(HOME, plans["prod"])
    assert {"nat_gateways", "interface_endpoints", "office_hours"} <= saved.keys()
    assert {"nat_gateways", "interface_endpoints", "office_hours"} & priced(HOME, plans["dev"])[1].keys() == set()
