"""Teardown from end to end over an emulated account; the ground that Terraform destroys is empty here."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.place import Aws
from retail_forecast.clouds.aws.terraform import Terraform
from retail_forecast.domain.cloud import Remnant, Standing
from retail_forecast.domain.errors import LeftoverError, PlaceError
from retail_forecast.pipeline.cloud import down

NAME = "retail-forecast-dev"
TAGS = [{"Key": "Project", "Value": "retail-forecast"}, {"Key": "Environment", "Value": "dev"}]


def silent(_: object) -> None:
    pass


def yes(_: object) -> bool:
    return True


def no(_: object) -> bool:
    return False


@pytest.fixture
def aws(account: Account, tmp_path: Path) -> Aws:
    if shutil.which("terraform") is None:
        pytest.skip("Terraform is not installed")
    infra = tmp_path / "infra"
    (infra / "profiles").mkdir(parents=True)
    (infra / "main.tf").write_text('terraform {\n  backend "local" {}\n}\n', "utf-8")
    profile = infra / "profiles/dev.tfvars"
    profile.touch()
    terraform = Terraform(infra, profile, (), silent)
    return Aws(account, terraform, tmp_path, tmp_path / "work", silent, silent)


def bucket(account: Account, purpose: str, *, protected: bool = False, lock: bool = False) -> str:
    name = f"{NAME}-{purpose}-1"
    where = {"LocationConstraint": account.scope.region}
    account.call("s3", "create_bucket", Bucket=name, CreateBucketConfiguration=where, ObjectLockEnabledForBucket=lock)
    tags = {"TagSet": [{"Key": "Protected", "Value": str(protected).lower()}]}
    account.call("s3", "put_bucket_tagging", Bucket=name, Tagging=tags)
    account.call("s3", "put_object", Bucket=name, Key="till.csv", Body=b"")
    return name


def plant(account: Account) -> str:
    """What ingress, EKS and agents make beside Terraform, in a VPC that Terraform made; returns the VPC."""
    given = [{"ResourceType": "vpc", "Tags": TAGS}]
    made = account.call("ec2", "create_vpc", CidrBlock="10.40.0.0/16", TagSpecifications=given)
    inside = str(made["Vpc"]["VpcId"])
    subnets = [
        account.call("ec2", "create_subnet", VpcId=inside, CidrBlock=f"10.40.{n}.0/24", AvailabilityZone=zone)
        for n, zone in enumerate(("ap-southeast-1a", "ap-southeast-1b"))
    ]
    ids = [subnet["Subnet"]["SubnetId"] for subnet in subnets]
    tags = [{"Key": "elbv2.k8s.aws/cluster", "Value": NAME}]
    account.call("elbv2", "create_load_balancer", Name="k8s-server", Subnets=ids, Tags=tags)
    account.call("ec2", "create_network_interface", SubnetId=ids[0], Description="aws-K8S-i-1")
    group = {"GroupName": f"eks-cluster-sg-{NAME}-1", "Description": "made by EKS", "VpcId": inside}
    account.call("ec2", "create_security_group", **group)
    account.call("logs", "create_log_group", logGroupName=f"/aws/containerinsights/{NAME}/performance")
    account.call("ecr", "create_repository", repositoryName=f"{NAME}/server")
    about = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": []}
    manifest = json.dumps(about | {"config": {"digest": "sha256:1"}})
    account.call("ecr", "put_image", repositoryName=f"{NAME}/server", imageManifest=manifest, imageTag="1")
    bucket(account, "lake")
    return inside


def test_leftovers_go_the_rest_is_named_and_a_repeat_goes_on(aws: Aws, account: Account) -> None:
    inside = plant(account)
    locked = bucket(account, "audit", lock=True)
    until = datetime.now(UTC) + timedelta(days=3)
    lock = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": until, "ChecksumAlgorithm": "SHA256"}
    account.call("s3", "put_object", Bucket=locked, Key="trail.json", Body=b"{}", **lock)

    with pytest.raises(LeftoverError, match=inside) as refused:
        down(aws, yes, silent)
    assert refused.value.exit_code == 6
    assert "3 things still stand" in refused.value.what
    assert {remnant.kind for remnant in aws.remnants()} == {"VPC", "subnet", "bucket"}

    for remnant in aws.remnants():
        if remnant.kind == "subnet":
            account.call("ec2", "delete_subnet", SubnetId=remnant.name)
    account.call("ec2", "delete_vpc", VpcId=inside)
    assert down(aws, yes, silent) == (Remnant("s3", "bucket", locked, Standing.LOCKED, until.date()),)


def test_nothing_is_touched_when_something_is_protected(aws: Aws, account: Account) -> None:
    plant(account)
    guarded = bucket(account, "artifacts", protected=True)
    before = aws.remnants()
    with pytest.raises(PlaceError, match=guarded):
        down(aws, yes, silent)
    assert aws.remnants() == before
    assert "Contents" in account.call("s3", "list_objects_v2", Bucket=f"{NAME}-lake-1")


def test_a_table_with_deletion_protection_is_protected(aws: Aws, account: Account) -> None:
    key = {"AttributeName": "record"}
    account.call(
        "dynamodb",
        "create_table",
        TableName=f"{NAME}-features",
        KeySchema=[key | {"KeyType": "HASH"}],
        AttributeDefinitions=[key | {"AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=True,
    )
    assert aws.protected() == [f"{NAME}-features"]


def test_nothing_is_touched_without_agreement(aws: Aws, account: Account) -> None:
    bucket(account, "lake")
    before = aws.remnants()
    assert down(aws, no, silent) is None
    assert aws.remnants() == before


def test_an_empty_account_is_torn_down_already(aws: Aws) -> None:
    assert down(aws, yes, silent) == ()


def test_terraform_that_fails_is_told_in_its_own_words(aws: Aws) -> None:
    (aws.terraform.folder / "main.tf").write_text("resource {", "utf-8")
    with pytest.raises(PlaceError, match="Error"):
        aws.terraform.init()
