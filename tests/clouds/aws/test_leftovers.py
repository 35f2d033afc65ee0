"""What a teardown leaves behind is found, removed as far as it may be, and named otherwise."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from moto.sagemaker.models import sagemaker_backends

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.belongings import belongings
from retail_forecast.clouds.aws.buckets import empty_bucket, locked_until, protected_buckets
from retail_forecast.clouds.aws.removal import empty_stores, remove_endpoints, remove_ingress, remove_rest
from retail_forecast.domain.cloud import Remnant, Standing
from retail_forecast.domain.errors import PlaceError

NAME = "retail-forecast-dev"
ACCOUNT_ID = "123456789012"
TAGS = [{"Key": "Project", "Value": "retail-forecast"}, {"Key": "Environment", "Value": "dev"}]


def silent(_: str) -> None:
    pass


def never(_: float) -> None:
    raise AssertionError("nothing to wait for")


def kinds(account: Account) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for remnant in belongings(account):
        found.setdefault(remnant.kind, []).append(remnant.name)
    return found


def bucket(account: Account, name: str = f"{NAME}-lake-1", *, lock: bool = False, protected: bool = False) -> str:
    where = {"LocationConstraint": account.scope.region}
    account.call("s3", "create_bucket", Bucket=name, CreateBucketConfiguration=where, ObjectLockEnabledForBucket=lock)
    versioning = {"Status": "Enabled"}
    account.call("s3", "put_bucket_versioning", Bucket=name, VersioningConfiguration=versioning)
    tags = [{"Key": "Protected", "Value": str(protected).lower()}]
    account.call("s3", "put_bucket_tagging", Bucket=name, Tagging={"TagSet": tags})
    for content in (b"first", b"second"):
        account.call("s3", "put_object", Bucket=name, Key="till.csv", Body=content)
    account.call("s3", "delete_object", Bucket=name, Key="till.csv")
    account.call("s3", "create_multipart_upload", Bucket=name, Key="unfinished")
    return name


def tagged(kind: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": TAGS}]


def vpc(account: Account) -> str:
    made = account.call("ec2", "create_vpc", CidrBlock="10.40.0.0/16", TagSpecifications=tagged("vpc"))
    return str(made["Vpc"]["VpcId"])


def subnets(account: Account, inside: str) -> list[str]:
    zones = [("10.40.0.0/24", "ap-southeast-1a"), ("10.40.1.0/24", "ap-southeast-1b")]
    made = [account.call("ec2", "create_subnet", VpcId=inside, CidrBlock=c, AvailabilityZone=z) for c, z in zones]
    return [m["Subnet"]["SubnetId"] for m in made]


def balancer(account: Account, inside: str) -> str:
    """A load balancer and its target group, as the load balancer controller makes them for an ingress."""
    tags = [{"Key": "elbv2.k8s.aws/cluster", "Value": NAME}]
    made = account.call(
        "elbv2", "create_load_balancer", Name="k8s-retailfo-server-1", Subnets=subnets(account, inside), Tags=tags
    )
    account.call(
        "elbv2", "create_target_group", Name="k8s-server", Protocol="HTTP", Port=8080, VpcId=inside, TargetType="ip"
    )
    return str(made["LoadBalancers"][0]["LoadBalancerArn"])


def test_an_empty_account_has_nothing(account: Account) -> None:
    assert belongings(account) == []


def test_a_bucket_with_versions_is_found_emptied_and_deleted(account: Account) -> None:
    name = bucket(account)
    assert kinds(account) == {"bucket": [name]}
    assert empty_bucket(account, name) == 3
    remove_rest(account, silent)
    assert belongings(account) == []


def test_a_load_balancer_made_by_an_ingress_goes_with_its_target_group(account: Account) -> None:
    inside = vpc(account)
    balancer(account, inside)
    found = kinds(account)
    assert len(found["load balancer"]) == len(found["target group"]) == 1
    remove_ingress(account, silent, never)
    assert kinds(account).keys() == {"VPC", "subnet"}


def test_endpoints_go_with_what_they_are_made_of_and_their_alarms(account: Account) -> None:
    role = "arn:aws:iam::123456789012:role/x"
    model, config = f"{NAME}-basket-1a", f"{NAME}-basket-2b"
    account.call("sagemaker", "create_model", ModelName=model, ExecutionRoleArn=role, PrimaryContainer={"Image": "x"})
    one = {"VariantName": "a", "ModelName": model, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    account.call("sagemaker", "create_endpoint_config", EndpointConfigName=config, ProductionVariants=[one])
    account.call("sagemaker", "create_endpoint", EndpointName=f"{NAME}-basket", EndpointConfigName=config)
    rule = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 0.0, "Period": 60}
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "Invocation5XXErrors", "Statistic": "Sum"}
    account.call("cloudwatch", "put_metric_alarm", AlarmName=f"{NAME}-basket-errors", **metric, **rule)
    assert kinds(account).keys() == {"endpoint", "endpoint configuration", "model", "alarm"}
    remove_endpoints(account, silent)
    assert kinds(account).keys() == {"alarm"}
    remove_rest(account, silent)
    assert belongings(account) == []


@pytest.fixture
def packages_can_be_deleted(account: Account) -> Iterator[None]:
    """moto keeps model packages but deletes none: here each deletion takes one out of what it keeps."""
    kept = sagemaker_backends[ACCOUNT_ID][account.scope.region].model_packages
    event, events = "before-call.sagemaker.DeleteModelPackage", account.client("sagemaker").meta.events

    def delete(params: dict[str, Any], **_: object) -> tuple[AWSResponse, dict[str, Any]]:
        del kept[json.loads(params["body"])["ModelPackageName"]]
        return AWSResponse(params["url"], 200, {}, None), {}

    events.register(event, delete)
    yield
    events.unregister(event, delete)


@pytest.mark.usefixtures("packages_can_be_deleted")
def test_packages_of_models_go_before_their_groups_and_those_of_others_stay(account: Account) -> None:
    groups = [f"{NAME}-basket", f"{NAME}-flat", "retail-forecast-prod-basket"]
    for group in groups:
        account.call("sagemaker", "create_model_package_group", ModelPackageGroupName=group)
    for group, status in ((groups[0], "Approved"), (groups[0], "Rejected"), (groups[2], "Approved")):
        account.call("sagemaker", "create_model_package", ModelPackageGroupName=group, ModelApprovalStatus=status)
    told: list[str] = []
    empty_stores(account, told.append)
    left = account.call("sagemaker", "list_model_packages", ModelPackageType="Both")["ModelPackageSummaryList"]
    assert [one["ModelPackageGroupName"] for one in left] == [groups[2]]
    assert told == [f"emptied sagemaker model package group {groups[0]}: 2 packages"]


def test_interfaces_of_load_balancers_are_waited_for(account: Account) -> None:
    (subnet, _) = subnets(account, vpc(account))
    made = account.call("ec2", "create_network_interface", SubnetId=subnet, Description="ELB app/k8s/1")
    interface = made["NetworkInterface"]["NetworkInterfaceId"]
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            account.call("ec2", "delete_network_interface", NetworkInterfaceId=interface)

    remove_ingress(account, silent, pause)
    assert len(pauses) == 3


def test_interfaces_that_never_go_end_the_wait_with_their_names(account: Account) -> None:
    (subnet, _) = subnets(account, vpc(account))
    made = account.call("ec2", "create_network_interface", SubnetId=subnet, Description="ELB app/k8s/1")
    with pytest.raises(PlaceError, match=made["NetworkInterface"]["NetworkInterfaceId"]):
        remove_ingress(account, silent, lambda _: None)


def test_free_interfaces_and_groups_that_eks_made_are_deleted(account: Account) -> None:
    inside = vpc(account)
    (subnet, _) = subnets(account, inside)
    account.call("ec2", "create_network_interface", SubnetId=subnet, Description="aws-K8S-i-1")
    about = {"GroupName": f"eks-cluster-sg-{NAME}-1", "Description": "made by EKS", "VpcId": inside}
    group = account.call("ec2", "create_security_group", **about)["GroupId"]
    other = account.call("ec2", "create_security_group", **about | {"GroupName": "k8s-server"})["GroupId"]
    for one, allowed in ((group, other), (other, group)):
        rule = [{"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": allowed}]}]
        account.call("ec2", "authorize_security_group_ingress", GroupId=one, IpPermissions=rule)
    found = kinds(account)
    assert len(found["network interface"]) == 1
    assert sorted(found["security group"]) == sorted([group, other])
    remove_rest(account, silent)
    assert kinds(account).keys() == {"VPC", "subnet"}


def test_log_groups_images_and_volumes_are_deleted(account: Account) -> None:
    account.call("logs", "create_log_group", logGroupName=f"/aws/containerinsights/{NAME}/performance")
    account.call("ecr", "create_repository", repositoryName=f"{NAME}/server")
    about = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"digest": "sha256:1"},
    }
    manifest = json.dumps(about | {"layers": []})
    account.call("ecr", "put_image", repositoryName=f"{NAME}/server", imageManifest=manifest, imageTag="1")
    volume = [{"ResourceType": "volume", "Tags": [{"Key": f"kubernetes.io/cluster/{NAME}", "Value": "owned"}]}]
    account.call("ec2", "create_volume", AvailabilityZone="ap-southeast-1a", Size=1, TagSpecifications=volume)
    assert kinds(account).keys() == {"log group", "repository", "volume"}
    empty_stores(account, silent)
    assert account.call("ecr", "list_images", repositoryName=f"{NAME}/server")["imageIds"] == []
    remove_rest(account, silent)
    assert belongings(account) == []


def test_what_may_not_be_removed_is_named(account: Account) -> None:
    inside = vpc(account)
    account.call("sns", "create_topic", Name=f"{NAME}-alerts")
    remove_rest(account, silent)
    assert kinds(account) == {"VPC": [inside], "topic": [f"arn:aws:sns:ap-southeast-1:123456789012:{NAME}-alerts"]}


def test_a_locked_version_is_left_with_its_day(account: Account) -> None:
    name = bucket(account, f"{NAME}-audit-1", lock=True)
    until = datetime.now(UTC) + timedelta(days=30)
    account.call(
        "s3",
        "put_object",
        Bucket=name,
        Key="trail.json",
        Body=b"{}",
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=until,
        ChecksumAlgorithm="SHA256",
    )
    assert empty_bucket(account, name) == 3
    assert locked_until(account, name) == until.date()
    remove_rest(account, silent)
    assert belongings(account) == [Remnant("s3", "bucket", name, Standing.LOCKED, until.date())]


def test_a_key_that_waits_for_its_deletion_is_told_with_its_day(account: Account) -> None:
    tags = [{"TagKey": tag["Key"], "TagValue": tag["Value"]} for tag in TAGS]
    key = account.call("kms", "create_key", Tags=tags)["KeyMetadata"]["KeyId"]
    assert belongings(account) == [Remnant("kms", "key", key)]
    account.call("kms", "schedule_key_deletion", KeyId=key, PendingWindowInDays=7)
    (remnant,) = belongings(account)
    assert remnant.standing == Standing.PENDING
    assert remnant.until is not None


def test_protected_buckets_are_told(account: Account) -> None:
    bucket(account, f"{NAME}-lake-1", protected=True)
    bucket(account, f"{NAME}-artifacts-1")
    assert protected_buckets(account) == [f"{NAME}-lake-1"]
