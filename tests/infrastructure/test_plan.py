"""Rules that every plan keeps: tags, encryption, nothing public, an end to what is kept; a planted fault is found."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

TAGS = {"Project", "Environment", "Owner", "ExpiresAt"}
PROFILES = ("dev", "prod", "rest")
Plan = dict[str, Any]
Plans = dict[str, Plan]


def made(plan: Plan, kind: str | None = None) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Address, known arguments and those that are not known yet, of each resource that the plan makes."""
    for change in plan["resource_changes"]:
        if change["mode"] == "managed" and kind in {None, change["type"]}:
            yield change["address"], change["change"]["after"], change["change"]["after_unknown"]


def told(arguments: dict[str, Any], unknown: dict[str, Any], *path: str | int) -> bool:
    """Whether an argument is given: known and not empty, or the attribute of something that is yet to be made."""
    value: Any = arguments
    hidden: Any = unknown
    for step in path:
        value = value[step] if _has(value, step) else None
        hidden = hidden if hidden is True else (hidden[step] if _has(hidden, step) else None)
    return bool(value) or hidden is True


def _has(value: Any, step: str | int) -> bool:  # noqa: ANN401 - a part of a plan
    return step in value if isinstance(value, dict) else isinstance(value, list) and int(step) < len(value)


def untagged(plan: Plan) -> list[str]:
    """What could carry tags and lacks one of ours; of launch templates also what is made of them."""
    faults = [name for name, known, _ in made(plan) if "tags_all" in known and not set(known["tags_all"] or {}) >= TAGS]
    for name, known, _ in made(plan, "aws_launch_template"):
        kinds = {part["resource_type"]: set(part["tags"]) for part in known["tag_specifications"]}
        if not all(kinds.get(kind, set()) >= TAGS for kind in ("instance", "network-interface", "volume")):
            faults.append(name)
    return faults


SHUT = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")


def open_buckets(plan: Plan) -> list[str]:
    """Buckets that lack a block of public access, versions, encryption, or the rule that only TLS is answered."""
    guards: dict[str, Callable[[dict[str, Any]], bool]] = {
        "aws_s3_bucket_public_access_block": lambda known: all(known[name] for name in SHUT),
        "aws_s3_bucket_versioning": lambda known: known["versioning_configuration"][0]["status"] == "Enabled",
        "aws_s3_bucket_server_side_encryption_configuration": lambda known: bool(known["rule"]),
        "aws_s3_bucket_policy": _tls_only,
        "aws_s3_bucket_lifecycle_configuration": lambda known: bool(known["rule"]),
    }
    keys = {key_of(name): name for name, _, _ in made(plan, "aws_s3_bucket")}
    faults = []
    for kind, holds in guards.items():
        guarded = {key_of(name) for name, known, _ in made(plan, kind) if holds(known)}
        faults += [f"{name}: {kind}" for key, name in keys.items() if key not in guarded]
    return faults


def key_of(address: str) -> str:
    """What stands in the brackets of an address."""
    return address.partition("[")[2].rstrip("]")


def _tls_only(known: dict[str, Any]) -> bool:
    statements = json.loads(known["policy"])["Statement"] if known.get("policy") else []
    wanted = {"Bool": {"aws:SecureTransport": "false"}}
    return any(s["Effect"] == "Deny" and s["Action"] == "s3:*" and s["Condition"] == wanted for s in statements)


