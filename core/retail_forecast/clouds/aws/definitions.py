"""What SageMaker is asked to train, as data: a work, the environment that it runs in and its settings to a request.

Hosts have no way to the network but to each other, and what passes between them is encrypted. Fields are those of
CreateTrainingJob and CreateHyperParameterTuningJob (Amazon SageMaker API Reference).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from retail_forecast.clouds.aws.outputs import Outputs
from retail_forecast.clouds.aws.requests import (
    Definition,
    hosts_of,
    image_of,
    name_of,
    network_of,
    root_of,
    seconds_of,
    tags_of,
)
from retail_forecast.domain.settings import AwsSettings

__all__ = ["OBJECTIVE", "Search", "Work", "training_definition", "tuning_definition"]

OBJECTIVE = "validation:macro_f1"
"""The metric that tuning looks at; the container writes it, as it does the other one."""

_METRICS = [
    {"Name": name, "Regex": rf"{name}=([0-9.]+)"} for name in (OBJECTIVE, OBJECTIVE.replace("macro_f1", "accuracy"))
]
_CHECKPOINTS = "/opt/ml/checkpoints"
_TUNING_NAME_LIMIT = 32


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


def training_definition(outputs: Outputs, aws: AwsSettings, work: Work, version: str) -> Definition:
    """The training job of `work`; the same work in the same circumstances has the same name.

    Parameters
    ----------
    version : tag of the image, where the settings name none

    Raises
    ------
    UsageError : the settings ask for more than the environment allows
    """
    root = root_of(outputs, "training", work.name)
    request = {
        **_common(outputs, aws, work, version),
        "HyperParameters": dict(work.hyperparameters),
        "Tags": tags_of(outputs),
    }
    name = name_of(outputs, request)
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
        "Tags": tags_of(outputs),
    }
    return Definition(name_of(outputs, request, _TUNING_NAME_LIMIT), root_of(outputs, "training", work.name), request)


def _common(outputs: Outputs, aws: AwsSettings, work: Work, version: str) -> dict[str, Any]:
    """What training jobs and the jobs of a tuning have in common."""
    root, seconds = root_of(outputs, "training", work.name), seconds_of(outputs, aws)
    stopping = {"MaxRuntimeInSeconds": seconds}
    if aws.spot:
        stopping["MaxWaitTimeInSeconds"] = max(seconds, round(aws.max_wait_hours * 3600))
    algorithm = {"TrainingImage": image_of(outputs, aws, "train", version), "TrainingInputMode": "File"}
    return {
        "AlgorithmSpecification": {**algorithm, "MetricDefinitions": _METRICS},
        "RoleArn": outputs.sagemaker_role_arn,
        "InputDataConfig": [_channel(root, name, work.hosts) for name in work.channels],
        "OutputDataConfig": {"S3OutputPath": f"{root}/output", "KmsKeyId": outputs.kms_key_arns["data"]},
        "ResourceConfig": hosts_of(outputs, aws, work.hosts),
        "VpcConfig": network_of(outputs),
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
