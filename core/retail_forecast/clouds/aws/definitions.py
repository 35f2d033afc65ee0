"""What SageMaker is asked to do, as data: a work, the environment that it runs in and its settings to a request.

Limits are those that IAM puts on whoever starts jobs (`aws/infra/modules/training`): a request beyond them is refused
here, before it is sent. Hosts have no way to the network but to each other, and what passes between them is encrypted.
Fields are those of CreateTrainingJob and CreateHyperParameterTuningJob (Amazon SageMaker API Reference).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from retail_forecast.bundle.manifest import digest_of
from retail_forecast.clouds.aws.outputs import Outputs
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import AwsSettings

__all__ = ["OBJECTIVE", "Definition", "Search", "Work", "training_definition", "tuning_definition"]

OBJECTIVE = "validation:macro_f1"
"""The metric that tuning looks at; the container writes it, as it does the other one."""

_METRICS = [
    {"Name": name, "Regex": rf"{name}=([0-9.]+)"} for name in (OBJECTIVE, OBJECTIVE.replace("macro_f1", "accuracy"))
]
_CHECKPOINTS = "/opt/ml/checkpoints"
_DIGITS, _FEWEST_DIGITS = 16, 6
_NAME_LIMIT, _TUNING_NAME_LIMIT = 63, 32
_ATTEMPT = len("-9")


@dataclass(frozen=True, slots=True)
class Work:
    """What a job is to do.

    Attributes
    ----------
    name : digest of all that the result depends on, but for image and machine
    hyperparameters : all of them text
    hosts : how many learn together
    channels : names of the data channels; of `gold` each host takes its part
    """

    name: str
    hyperparameters: Mapping[str, str]
    hosts: int
    channels: tuple[str, ...] = ("gold",)


@dataclass(frozen=True, slots=True)
class Search:
    """What a tuning is to search.

    Attributes
    ----------
    ranges : ParameterRanges, as `models.search.sagemaker_ranges` gives them
    trials, seed : how many jobs, and the seed that their settings are drawn by
    timeout_s : after which the tuning ends; None for no such limit [s]
    """

    ranges: Mapping[str, Any]
    trials: int
    seed: int
    timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Definition:
    """A request without its name: `name` is what the first attempt is called, by a digest of the request.

    Attributes
    ----------
    root : where what the job reads and writes lies
    request : all that is sent beside the name
    """

    name: str
    root: str
    request: dict[str, Any]


def training_definition(outputs: Outputs, aws: AwsSettings, work: Work, version: str) -> Definition:
    """The training job of `work`; the same work in the same circumstances has the same name.

    Parameters
    ----------
    version : tag of the image, where the settings name none

    Raises
    ------
    UsageError : the settings ask for more than the environment allows
    """
    root = _root(outputs, work)
    request = {
        **_common(outputs, aws, work, version),
        "HyperParameters": dict(work.hyperparameters),
        "Tags": _tags(outputs),
    }
    name = _name(outputs, request, _NAME_LIMIT)
    # Progress of another image, or of other machines, is not taken up.
    request["CheckpointConfig"] = {"S3Uri": f"{root}/checkpoints/{name}", "LocalPath": _CHECKPOINTS}
    return Definition(name, root, request)


def tuning_definition(outputs: Outputs, aws: AwsSettings, work: Work, search: Search, version: str) -> Definition:
    """The tuning that searches `search` by jobs of `work`; parameters and errors as of `training_definition`.

    Settings that are searched are left out of those of the work. Jobs are short and keep no checkpoints.
    """
    searched = {one["Name"] for ranges in search.ranges.values() for one in ranges}
    limits: dict[str, Any] = {
        "MaxNumberOfTrainingJobs": search.trials,
        "MaxParallelTrainingJobs": min(aws.tuning_at_once, search.trials),
    }
    if search.timeout_s is not None:
        limits["MaxRuntimeInSeconds"] = max(120, round(search.timeout_s))
    request = {
        "HyperParameterTuningJobConfig": {
            "Strategy": "Bayesian",
            "HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": OBJECTIVE},
            "ResourceLimits": limits,
            "ParameterRanges": dict(search.ranges),
            "TrainingJobEarlyStoppingType": "Off",
            "RandomSeed": search.seed,
        },
        "TrainingJobDefinition": {
            **_common(outputs, aws, work, version),
            "StaticHyperParameters": {n: v for n, v in work.hyperparameters.items() if n not in searched},
        },
        "Tags": _tags(outputs),
    }
    return Definition(_name(outputs, request, _TUNING_NAME_LIMIT), _root(outputs, work), request)


def _common(outputs: Outputs, aws: AwsSettings, work: Work, version: str) -> dict[str, Any]:
    """What training jobs and the jobs of a tuning have in common."""
    root, key, limits = _root(outputs, work), outputs.kms_key_arns["data"], outputs.training_limits
    seconds = round(aws.max_hours * 3600)
    if aws.instance_type not in limits.instance_types:
        _refuse(f"instances of the type {aws.instance_type}", ", ".join(limits.instance_types), "aws.instance_type")
    if seconds > limits.max_seconds:
        _refuse(f"jobs of {aws.max_hours:g} hours", f"{limits.max_seconds / 3600:g} hours", "aws.max_hours")
    stopping = {"MaxRuntimeInSeconds": seconds}
    if aws.spot:
        stopping["MaxWaitTimeInSeconds"] = max(seconds, round(aws.max_wait_hours * 3600))
    image = aws.train_image or f"{outputs.ecr_repository_urls['train']}:{version}"
    return {
        "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File", "MetricDefinitions": _METRICS},
        "RoleArn": outputs.sagemaker_role_arn,
        "InputDataConfig": [_channel(root, name, work.hosts) for name in work.channels],
        "OutputDataConfig": {"S3OutputPath": f"{root}/output", "KmsKeyId": key},
        "ResourceConfig": {
            "InstanceType": aws.instance_type,
            "InstanceCount": work.hosts,
            "VolumeSizeInGB": aws.volume_gb,
            "VolumeKmsKeyId": key,
        },
        "VpcConfig": {
            "Subnets": list(outputs.private_subnet_ids),
            "SecurityGroupIds": [outputs.jobs_security_group_id],
        },
        "StoppingCondition": stopping,
        "EnableManagedSpotTraining": aws.spot,
        "EnableNetworkIsolation": True,
        "EnableInterContainerTrafficEncryption": work.hosts > 1,
        "RetryStrategy": {"MaximumRetryAttempts": 2},
    }


def _channel(root: str, name: str, hosts: int) -> dict[str, Any]:
    dealt = "ShardedByS3Key" if name == "gold" and hosts > 1 else "FullyReplicated"
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{root}/input/{name}/", "S3DataDistributionType": dealt}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "InputMode": "File"}


def _root(outputs: Outputs, work: Work) -> str:
    return f"s3://{outputs.bucket_names['artifacts']}/training/{work.name[:_DIGITS]}"


def _tags(outputs: Outputs) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in sorted(outputs.tags.items())]


def _name(outputs: Outputs, request: Mapping[str, Any], limit: int) -> str:
    """The environment's name, for which alone IAM allows jobs, and as much of the digest as the limit leaves."""
    digits = min(_DIGITS, limit - _ATTEMPT - len(outputs.name) - 1)
    if digits < _FEWEST_DIGITS:
        raise UsageError(
            f"names of tunings have {limit} characters at most, and {outputs.name}- leaves too few",
            where="aws.project",
            mend="set the environment up under a shorter name",
        )
    return f"{outputs.name}-{digest_of(msgspec.json.encode(request, order='sorted'))[:digits]}"


def _refuse(asked: str, allowed: str, key: str) -> None:
    raise UsageError(
        f"the environment does not allow {asked}, but {allowed}",
        where=key,
        mend="change the setting, or training_instance_types and training_max_hours of the environment",
    )