# What must be given, by type of resource: a key, or the word that AWS's own key is to be used.
ENCRYPTED: dict[str, tuple[tuple[str | int, ...], ...]] = {
    "aws_athena_workgroup": (
        ("configuration", 0, "result_configuration", 0, "encryption_configuration", 0, "kms_key_arn"),
    ),
    "aws_cloudtrail": (("kms_key_id",), ("enable_log_file_validation",)),
    "aws_cloudwatch_log_group": (("kms_key_id",), ("retention_in_days",)),
    "aws_dynamodb_table": (("server_side_encryption", 0, "kms_key_arn"), ("point_in_time_recovery", 0, "enabled")),
    "aws_ecr_repository": (
        ("encryption_configuration", 0, "kms_key"),
        ("image_scanning_configuration", 0, "scan_on_push"),
    ),
    "aws_eks_cluster": (("encryption_config", 0, "provider", 0, "key_arn"),),
    "aws_glue_job": (("security_configuration",),),
    "aws_kms_key": (("enable_key_rotation",),),
    "aws_launch_template": (("block_device_mappings", 0, "ebs", 0, "encrypted"),),
    "aws_sagemaker_feature_group": (
        ("online_store_config", 0, "security_config", 0, "kms_key_id"),
        ("offline_store_config", 0, "s3_storage_config", 0, "kms_key_id"),
    ),
    "aws_sns_topic": (("kms_master_key_id",),),
}


def unencrypted(plan: Plan) -> list[str]:
    """What lies or travels in the clear, or is kept without an end."""
    return [
        f"{name}: {'.'.join(map(str, path))}"
        for kind, paths in ENCRYPTED.items()
        for name, known, unknown in made(plan, kind)
        for path in paths
        if not told(known, unknown, *path)
    ]


def exposed(plan: Plan) -> list[str]:
    """What the internet reaches, or would if it knew how."""
    faults = [name for name, known, _ in made(plan, "aws_vpc_security_group_ingress_rule") if _everyone(known)]
    faults += [name for name, known, _ in made(plan, "aws_subnet") if known["map_public_ip_on_launch"]]
    for name, known, _ in made(plan, "aws_eks_cluster"):
        network = known["vpc_config"][0]
        if network["endpoint_public_access"] and "0.0.0.0/0" in (network["public_access_cidrs"] or ["0.0.0.0/0"]):
            faults.append(name)
    for name, known, _ in made(plan, "aws_launch_template"):
        options = known["metadata_options"][0]
        if (options["http_tokens"], options["http_put_response_hop_limit"]) != ("required", 1):
            faults.append(name)
    return faults


def _everyone(rule: dict[str, Any]) -> bool:
    return "0.0.0.0/0" in str(rule.get("cidr_ipv4")) or "::/0" in str(rule.get("cidr_ipv6"))


RULES = (untagged, open_buckets, unencrypted, exposed)


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_plan_keeps_the_rule(plans: Plans, profile: str, rule: Callable[[Plan], list[str]]) -> None:
    assert rule(plans[profile]) == []


def test_every_kind_that_may_be_encrypted_is_looked_at(plans: Plans) -> None:
    kinds = {change["type"] for plan in plans.values() for change in plan["resource_changes"]}
    assert set(ENCRYPTED) <= kinds


