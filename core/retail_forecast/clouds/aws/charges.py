"""What each kind of resource of a Terraform plan bills: units a month of named prices.

A kind is either billed here or named among those that cost nothing; any other is unknown, which is an error and not
zero. What the plan does not make, but its use brings along (load balancer, traffic, training), is here as well.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["BILLED", "FREE", "HOURS_MONTH", "Brought", "Units", "beside_the_plan"]

HOURS_MONTH = 730.0
"""Hours of a month, as AWS counts them."""


class Units(NamedTuple):
    """Units of a price that a resource takes in a month; `idle` when it takes them unused."""

    price: str
    units: float
    idle: bool = True


@dataclass(frozen=True, slots=True)
class Brought:
    """What a charge is worked out from: the resource's planned values, the workload, the plan's variables, and how many
    resources of the kind there are."""

    values: Mapping[str, Any]
    workload: Mapping[str, float]
    variables: Mapping[str, Any]
    count: int

    @property
    def share(self) -> float:
        """Part of the workload's traffic that this environment has."""
        return 1.0 if self.variables.get("environment") == "prod" else self.workload["dev_share"]

    @property
    def hours(self) -> float:
        """Hours a month that nodes run."""
        return self.workload["office_hours_month"] if self.variables.get("office_hours") else HOURS_MONTH

    def per(self, name: str) -> float:
        """A quantity of the workload, in this environment and dealt out over the resources of the kind."""
        return self.workload[name] * self.share / self.count


def _node_group(b: Brought) -> Iterator[Units]:
    (scaling,) = b.values["scaling_config"]
    kind = b.values["instance_types"][0]
    if b.values["capacity_type"] == "SPOT":
        yield Units(f"spot_{kind}", b.per("job_node_hours_month"), idle=False)
        return
    nodes = max(scaling["desired_size"], b.workload["serving_nodes_mean"] if b.share == 1 else 0)
    yield Units(f"ec2_{kind}", nodes * b.hours)
    yield Units("ebs_gp3", nodes * b.workload["node_disk_gb"] * b.hours / HOURS_MONTH)
    if "amazon-cloudwatch-observability" in (b.variables.get("addon_versions") or {}):
        yield Units("observations", nodes * b.workload["observations_node_million"] * b.hours / HOURS_MONTH)


def _endpoint(b: Brought) -> Iterator[Units]:
    if b.values["vpc_endpoint_type"] == "Interface":
        yield Units("interface_endpoint", b.variables["zones"] * HOURS_MONTH)
        yield Units("interface_traffic", b.per("endpoint_gb"), idle=False)


def _nat(b: Brought) -> Iterator[Units]:
    yield Units("nat_gateway", HOURS_MONTH)
    yield Units("nat_traffic", b.per("nat_gb"), idle=False)


def _bucket(b: Brought) -> Iterator[Units]:
    for purpose in ("lake", "artifacts", "audit"):
        if f"-{purpose}-" in str(b.values.get("bucket")):
            yield Units("s3_standard", b.workload[f"{purpose}_gb"] * b.share)
    if "-artifacts-" in str(b.values.get("bucket")):
        # Servers look there whatever is asked of them; a list costs as much as a write.
        yield Units("s3_writes", b.workload["registry_looks_thousand"])
        yield Units("s3_reads", b.workload["registry_looks_thousand"])
    yield Units("s3_writes", b.per("object_writes_thousand"), idle=False)
    yield Units("s3_reads", b.per("object_reads_thousand"), idle=False)


def _log_group(b: Brought) -> Iterator[Units]:
    """All logs are counted once, over all groups."""
    total = sum(b.per(name) for name in ("log_gb", "flow_log_gb", "control_plane_log_gb"))
    yield Units("logs_ingested", total, idle=False)
    yield Units("logs_kept", total)


def _table(b: Brought) -> Iterator[Units]:
    yield Units("dynamodb_storage", b.per("online_gb"))
    yield Units("dynamodb_recovery", b.per("online_gb"))
    yield Units("dynamodb_writes", b.per("online_writes_million"), idle=False)
    yield Units("dynamodb_reads", b.per("online_reads_million"), idle=False)


def _feature_group(b: Brought) -> Iterator[Units]:
    yield Units("feature_storage", b.per("online_gb"))
    yield Units("feature_writes", b.per("online_writes_million"), idle=False)


def _trail(b: Brought) -> Iterator[Units]:
    if b.variables.get("audit_data_events"):
        yield Units("trail_data_events", b.per("trail_data_events_thousand") / 100, idle=False)


def _key(b: Brought) -> Iterator[Units]:
    yield Units("kms_key", 1)
    yield Units("kms_requests", b.per("kms_requests_thousand") / 10, idle=False)


def _repository(b: Brought) -> Iterator[Units]:
    yield Units("ecr", b.workload["images_gb"] / b.count)


