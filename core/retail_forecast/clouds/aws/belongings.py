"""What a scope has in an account, asked service by service: a search by tags does not see everything.

Things with names of their own are found by name, those of the network by the VPC and the tags of whoever made them.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.buckets import bucket_names, locked_until
from retail_forecast.clouds.aws.network import in_network
from retail_forecast.domain.cloud import Remnant, Standing

__all__ = ["LISTED", "Listed", "belongings"]


class Listed(NamedTuple):
    """A kind of thing that one operation lists: where its items are in the answer, and where an item has its name."""

    service: str
    kind: str
    operation: str
    items: str
    name: str = ""
    given: tuple[tuple[str, str], ...] = ()


LISTED = (
    Listed("eks", "cluster", "list_clusters", "clusters"),
    Listed("ecr", "repository", "describe_repositories", "repositories", "repositoryName"),
    Listed("autoscaling", "group", "describe_auto_scaling_groups", "AutoScalingGroups", "AutoScalingGroupName"),
    Listed("dynamodb", "table", "list_tables", "TableNames"),
    Listed("sagemaker", "endpoint", "list_endpoints", "Endpoints", "EndpointName"),
    Listed("sagemaker", "endpoint configuration", "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName"),
    Listed("sagemaker", "model", "list_models", "Models", "ModelName"),
    Listed("sagemaker", "notebook", "list_notebook_instances", "NotebookInstances", "NotebookInstanceName"),
    Listed(
        "sagemaker",
        "model package group",
        "list_model_package_groups",
        "ModelPackageGroupSummaryList",
        "ModelPackageGroupName",
    ),
    Listed("glue", "database", "get_databases", "DatabaseList", "Name"),
    Listed("glue", "job", "get_jobs", "Jobs", "Name"),
    Listed("glue", "trigger", "get_triggers", "Triggers", "Name"),
    Listed("athena", "workgroup", "list_work_groups", "WorkGroups", "Name"),
    Listed("logs", "log group", "describe_log_groups", "logGroups", "logGroupName"),
    Listed("cloudwatch", "alarm", "describe_alarms", "MetricAlarms", "AlarmName"),
    Listed("cloudwatch", "composite alarm", "describe_alarms", "CompositeAlarms", "AlarmName"),
    Listed("cloudwatch", "dashboard", "list_dashboards", "DashboardEntries", "DashboardName"),
    Listed("cloudtrail", "trail", "list_trails", "Trails", "Name"),
    Listed("sns", "topic", "list_topics", "Topics", "TopicArn"),
    Listed("scheduler", "schedule", "list_schedules", "Schedules", "Name"),
    Listed("iam", "role", "list_roles", "Roles", "RoleName"),
    Listed("iam", "policy", "list_policies", "Policies", "PolicyName", (("Scope", "Local"),)),
)


def belongings(account: Account) -> list[Remnant]:
    """All that the scope has, by service.

    Raises
    ------
    PlaceError : a service did not answer; an inventory with gaps would be no inventory
    """
    finders: tuple[Callable[[Account], Iterator[Remnant]], ...] = (
        _buckets,
        in_network,
        _keys,
        _feature_groups,
        _listed,
    )
    found = [remnant for finder in finders for remnant in finder(account)]
    return sorted(found, key=lambda remnant: (remnant.service, remnant.kind, remnant.name))


def _listed(account: Account) -> Iterator[Remnant]:
    for listed in LISTED:
        for page in account.pages(listed.service, listed.operation, **dict(listed.given)):
            for item in page.get(listed.items, []):
                name = item[listed.name] if listed.name else item
                if _is_of(account.scope.name, name.rpartition(":")[2]):
                    yield Remnant(listed.service, listed.kind, name)


def _is_of(scope: str, name: str) -> bool:
    """Whether a name, or a part of a path such as /aws/eks/NAME/cluster, is the scope's; Glue writes _ for -."""
    parts = name.replace("_", "-").split("/")
    return any(part == scope or part.startswith(f"{scope}-") for part in parts)


def _buckets(account: Account) -> Iterator[Remnant]:
    for name in bucket_names(account):
        end = locked_until(account, name)
        yield Remnant("s3", "bucket", name, Standing.LOCKED if end else Standing.STANDS, end)


def _feature_groups(account: Account) -> Iterator[Remnant]:
    """By their tags: of these the tagging service knows all."""
    tags = {"Project": account.scope.project, "Environment": account.scope.environment}
    wanted = [{"Key": key, "Values": [value]} for key, value in tags.items()]
    given = {"TagFilters": wanted, "ResourceTypeFilters": ["sagemaker:feature-group"]}
    for page in account.pages("resourcegroupstaggingapi", "get_resources", **given):
        for found in page["ResourceTagMappingList"]:
            yield Remnant("sagemaker", "feature group", found["ResourceARN"].rpartition("/")[2])


def _keys(account: Account) -> Iterator[Remnant]:
    """The scope's keys, by their tags; a key that waits for its deletion costs nothing."""
    for page in account.pages("kms", "list_keys"):
        for key in page["Keys"]:
            about = account.call("kms", "describe_key", KeyId=key["KeyId"])["KeyMetadata"]
            if about["KeyManager"] == "AWS":
                continue
            tags = account.call("kms", "list_resource_tags", KeyId=key["KeyId"]).get("Tags", [])
            if not account.owns({tag["TagKey"]: tag["TagValue"] for tag in tags}):
                continue
            if about["KeyState"] == "PendingDeletion":
                yield Remnant("kms", "key", key["KeyId"], Standing.PENDING, about["DeletionDate"].date())
            else:
                yield Remnant("kms", "key", key["KeyId"])
