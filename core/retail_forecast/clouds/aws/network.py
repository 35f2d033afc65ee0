"""What a scope has in the network: made by Terraform, or beside it by EKS and the load balancer controller."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from retail_forecast.clouds.aws.account import Account
from retail_forecast.domain.cloud import Remnant

__all__ = ["in_network", "load_balancers", "target_groups", "vpcs"]

_GONE = {"deleted", "deleting", "terminated", "shutting-down"}


class _Kind(NamedTuple):
    name: str
    operation: str
    items: str
    id: str
    in_vpc: bool = True
    """Whether it counts by the VPC it lies in, whoever made it; otherwise by its tags."""


_KINDS = (
    _Kind("VPC", "describe_vpcs", "Vpcs", "VpcId", False),
    _Kind("subnet", "describe_subnets", "Subnets", "SubnetId"),
    _Kind("NAT gateway", "describe_nat_gateways", "NatGateways", "NatGatewayId"),
    _Kind("VPC endpoint", "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"),
    _Kind("network interface", "describe_network_interfaces", "NetworkInterfaces", "NetworkInterfaceId"),
    _Kind("security group", "describe_security_groups", "SecurityGroups", "GroupId"),
    _Kind("address", "describe_addresses", "Addresses", "AllocationId", False),
    _Kind("volume", "describe_volumes", "Volumes", "VolumeId", False),
    _Kind("launch template", "describe_launch_templates", "LaunchTemplates", "LaunchTemplateId", False),
    _Kind("internet gateway", "describe_internet_gateways", "InternetGateways", "InternetGatewayId", False),
)


def vpcs(account: Account) -> list[str]:
    """Ids of the VPCs of the scope."""
    found = _items(account, _KINDS[0])
    return [vpc["VpcId"] for vpc in found if account.owns(_tags(vpc))]


def in_network(account: Account) -> Iterator[Remnant]:
    """What lies in the VPCs of the scope, and what carries its tags."""
    ours = set(vpcs(account))
    for kind in _KINDS:
        for item in _items(account, kind):
            inside = kind.in_vpc and item.get("VpcId") in ours
            default = kind.name == "security group" and item["GroupName"] == "default"
            if (inside or account.owns(_tags(item))) and not default and _state(item) not in _GONE:
                yield Remnant("ec2", kind.name, item[kind.id])
    for page in account.pages("ec2", "describe_instances"):
        for item in (i for reservation in page["Reservations"] for i in reservation["Instances"]):
            if (item.get("VpcId") in ours or account.owns(_tags(item))) and _state(item) not in _GONE:
                yield Remnant("ec2", "instance", item["InstanceId"])
    yield from (Remnant("elbv2", "load balancer", arn) for arn in load_balancers(account))
    yield from (Remnant("elbv2", "target group", arn) for arn in target_groups(account))


def load_balancers(account: Account) -> list[str]:
    """ARNs of the load balancers in the VPCs of the scope or with its tags."""
    return _balanced(account, "describe_load_balancers", "LoadBalancers", "LoadBalancerArn")


def target_groups(account: Account) -> list[str]:
    """ARNs of the target groups in the VPCs of the scope or with its tags."""
    return _balanced(account, "describe_target_groups", "TargetGroups", "TargetGroupArn")


def _balanced(account: Account, operation: str, items: str, arn: str) -> list[str]:
    ours = set(vpcs(account))
    found = []
    for item in (i for page in account.pages("elbv2", operation) for i in page[items]):
        if item.get("VpcId") in ours:
            found.append(item[arn])
            continue
        told = account.call("elbv2", "describe_tags", ResourceArns=[item[arn]])["TagDescriptions"]
        if account.owns({tag["Key"]: tag["Value"] for one in told for tag in one["Tags"]}):
            found.append(item[arn])
    return found


def _items(account: Account, kind: _Kind) -> Iterator[dict[str, Any]]:
    for page in account.pages("ec2", kind.operation):
        yield from page[kind.items]


def _tags(item: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in item.get("Tags", item.get("TagSet", []))}


def _state(item: dict[str, Any]) -> str:
    state = item.get("State", "")
    return state.get("Name", "") if isinstance(state, dict) else str(state)
