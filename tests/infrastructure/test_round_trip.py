"""Set up and torn down by the command, over the emulated AWS, with leftovers planted in between."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from retail_forecast.cli.main import run

NAME = "retail-forecast-dev"


@pytest.fixture
def call(
    copied: Callable[[], Path],
    opened: Callable[[Path], Any],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Exit code and document of a verb of `cloud`, for the profile of the emulator."""
    infra = copied()
    for name, value in opened(infra).variables.items():
        if name.startswith(("TF_", "AWS_")):
            monkeypatch.setenv(name, value)
    (infra / "profiles/emulator.tfvars").replace(infra / "profiles/dev.tfvars")

    def calling(verb: str, *words: str) -> tuple[int, dict[str, Any]]:
        given = [verb, *words, "--home", str(infra.parent), "--workspace", str(tmp_path), "--json"]
        code = run(["cloud", *given])
        return code, json.loads(capsys.readouterr().out)

    return calling


def plant() -> None:
    """What an ingress, EKS, an agent and a job make beside Terraform."""
    ec2, elb, s3 = (boto3.client(name, region_name="ap-southeast-1") for name in ("ec2", "elbv2", "s3"))
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "tag:Project", "Values": ["retail-forecast"]}])["Vpcs"]
    inside = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    zones = {subnet["AvailabilityZone"]: subnet["SubnetId"] for subnet in inside}
    tags = [{"Key": "elbv2.k8s.aws/cluster", "Value": NAME}]
    elb.create_load_balancer(Name="k8s-server", Subnets=list(zones.values()), Tags=tags)
    ec2.create_network_interface(SubnetId=inside[0]["SubnetId"], Description="aws-K8S-i-1")
    ec2.create_security_group(GroupName=f"eks-cluster-sg-{NAME}-1", Description="by EKS", VpcId=vpc["VpcId"])
    boto3.client("logs", region_name="ap-southeast-1").create_log_group(logGroupName=f"/aws/eks/{NAME}/agent")
    lake = next(b["Name"] for b in s3.list_buckets()["Buckets"] if b["Name"].startswith(f"{NAME}-lake-"))
    s3.delete_bucket_policy(Bucket=lake)  # it asks for TLS, which the emulator does not speak
    for content in (b"first", b"second"):
        s3.put_object(Bucket=lake, Key="gold/part", Body=content)
    about = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []}
    ecr = boto3.client("ecr", region_name="ap-southeast-1")
    manifest = json.dumps(about | {"config": {"digest": "sha256:1"}})
    ecr.put_image(repositoryName=f"{NAME}/server", imageManifest=manifest, imageTag="1")


@pytest.mark.slow
def test_what_was_set_up_is_torn_down_with_what_others_made(call: Callable[..., tuple[int, dict[str, Any]]]) -> None:
    code, made = call("up", "--yes")
    assert code == 0, made
    assert made["outputs"]["cluster_name"] == NAME
    plant()
    code, standing = call("status")
    kinds = {thing["kind"] for thing in standing["things"]}
    assert {"cluster", "load balancer", "network interface", "log group", "bucket", "repository", "key"} <= kinds
    code, left = call("down", "--yes")
    assert code == 0, left
    assert {(thing["kind"], thing["standing"]) for thing in left["left"]} <= {("key", "pending"), ("bucket", "locked")}
    assert call("down", "--yes") == (0, left)