FAULTS: dict[str, tuple[Callable[[Plan], list[str]], str, Callable[[dict[str, Any]], Any]]] = {
    "no owner": (untagged, "aws_kms_key", lambda known: known["tags_all"].pop("Owner")),
    "untagged volumes": (untagged, "aws_launch_template", lambda known: known.update(tag_specifications=[])),
    "public policy": (open_buckets, "aws_s3_bucket_public_access_block", lambda k: k.update(block_public_policy=False)),
    "no versions": (
        open_buckets,
        "aws_s3_bucket_versioning",
        lambda k: k.update(versioning_configuration=[{"status": "Suspended"}]),
    ),
    "plain http": (open_buckets, "aws_s3_bucket_policy", lambda known: known.update(policy='{"Statement": []}')),
    "logs for ever": (unencrypted, "aws_cloudwatch_log_group", lambda known: known.update(retention_in_days=0)),
    "open port": (exposed, "aws_vpc_security_group_ingress_rule", lambda known: known.update(cidr_ipv4="0.0.0.0/0")),
    "public api": (
        exposed,
        "aws_eks_cluster",
        lambda k: k["vpc_config"][0].update(endpoint_public_access=True, public_access_cidrs=None),
    ),
    "metadata for pods": (
        exposed,
        "aws_launch_template",
        lambda k: k["metadata_options"][0].update(http_tokens="optional"),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(plans: Plans, fault: str) -> None:
    rule, kind, plant = FAULTS[fault]
    plan = copy.deepcopy(plans["dev"])
    change = next(c for c in plan["resource_changes"] if c["type"] == kind and c["mode"] == "managed")
    plant(change["change"]["after"])
    assert rule(plan) != []


def test_a_bucket_without_a_guard_is_found(plans: Plans) -> None:
    plan = copy.deepcopy(plans["dev"])
    plan["resource_changes"] = [c for c in plan["resource_changes"] if c["type"] != "aws_s3_bucket_policy"]
    assert len(open_buckets(plan)) == 4


def test_a_key_that_is_not_given_is_found(plans: Plans) -> None:
    plan = copy.deepcopy(plans["dev"])
    change = next(c["change"] for c in plan["resource_changes"] if c["type"] == "aws_sns_topic")
    change["after_unknown"].pop("kms_master_key_id", None)
    assert unencrypted(plan) == ["module.observability.aws_sns_topic.alerts: kms_master_key_id"]


@pytest.mark.parametrize("profile", ["dev", "prod"])
def test_the_audit_trail_cannot_be_rewritten(plans: Plans, profile: str) -> None:
    plan = plans[profile]
    ((_, lock, _),) = made(plan, "aws_s3_bucket_object_lock_configuration")
    mode = {"dev": "GOVERNANCE", "prod": "COMPLIANCE"}[profile]
    assert lock["rule"][0]["default_retention"][0]["mode"] == mode
    buckets = {name: known["object_lock_enabled"] for name, known, _ in made(plan, "aws_s3_bucket")}
    assert [name for name, locked in buckets.items() if locked] == ['module.lake.aws_s3_bucket.this["audit"]']
    ((_, trail, _),) = made(plan, "aws_cloudtrail")
    assert trail["is_multi_region_trail"]


def test_only_prod_is_guarded_against_teardown(plans: Plans) -> None:
    guarded = {
        profile: {
            name for name, known, _ in made(plans[profile]) if (known.get("tags") or {}).get("Protected") == "true"
        }
        for profile in ("dev", "prod")
    }
    assert guarded["dev"] == set()
    assert guarded["prod"] == {
        'module.lake.aws_s3_bucket.this["artifacts"]',
        'module.lake.aws_s3_bucket.this["lake"]',
    }
    tables = {
        p: [known["deletion_protection_enabled"] for _, known, _ in made(plans[p], "aws_dynamodb_table")]
        for p in guarded
    }
    assert tables == {"dev": [False], "prod": [True]}


def test_dev_is_cheap_where_prod_is_safe(plans: Plans) -> None:
    count = {p: len([*made(plans[p], "aws_nat_gateway")]) for p in ("dev", "prod")}
    assert count == {"dev": 1, "prod": 2}
    assert len([*made(plans["dev"], "aws_scheduler_schedule")]) == 4
    assert {known["vpc_endpoint_type"] for _, known, _ in made(plans["dev"], "aws_vpc_endpoint")} == {"Gateway"}
    capacity = {key_of(name): known["capacity_type"] for name, known, _ in made(plans["prod"], "aws_eks_node_group")}
    assert capacity == {'"serving"': "ON_DEMAND", '"jobs"': "SPOT"}


def test_the_cluster_is_upgraded_rather_than_billed_for_extended_support(plans: Plans) -> None:
    ((_, cluster, _),) = made(plans["prod"], "aws_eks_cluster")
    assert cluster["upgrade_policy"] == [{"support_type": "STANDARD"}]
    versions = {key_of(name): known["addon_version"] for name, known, _ in made(plans["prod"], "aws_eks_addon")}
    assert {'"metrics-server"', '"amazon-cloudwatch-observability"', '"vpc-cni"'} <= set(versions)
    assert all(versions.values())
