"""What the requests for jobs of all kinds have in common: names, hosts, network, images, and what IAM allows.

Limits are those that IAM puts on whoever starts jobs (`aws/infra/modules/training`): a request beyond them is refused
here, before it is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from retail_forecast.bundle.manifest import digest_of
from retail_forecast.clouds.aws.outputs import Outputs
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import AwsSettings

__all__ = [
    "NAME_LIMIT",
    "Definition",
    "hosts_of",
    "image_of",
    "instance_type_of",
    "name_of",
    "network_of",
    "root_of",
    "seconds_of",
    "tags_of",
]

NAME_LIMIT = 63
"""Characters of a job's name, but for tunings."""

_DIGITS, _FEWEST_DIGITS = 16, 6
_ATTEMPT = len("-9")


@dataclass(frozen=True, slots=True)
class Definition:
    """A request without its name: `name` is what the first attempt is called, by a digest of the request.

    Attributes
    ----------
    root : where what the job reads and writes lies
    request : all that is sent beside the name
    model : request of the model that the job needs, which is made before it
    output : where the job leaves the objects of `leaves`, where these are known beforehand
    leaves : last parts of their keys
    """

    name: str
    root: str
    request: dict[str, Any]
    model: dict[str, Any] | None = None
    output: str = ""
    leaves: tuple[str, ...] = ()


def name_of(outputs: Outputs, request: Mapping[str, Any], limit: int = NAME_LIMIT) -> str:
    """The environment's name, for which alone IAM allows jobs, and as much of the digest as the limit leaves.

    Raises
    ------
    UsageError : the limit leaves too little
    """
    digits = min(_DIGITS, limit - _ATTEMPT - len(outputs.name) - 1)
    if digits < _FEWEST_DIGITS:
        raise UsageError(
            f"names of tunings have {limit} characters at most, and {outputs.name}- leaves too few",
            where="aws.project",
            mend="set the environment up under a shorter name",
        )
    return f"{outputs.name}-{digest_of(msgspec.json.encode(request, order='sorted'))[:digits]}"


def root_of(outputs: Outputs, purpose: str, work: str) -> str:
    """Where jobs of a purpose read and write, for the digest of a work."""
    return f"s3://{outputs.bucket_names['artifacts']}/{purpose}/{work[:_DIGITS]}"


def tags_of(outputs: Outputs) -> list[dict[str, str]]:
    """The tags of the environment."""
    return [{"Key": key, "Value": value} for key, value in sorted(outputs.tags.items())]


def network_of(outputs: Outputs) -> dict[str, list[str]]:
    """Where hosts stand: VpcConfig."""
    return {"Subnets": list(outputs.private_subnet_ids), "SecurityGroupIds": [outputs.jobs_security_group_id]}


def image_of(outputs: Outputs, aws: AwsSettings, image: Literal["train", "server"], version: str) -> str:
    """The image that the settings name, else the one in the environment's repository.

    Parameters
    ----------
    version : tag of the image, where the settings name none
    """
    named = {"train": aws.train_image, "server": aws.server_image}[image]
    return named or f"{outputs.ecr_repository_urls[image]}:{version}"


def hosts_of(outputs: Outputs, aws: AwsSettings, count: int) -> dict[str, Any]:
    """What hosts a job has: ResourceConfig and ClusterConfig.

    Raises
    ------
    UsageError : the environment does not allow them
    """
    return {
        "InstanceType": instance_type_of(outputs, aws),
        "InstanceCount": count,
        "VolumeSizeInGB": aws.volume_gb,
        "VolumeKmsKeyId": outputs.kms_key_arns["data"],
    }


def instance_type_of(outputs: Outputs, aws: AwsSettings) -> str:
    """The instance type of the settings.

    Raises
    ------
    UsageError : the environment does not allow it
    """
    allowed = outputs.training_limits.instance_types
    if aws.instance_type not in allowed:
        _refuse(f"instances of the type {aws.instance_type}", ", ".join(allowed), "aws.instance_type")
    return aws.instance_type


def seconds_of(outputs: Outputs, aws: AwsSettings) -> int:
    """The longest running time of the settings [s].

    Raises
    ------
    UsageError : the environment does not allow it
    """
    seconds, most = round(aws.max_hours * 3600), outputs.training_limits.max_seconds
    if seconds > most:
        _refuse(f"jobs of {aws.max_hours:g} hours", f"{most / 3600:g} hours", "aws.max_hours")
    return seconds


def _refuse(asked: str, allowed: str, key: str) -> None:
    raise UsageError(
        f"the environment does not allow {asked}, but {allowed}",
        where=key,
        mend="change the setting, or training_instance_types and training_max_hours of the environment",
    )
