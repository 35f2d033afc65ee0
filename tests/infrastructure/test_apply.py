"""All of it is applied to an emulated AWS and destroyed again, with the state in the bucket that `bootstrap` makes."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from tests.infrastructure.conftest import Ground

pytestmark = pytest.mark.slow

NAME = "retail-forecast-dev"
PROFILE = "-var-file=profiles/emulator.tfvars"
STATE = "dev.tfstate"
KINDS = {"alarms", "buckets", "clusters", "groups", "networks", "repositories", "roles", "tables", "topics"}


@pytest.fixture(scope="module")
def cloud(aws_server: str) -> Callable[[str], Any]:
    """Clients of the emulated AWS."""

    def client(service: str) -> Any:  # noqa: ANN401 - boto3 has no types
        keys = {"aws_access_key_id": "nobody", "aws_secret_access_key": "nothing"}
        return boto3.client(service, endpoint_url=aws_server, region_name="ap-southeast-1", **keys)

    return client


@pytest.fixture(scope="module")
def state_bucket(
    copied: Callable[[], Path], opened: "Callable[..., Ground]", cloud: Callable[[str], Any]
) -> dict[str, str]:
    """What `bootstrap` says of the bucket that it made."""
    root = opened(copied() / "bootstrap")
    root.done("apply", "-input=false", "-auto-approve", "-var=owner=nobody@example.com", "-var=s3_path_style=true")
    backend: dict[str, str] = json.loads(root.done("output", "-json", "backend"))
    # The emulator speaks no TLS, without which the policy lets nobody in.
    with pytest.raises(ClientError, match=r"Forbidden|AccessDenied"):
        cloud("s3").put_object(Bucket=backend["bucket"], Key="x", Body=b"")
    cloud("s3").delete_bucket_policy(Bucket=backend["bucket"])
    return backend


@pytest.fixture(scope="module")
def made(copied: Callable[[], Path], opened: "Callable[..., Ground]", state_bucket: dict[str, str]) -> "Ground":
    """The root, applied, with its state in the bucket."""
    folder = copied()
    (folder / "backend_override.tf").unlink()
    given = state_bucket | {"key": STATE, "use_path_style": "true"}
    root = opened(folder, *(f"-backend-config={name}={value}" for name, value in given.items()))
    root.done("apply", "-input=false", "-auto-approve", "-parallelism=20", PROFILE)
    return root


def left(cloud: Callable[[str], Any]) -> dict[str, list[str]]:
    """What bears the environment's name, by service; without trails, for the emulator deletes none by its ARN."""
    found = {
        "buckets": [b["Name"] for b in cloud("s3").list_buckets()["Buckets"]],
        "clusters": cloud("eks").list_clusters()["clusters"],
        "repositories": [r["repositoryName"] for r in cloud("ecr").describe_repositories()["repositories"]],
        "tables": cloud("dynamodb").list_tables()["TableNames"],
        "groups": [g["logGroupName"] for g in cloud("logs").describe_log_groups()["logGroups"]],
        "roles": [r["RoleName"] for r in cloud("iam").list_roles(MaxItems=1000)["Roles"]],
        "topics": [t["TopicArn"] for t in cloud("sns").list_topics()["Topics"]],
        "alarms": [a["AlarmName"] for a in cloud("cloudwatch").describe_alarms()["MetricAlarms"]],
        "networks": [str(v.get("Tags")) for v in cloud("ec2").describe_vpcs()["Vpcs"]],
    }
    return {kind: named for kind, names in found.items() if (named := [name for name in names if NAME in name])}


def empty(cloud: Callable[[str], Any], bucket: str) -> None:
    """Delete every version of every object, as teardown does before it destroys."""
    client = cloud("s3")
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = page.get("Versions", []) + page.get("DeleteMarkers", [])
        if found:
            objects = [{name: version[name] for name in ("Key", "VersionId")} for version in found]
            client.delete_objects(Bucket=bucket, Delete={"Objects": objects})


def test_apply_and_destroy(made: "Ground", cloud: Callable[[str], Any], state_bucket: dict[str, str]) -> None:
    outputs = {name: out["value"] for name, out in json.loads(made.done("output", "-json")).items()}
    assert set(left(cloud)) == KINDS
    assert outputs["zone_uris"]["lake"] == f"s3://{outputs['bucket_names']['lake']}/lake"
    encryption = cloud("s3").get_bucket_encryption(Bucket=outputs["bucket_names"]["lake"])
    (rule,) = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"]["KMSMasterKeyID"] == outputs["kms_key_arns"]["data"]
    assert cloud("cloudtrail").get_trail_status(Name=outputs["trail_name"])["IsLogging"]

    # Whoever holds the lock keeps others out.
    lock = {"Bucket": state_bucket["bucket"], "Key": f"{STATE}.tflock"}
    cloud("s3").put_object(**lock, Body=b'{"ID": "1", "Operation": "OperationTypeApply", "Who": "somebody@else"}')
    refused = made.run("apply", "-input=false", "-auto-approve", PROFILE)
    assert refused.returncode != 0
    assert re.search(r"Error acquiring the state lock", refused.stderr)
    cloud("s3").delete_object(**lock)

    for purpose in ("lake", "artifacts", "audit"):
        empty(cloud, outputs["bucket_names"][purpose])
    made.done("destroy", "-input=false", "-auto-approve", "-parallelism=20", PROFILE)
    assert left(cloud) == {}
    assert made.done("state", "list") == ""
