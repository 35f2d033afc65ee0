"""What Terraform makes agrees with the code that uses it: names are written in one place, or compared here."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from retail_forecast.domain.tasks import Task
from retail_forecast.features.registration import document
from retail_forecast.lake.athena import athena_ddl
from retail_forecast_server.logs import Request
from retail_forecast_server.pulled import Pulled, figures

ROOT = Path(__file__).parents[2]
METRICS = json.loads((ROOT / "aws/metrics.json").read_text("utf-8"))["metrics"]
Plans = dict[str, dict[str, Any]]


def planned(plan: dict[str, Any], kind: str) -> dict[str, dict[str, Any]]:
    """The arguments of each resource of a type, by its key."""
    changes = plan["resource_changes"]
    return {str(c.get("index")): c["change"]["after"] for c in changes if c["type"] == kind and c["mode"] == "managed"}


def manifests() -> Iterator[dict[str, Any]]:
    for file in sorted((ROOT / "aws/k8s").glob("*.yaml")):
        yield from (found for found in yaml.safe_load_all(file.read_text("utf-8")) if found)


def test_the_feature_groups_are_current() -> None:
    assert (ROOT / "aws/feature-groups.json").read_text("utf-8") == document(), "run `make docs`"


def test_feature_groups_are_made_of_that_file(plans: Plans) -> None:
    groups = planned(plans["prod"], "aws_sagemaker_feature_group")
    wanted = {name: spec["features"] for name, spec in json.loads(document()).items()}
    made = {
        name: {f["feature_name"]: f["feature_type"] for f in group["feature_definition"]}
        for name, group in groups.items()
    }
    assert made == wanted


def test_the_online_table_is_the_one_that_the_program_expects(plans: Plans) -> None:
    (table,) = planned(plans["dev"], "aws_dynamodb_table").values()
    assert (table["hash_key"], table["range_key"]) == ("record", None)
    assert table["ttl"] == [{"attribute_name": "expires_s", "enabled": True}]


def test_the_catalogue_has_the_tables_of_the_contract(plans: Plans) -> None:
    place = "s3://retail-forecast-prod-lake-123456789012/lake"
    statements = athena_ddl(place)
    views = planned(plans["prod"], "aws_athena_named_query")
    assert [views[name]["query"] for name in sorted(views)] == [s for s in statements if " VIEW " in s]
    tables = planned(plans["prod"], "aws_glue_catalog_table")
    wanted = {
        re.search(r"TABLE (\w+)", s)[1]: re.search(r"LOCATION '([^']+)'", s)[1]  # type: ignore[index]
        for s in statements
        if " TABLE " in s
    }
    assert {name: table["storage_descriptor"][0]["location"] for name, table in tables.items()} == wanted
    assert tables["gold_baskets"]["parameters"]["table_type"] == "DELTA"
    assert tables["raw_lines"]["storage_descriptor"][0]["columns"][0]["name"] == "text"


def test_each_task_has_a_model_package_group(plans: Plans) -> None:
    assert set(planned(plans["prod"], "aws_sagemaker_model_package_group")) == {str(task) for task in Task}


@pytest.mark.parametrize("profile", ["dev", "prod"])
def test_each_metric_with_limits_has_its_alarm(plans: Plans, profile: str) -> None:
    alarms = planned(plans[profile], "aws_cloudwatch_metric_alarm")
    for name, metric in METRICS.items():
        if "alarm" not in metric:
            assert name not in alarms
            continue
        assert alarms[name]["namespace"] == f"RetailForecast/{profile}"
        assert alarms[name]["metric_name"] == name
        assert alarms[name]["threshold"] == metric["alarm"]["threshold"]
        assert (alarms[name]["dimensions"] or {}) == metric.get("dimensions", {})


def test_each_metric_out_of_logs_has_its_filter(plans: Plans) -> None:
    filters = planned(plans["dev"], "aws_cloudwatch_log_metric_filter")
    assert set(filters) == {name for name, metric in METRICS.items() if metric["source"] != "emf"}


def test_filters_read_fields_that_the_server_logs() -> None:
    now = datetime(2026, 11, 23, tzinfo=UTC)
    fields = {field.encode_name for field in msgspec.structs.fields(Request)} | {
        "event",
        *figures(Pulled(now, now), now),
    }
    for metric in METRICS.values():
        if metric["source"] == "requests":
            read = re.findall(r"log_processed\.(\w+)", metric["pattern"] + metric["value"])
            assert read
            assert set(read) <= fields


def test_the_alarms_know_the_limits_of_the_service() -> None:
    assert (
        METRICS["RequestLatency"]["alarm"] | {"statistic": "p95", "threshold": 200}
        == METRICS["RequestLatency"]["alarm"]
    )
    assert METRICS["LiveAccuracy"]["alarm"]["threshold"] == 0.75


def test_the_composite_alarm_names_every_alarm_of_the_service(plans: Plans) -> None:
    (composite,) = planned(plans["prod"], "aws_cloudwatch_composite_alarm").values()
    alarms = planned(plans["prod"], "aws_cloudwatch_metric_alarm")
    named = set(re.findall(r'ALARM\("retail-forecast-prod-(\w+)"\)', composite["alarm_rule"]))
    audit = {name for name, metric in METRICS.items() if metric["source"] == "trail"}
    assert named == {name for name in alarms if name not in audit | {"0"}}
    assert not planned(plans["dev"], "aws_cloudwatch_composite_alarm")


def test_the_load_balancer_is_watched_once_it_is_known(plans: Plans) -> None:
    watched = {name for name in planned(plans["rest"], "aws_cloudwatch_metric_alarm") if name.startswith("Balancer")}
    assert watched == {"BalancerLatency", "BalancerTargetErrors", "BalancerErrors"}
    assert not [name for name in planned(plans["dev"], "aws_cloudwatch_metric_alarm") if name.startswith("Balancer")]


def test_each_service_account_of_the_manifests_has_its_role(plans: Plans) -> None:
    accounts = {found["metadata"]["name"] for found in manifests() if found["kind"] == "ServiceAccount"}
    assert accounts == set(
        plans["dev"]["planned_values"]["outputs"]["service_account_role_arns"].get("value", accounts)
    )
    assert accounts <= set(planned(plans["dev"], "aws_iam_role"))


def test_pods_ask_for_nodes_that_there_are(plans: Plans) -> None:
    groups = planned(plans["dev"], "aws_eks_node_group")
    there = {label for group in groups.values() for label in group["labels"].items()}
    tainted = {taint["key"] for group in groups.values() for taint in group["taint"]}
    text = "\n".join(json.dumps(found) for found in manifests())
    asked = set(re.findall(r'"(retail-forecast/nodes)": "(\w+)"', text))
    borne = set(re.findall(r'"key": "(retail-forecast/\w+)"', text))
    assert asked
    assert asked <= there
    assert borne == tainted
