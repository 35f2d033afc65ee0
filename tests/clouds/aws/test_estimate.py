"""The estimate: what a plan costs, worked out from prices that name their source."""

import copy
import json
import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from retail_forecast.cli.main import run
from retail_forecast.clouds.aws.charges import BILLED, FREE
from retail_forecast.clouds.aws.estimate import estimate
from retail_forecast.clouds.aws.prices import read_prices, read_workload
from retail_forecast.clouds.aws.switches import savings
from retail_forecast.domain.errors import UsageError

COST = Path(__file__).parents[3] / "aws/cost"
PRICES = read_prices(COST / "prices.json")
WORKLOAD = read_workload(COST / "workload.yaml")


def resource(kind: str, name: str = "this", **values: Any) -> dict[str, Any]:
    return {"address": f"{kind}.{name}", "type": kind, "mode": "managed", "values": values}


def plan(*resources: dict[str, Any], **variables: Any) -> dict[str, Any]:
    given = {"environment": "prod", "zones": 2, "region": "ap-southeast-1", "office_hours": None} | variables
    child = {"resources": list(resources)}
    return {
        "variables": {name: {"value": value} for name, value in given.items()},
        "planned_values": {"root_module": {"child_modules": [child]}},
    }


def of(kind: str, *resources: dict[str, Any], **variables: Any) -> float:
    """USD a month of the resources of a kind."""
    found = estimate(plan(*resources, **variables), PRICES, WORKLOAD)
    return sum(charge.usd_month for charge in found.charges if charge.what.startswith(kind))


NODES = resource(
    "aws_eks_node_group", capacity_type="ON_DEMAND", instance_types=["t3.medium"], scaling_config=[{"desired_size": 2}]
)
GATEWAYS = (resource("aws_nat_gateway", "a"), resource("aws_nat_gateway", "b"))


def test_a_cluster_costs_its_hours() -> None:
    assert of("aws_eks_cluster", resource("aws_eks_cluster")) == pytest.approx(730 * 0.10)


def test_traffic_is_counted_once_over_all_gateways() -> None:
    one = of("aws_nat_gateway", GATEWAYS[0]) - 730 * 0.059
    assert of("aws_nat_gateway", *GATEWAYS) - 2 * 730 * 0.059 == pytest.approx(one)


def test_an_interface_endpoint_costs_by_the_zone_and_a_gateway_nothing() -> None:
    def hours(zones: int) -> float:
        return of("aws_vpc_endpoint", resource("aws_vpc_endpoint", vpc_endpoint_type="Interface"), zones=zones)

    assert hours(3) - hours(2) == pytest.approx(730 * 0.013)
    assert of("aws_vpc_endpoint", resource("aws_vpc_endpoint", vpc_endpoint_type="Gateway")) == 0


def test_nodes_cost_office_hours_where_they_are_switched_off() -> None:
    always, office = of("aws_eks_node_group", NODES), of("aws_eks_node_group", NODES, office_hours={"start": "x"})
    assert office / always == pytest.approx(WORKLOAD["office_hours_month"] / 730)


def test_what_nobody_has_priced_is_an_error_and_not_zero() -> None:
    with pytest.raises(UsageError, match="aws_redshift_cluster"):
        estimate(plan(resource("aws_redshift_cluster")), PRICES, WORKLOAD)


def test_an_instance_without_a_price_is_an_error() -> None:
    nodes = copy.deepcopy(NODES)
    nodes["values"]["instance_types"] = ["x9.metal"]
    with pytest.raises(UsageError, match=r"ec2_x9\.metal"):
        of("aws_eks_node_group", nodes)


def test_dev_has_its_share_of_the_traffic() -> None:
    def balancer(environment: str) -> float:
        return of("answers", environment=environment)

    assert balancer("dev") == pytest.approx(WORKLOAD["dev_share"] * balancer("prod"))


def test_idle_charges_are_told_apart() -> None:
    found = estimate(plan(*GATEWAYS), PRICES, WORKLOAD)
    assert 2 * 730 * 0.059 < found.idle_usd_month < found.usd_month


def test_switches_tell_what_they_save() -> None:
    endpoint = resource("aws_vpc_endpoint", vpc_endpoint_type="Interface")
    saved = savings(plan(NODES, *GATEWAYS, endpoint), PRICES, WORKLOAD)
    assert saved["nat_gateways"] == pytest.approx(730 * 0.059)
    assert saved["interface_endpoints"] == pytest.approx(of("aws_vpc_endpoint", endpoint))
    assert saved["office_hours"] > 0
    assert "feature_groups" not in saved


def test_every_kind_of_the_ground_is_priced_or_free() -> None:

    text = "".join(file.read_text("utf-8") for file in (COST.parent / "infra").rglob("*.tf"))
    kinds = set(re.findall(r'^resource "(aws_\w+)"', text, re.MULTILINE))
    assert kinds - set(BILLED) - FREE == set()
    assert set(BILLED) & FREE == set()


def test_each_price_names_source_and_day() -> None:
    names = [price.id for price in PRICES.prices]
    assert len(names) == len(set(names))
    for price in PRICES.prices:
        assert price.source.startswith("https://aws.amazon.com/")
        assert date(2025, 1, 1) <= date.fromisoformat(price.date)


def test_a_price_without_a_source_is_refused(tmp_path: Path) -> None:
    table = json.loads((COST / "prices.json").read_text("utf-8"))
    del table["prices"][0]["source"]
    (tmp_path / "prices.json").write_text(json.dumps(table), "utf-8")
    with pytest.raises(UsageError, match="source"):
        read_prices(tmp_path / "prices.json")


def test_the_verb_tells_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = plan(NODES, *GATEWAYS)
    (tmp_path / "plan.json").write_text(json.dumps(given), "utf-8")
    words = ["cloud", "cost", "--plan", str(tmp_path / "plan.json"), "--home", str(COST.parent)]
    assert run([*words, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["usd_month"] == round(estimate(given, PRICES, WORKLOAD).usd_month, 2)
    assert told["switches"].keys() == savings(given, PRICES, WORKLOAD).keys()
    assert run(words) == 0
    assert "Switching nat_gateways would save 43.07 USD a month." in capsys.readouterr().out


def test_prices_of_another_region_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(plan(region="eu-west-1")), "utf-8")
    assert run(["cloud", "cost", "--plan", str(tmp_path / "plan.json"), "--home", str(COST.parent)]) == 2
    assert "eu-west-1" in capsys.readouterr().err
