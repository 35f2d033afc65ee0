"""Removal of what Terraform does not know: what an ingress, EKS or the CloudWatch agent made.

Before Terraform destroys, load balancers and endpoints go, for they hold interfaces and security groups of the network,
and buckets, image repositories and model package groups are emptied. After it, the rest that is nobody's goes. What is
gone already is no fault.
"""

from collections.abc import Callable

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.belongings import belongings
from retail_forecast.clouds.aws.buckets import bucket_names, empty_bucket
from retail_forecast.clouds.aws.network import load_balancers, target_groups, vpcs
from retail_forecast.clouds.aws.packages import empty_group
from retail_forecast.clouds.aws.refusals import Refused
from retail_forecast.domain.cloud import Remnant, Standing, Tell
from retail_forecast.domain.errors import PlaceError

__all__ = ["empty_stores", "remove_endpoints", "remove_ingress", "remove_rest"]

Pause = Callable[[float], None]

_PAUSE_S, _ROUNDS = 5.0, 60
"""Between two looks whether interfaces are gone, and how many looks: AWS takes some minutes [s]."""

_OF_ENDPOINTS = {
    "endpoint": ("delete_endpoint", "EndpointName"),
    "endpoint configuration": ("delete_endpoint_config", "EndpointConfigName"),
    "model": ("delete_model", "ModelName"),
}

_BALANCER = "ELB "
"""What the description of a load balancer's network interface begins with."""


def remove_ingress(account: Account, tell: Tell, pause: Pause) -> None:
    """Delete load balancers and their target groups, and wait until their network interfaces are gone.

    Raises
    ------
    PlaceError : interfaces were still there after five minutes
    """
    for arn in load_balancers(account):
        tell(f"deleting load balancer {arn}")
        account.call("elbv2", "delete_load_balancer", LoadBalancerArn=arn)
    for arn in target_groups(account):
        account.call("elbv2", "delete_target_group", TargetGroupArn=arn)
    for _ in range(_ROUNDS):
        if not (waiting := _balancer_interfaces(account)):
            return
        tell(f"waiting for {len(waiting)} network interfaces of load balancers")
        pause(_PAUSE_S)
    raise PlaceError(
        f"network interfaces of load balancers are still there: {', '.join(waiting)}",
        where=account.scope.name,
        mend="repeat the command in some minutes: it goes on",
    )


def remove_endpoints(account: Account, tell: Tell) -> None:
    """Delete SageMaker's endpoints, whose hosts stand in the network, and then what they are made of."""
    for remnant in belongings(account):
        if remnant.kind in _OF_ENDPOINTS:
            operation, name = _OF_ENDPOINTS[remnant.kind]
            account.call("sagemaker", operation, **{name: remnant.name})
            tell(f"deleted {remnant}")


def empty_stores(account: Account, tell: Tell) -> None:
    """Empty the buckets, image repositories and model package groups of the scope, as far as no lock keeps what is in
    them."""
    for name in bucket_names(account):
        if gone := empty_bucket(account, name):
            tell(f"emptied bucket {name}: {gone} versions")
    for remnant in belongings(account):
        if remnant.kind == "repository":
            _empty_repository(account, remnant.name)
        if remnant.kind == "model package group" and (gone := empty_group(account, remnant.name)):
            tell(f"emptied {remnant}: {gone} packages")


def remove_rest(account: Account, tell: Tell) -> None:
    """Delete what is left and may go: alarms, log groups, interfaces, groups, volumes, trails, buckets, images."""
    found = [remnant for remnant in belongings(account) if remnant.standing == Standing.STANDS]
    for kind, done, remove in _REMOVALS:
        for remnant in (r for r in found if r.kind == kind):
            try:
                remove(account, remnant)
            except Refused as error:
                tell(f"{remnant} stays: {error.what}")
            else:
                tell(f"{done} {remnant}")


def _balancer_interfaces(account: Account) -> list[str]:
    if not (ours := vpcs(account)):
        return []
    wanted = [{"Name": "vpc-id", "Values": ours}]
    found = [
        i
        for page in account.pages("ec2", "describe_network_interfaces", Filters=wanted)
        for i in page["NetworkInterfaces"]
    ]
    return [i["NetworkInterfaceId"] for i in found if i.get("Description", "").startswith(_BALANCER)]


def _empty_repository(account: Account, name: str) -> None:
    for page in account.pages("ecr", "list_images", repositoryName=name):
        if images := page["imageIds"]:
            account.call("ecr", "batch_delete_image", repositoryName=name, imageIds=images)


def _alarm(account: Account, remnant: Remnant) -> None:
    account.call("cloudwatch", "delete_alarms", AlarmNames=[remnant.name])


def _interface(account: Account, remnant: Remnant) -> None:
    account.call("ec2", "delete_network_interface", NetworkInterfaceId=remnant.name)


def _rules(account: Account, remnant: Remnant) -> None:
    (group,) = account.call("ec2", "describe_security_groups", GroupIds=[remnant.name])["SecurityGroups"]
    for direction, rules in (("ingress", group["IpPermissions"]), ("egress", group["IpPermissionsEgress"])):
        if rules:
            account.call("ec2", f"revoke_security_group_{direction}", GroupId=remnant.name, IpPermissions=rules)


def _security_group(account: Account, remnant: Remnant) -> None:
    account.call("ec2", "delete_security_group", GroupId=remnant.name)


def _volume(account: Account, remnant: Remnant) -> None:
    account.call("ec2", "delete_volume", VolumeId=remnant.name)


def _log_group(account: Account, remnant: Remnant) -> None:
    account.call("logs", "delete_log_group", logGroupName=remnant.name)


def _trail(account: Account, remnant: Remnant) -> None:
    account.call("cloudtrail", "delete_trail", Name=remnant.name)


def _repository(account: Account, remnant: Remnant) -> None:
    account.call("ecr", "delete_repository", repositoryName=remnant.name, force=True)


def _bucket(account: Account, remnant: Remnant) -> None:
    empty_bucket(account, remnant.name)
    account.call("s3", "delete_bucket", Bucket=remnant.name)


_REMOVALS: tuple[tuple[str, str, Callable[[Account, Remnant], None]], ...] = (
    ("alarm", "deleted", _alarm),
    ("network interface", "deleted", _interface),
    ("security group", "revoked the rules of", _rules),
    ("security group", "deleted", _security_group),
    ("volume", "deleted", _volume),
    ("log group", "deleted", _log_group),
    ("trail", "deleted", _trail),
    ("repository", "deleted", _repository),
    ("bucket", "deleted", _bucket),
)
"""By kind, in the order in which one frees the next: groups that allow each other keep each other."""