def _one(
    price: str, quantity: str = "", *, idle: bool = True, scale: float = 1.0
) -> Callable[[Brought], Iterator[Units]]:
    """One unit of a price, or a quantity of the workload dealt out over the resources of the kind."""

    def charge(b: Brought) -> Iterator[Units]:
        yield Units(price, b.per(quantity) * scale if quantity else scale, idle)

    return charge


BILLED: dict[str, Callable[[Brought], Iterator[Units]]] = {
    "aws_athena_workgroup": _one("athena_scanned", "athena_tb_month", idle=False),
    "aws_cloudtrail": _trail,
    "aws_cloudwatch_composite_alarm": _one("composite_alarm"),
    "aws_cloudwatch_dashboard": _one("dashboard"),
    "aws_cloudwatch_log_group": _log_group,
    "aws_cloudwatch_log_metric_filter": _one("metric"),
    "aws_cloudwatch_metric_alarm": _one("alarm"),
    "aws_dynamodb_table": _table,
    "aws_ecr_repository": _repository,
    "aws_eip": _one("public_ipv4", scale=HOURS_MONTH),
    "aws_eks_cluster": _one("eks_cluster", scale=HOURS_MONTH),
    "aws_eks_node_group": _node_group,
    "aws_glue_job": _one("glue_dpu", "glue_dpu_hours_month", idle=False),
    "aws_kms_key": _key,
    "aws_nat_gateway": _nat,
    "aws_s3_bucket": _bucket,
    "aws_s3_bucket_intelligent_tiering_configuration": _one("s3_tiering", "lake_objects_thousand"),
    "aws_sagemaker_feature_group": _feature_group,
    "aws_sns_topic": _one("notifications", "mails", idle=False, scale=1e-5),
    "aws_vpc_endpoint": _endpoint,
}

FREE = frozenset(
    {
        "aws_acm_certificate",
        "aws_acm_certificate_validation",
        "aws_athena_named_query",
        "aws_budgets_budget",
        "aws_ce_cost_allocation_tag",
        "aws_default_security_group",
        "aws_ecr_lifecycle_policy",
        "aws_eks_access_entry",
        "aws_eks_access_policy_association",
        "aws_eks_addon",
        "aws_flow_log",
        "aws_glue_catalog_database",
        "aws_glue_catalog_table",
        "aws_glue_security_configuration",
        "aws_glue_trigger",
        "aws_iam_openid_connect_provider",
        "aws_iam_policy",
        "aws_iam_role",
        "aws_iam_role_policy",
        "aws_iam_role_policy_attachment",
        "aws_internet_gateway",
        "aws_kms_alias",
        "aws_launch_template",
        "aws_route",
        "aws_route53_record",
        "aws_route_table",
        "aws_route_table_association",
        "aws_s3_bucket_lifecycle_configuration",
        "aws_s3_bucket_logging",
        "aws_s3_bucket_object_lock_configuration",
        "aws_s3_bucket_ownership_controls",
        "aws_s3_bucket_policy",
        "aws_s3_bucket_public_access_block",
        "aws_s3_bucket_server_side_encryption_configuration",
        "aws_s3_bucket_versioning",
        "aws_sagemaker_model_package_group",
        "aws_scheduler_schedule",
        "aws_security_group",
        "aws_sns_topic_policy",
        "aws_sns_topic_subscription",
        "aws_subnet",
        "aws_vpc",
        "aws_vpc_security_group_egress_rule",
        "aws_vpc_security_group_ingress_rule",
    }
)
"""Kinds that bill nothing themselves; what flows through a flow log is counted with the log groups."""


def beside_the_plan(b: Brought) -> Iterator[tuple[str, Units]]:
    """What is billed although no resource of the plan stands for it."""
    month = b.workload["requests_day"] * b.share * 365 / 12
    answers_gb, requests_gb = (month * b.workload[name] / 1e6 for name in ("answer_kb", "request_kb"))
    balancer = "load balancer of the ingress"
    yield balancer, Units("alb", HOURS_MONTH)
    yield balancer, Units("public_ipv4", b.variables["zones"] * HOURS_MONTH)
    # A capacity unit is 25 new connections a second, or 1 GB an hour; clients that keep connections need less.
    yield balancer, Units("alb_capacity", max(month / 3600 / 25, answers_gb + requests_gb), idle=False)
    yield "answers to the internet", Units("transfer_out", answers_gb, idle=False)
    yield "traffic between zones", Units("transfer_zones", 2 * b.workload["zones_gb"] * b.share, idle=False)
    yield "SageMaker training", Units("training_ml.m5.xlarge", b.workload["training_hours_month"] * b.share, idle=False)
    yield "metrics of server and jobs", Units("metric", b.workload["custom_metrics"], idle=False)
