"""Model packages: the mirror of runs in Amazon SageMaker's Model Registry, for people and pipelines that look there.

The registry of record decides; a package bears its run's name as description, and is made once and told again of the
run's standing as often as one likes. Its container is the server's image with the bundle as its model, so that an
approved package is all that an endpoint needs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from retail_forecast.clouds.aws.account import Account
from retail_forecast.domain.errors import PlaceError, UsageError

__all__ = ["Package", "approved_package", "empty_group", "mirror_package", "package_request"]

_NOTE_LIMIT = 1024
_VALUE_LIMIT = 256
_FACTS_LIMIT = 50
_TOKEN_LIMIT = 36
_INSTANCES = ["ml.c6i.large", "ml.m5.large", "ml.m5.xlarge", "ml.t2.medium"]


@dataclass(frozen=True, slots=True)
class Package:
    """What a model package holds.

    Attributes
    ----------
    group : model package group of the task
    run_id, digest : the run, and the digest of its bundle
    image : of the server
    bundle, record : s3:// addresses of the bundle's folder and of the run's record
    facts : figures, windows and data state, as text
    """

    group: str
    run_id: str
    digest: str
    image: str
    bundle: str
    record: str
    facts: Mapping[str, str]


def package_request(package: Package, status: str) -> dict[str, Any]:
    """What CreateModelPackage is asked for."""
    model = {"S3Uri": f"{package.bundle}/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    return {
        "ModelPackageGroupName": package.group,
        "ModelPackageDescription": package.run_id,
        "ModelApprovalStatus": status,
        "InferenceSpecification": {
            "Containers": [{"Image": package.image, "ModelDataSource": {"S3DataSource": model}}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
            "SupportedRealtimeInferenceInstanceTypes": _INSTANCES,
        },
        "ModelMetrics": {
            "ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": package.record}},
        },
        "CustomerMetadataProperties": _facts(package),
        # The same package asked for twice, because an answer got lost, is made once.
        "ClientToken": package.digest[:_TOKEN_LIMIT],
    }


def mirror_package(account: Account, package: Package, status: str, why: str) -> str:
    """Make the package of a run where it is missing, and tell it the run's standing; returns its ARN.

    Raises
    ------
    Refused : AWS answered with an error
    PlaceError : AWS could not be reached
    """
    arn = _found(account, package.group, package.run_id)
    if arn is None:
        made = account.call("sagemaker", "create_model_package", **package_request(package, status))
        arn = str(made["ModelPackageArn"])
    about = account.call("sagemaker", "describe_model_package", ModelPackageName=arn)
    note = why[:_NOTE_LIMIT]
    if (about["ModelApprovalStatus"], about.get("ApprovalDescription", "")) != (status, note):
        account.call(
            "sagemaker",
            "update_model_package",
            ModelPackageArn=arn,
            ModelApprovalStatus=status,
            ApprovalDescription=note,
            CustomerMetadataProperties=_facts(package),
        )
    return arn


def approved_package(account: Account, group: str, run_id: str) -> str:
    """ARN of the package of a run, which is approved.

    Raises
    ------
    UsageError : there is none, or it is not approved
    Refused : AWS answered with an error
    """
    arn = _found(account, group, run_id)
    if arn is None:
        raise UsageError(
            f"run {run_id} has no model package", where=group, mend=f"python aws/script/register_model.py {run_id}"
        )
    about = account.call("sagemaker", "describe_model_package", ModelPackageName=arn)
    if about["ModelApprovalStatus"] != "Approved":
        raise UsageError(
            f"the model package of {run_id} is {about['ModelApprovalStatus']}: {about.get('ApprovalDescription', '')}",
            where=arn,
            mend=f"promote it first: retail-forecast promote {run_id}",
        )
    if about["ModelPackageStatus"] not in ("Completed", "InProgress", "Pending"):
        raise PlaceError(f"the model package is {about['ModelPackageStatus']}", where=arn, mend="register it again")
    return arn


def empty_group(account: Account, group: str) -> int:
    """Delete the packages of a group, approved ones as well, for AWS deletes no group that has any; returns how many.

    Raises
    ------
    Refused : AWS answered with an error
    """
    arns = [str(summary["ModelPackageArn"]) for summary in _packages(account, group)]
    for arn in arns:
        account.call("sagemaker", "delete_model_package", ModelPackageName=arn)
    return len(arns)


def _facts(package: Package) -> dict[str, str]:
    return {name: value[:_VALUE_LIMIT] for name, value in list(package.facts.items())[:_FACTS_LIMIT]}


def _found(account: Account, group: str, run_id: str) -> str | None:
    for summary in _packages(account, group):
        if summary.get("ModelPackageDescription") == run_id:
            return str(summary["ModelPackageArn"])
    return None


def _packages(account: Account, group: str) -> Iterator[dict[str, Any]]:
    """The packages of a group, newest first."""
    given = {"ModelPackageGroupName": group, "ModelPackageType": "Versioned"}
    order = {"SortBy": "CreationTime", "SortOrder": "Descending"}
    for page in account.pages("sagemaker", "list_model_packages", **given, **order):
        yield from page["ModelPackageSummaryList"]
