"""Requests for jobs: within what the environment allows, and named by what they ask for."""

from typing import Any

import msgspec
import pytest

from retail_forecast.clouds.aws.definitions import (
    OBJECTIVE,
    Search,
    Work,
    training_definition,
    tuning_definition,
)
from retail_forecast.clouds.aws.outputs import Outputs, TrainingLimits
from retail_forecast.clouds.aws.requests import Definition
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import AwsSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.models.search import sagemaker_ranges, search_space

OUTPUTS = Outputs(
    name="retail-forecast-dev",
    region="ap-southeast-1",
    tags={"Project": "retail-forecast", "Environment": "dev"},
    private_subnet_ids=("subnet-1", "subnet-2"),
    jobs_security_group_id="sg-1",
    bucket_names={"artifacts": "artifacts"},
    zone_uris={},
    kms_key_arns={"data": "arn:aws:kms:ap-southeast-1:123456789012:key/1"},
    ecr_repository_urls={"train": "registry/train"},
    sagemaker_role_arn="arn:aws:iam::123456789012:role/retail-forecast-dev-sagemaker",
    training_limits=TrainingLimits(("ml.m5.xlarge",), 4 * 3600),
)
GIVEN = {"task": "basket", "model": "xgboost", "max_depth": "6", "folds": "3"}


def defined(hosts: int = 1, given: dict[str, str] = GIVEN, **aws: Any) -> Definition:
    return training_definition(OUTPUTS, AwsSettings(**aws), Work("f" * 64, given, hosts), "0.1.0")


def test_a_job_stands_in_the_environment_s_network_under_its_key() -> None:
    definition = defined()
    asked = definition.request
    assert asked["VpcConfig"] == {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}
    key = OUTPUTS.kms_key_arns["data"]
    assert asked["ResourceConfig"]["VolumeKmsKeyId"] == asked["OutputDataConfig"]["KmsKeyId"] == key
    assert asked["EnableNetworkIsolation"]
    assert asked["AlgorithmSpecification"]["TrainingImage"] == "registry/train:0.1.0"
    assert {"Key": "Environment", "Value": "dev"} in asked["Tags"]
    (channel,) = asked["InputDataConfig"]
    assert channel["DataSource"]["S3DataSource"]["S3Uri"] == f"{definition.root}/input/gold/"
    assert definition.root == f"s3://artifacts/training/{'f' * 16}"


def test_several_hosts_take_a_part_each_and_talk_in_secret() -> None:
    asked = defined(hosts=3).request
    assert asked["ResourceConfig"]["InstanceCount"] == 3
    assert asked["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3DataDistributionType"] == "ShardedByS3Key"
    assert asked["EnableInterContainerTrafficEncryption"]
    assert not defined().request["EnableInterContainerTrafficEncryption"]


@pytest.mark.parametrize(
    ("settings", "stopping"),
    [
        ({"spot": False}, {"MaxRuntimeInSeconds": 4 * 3600}),
        ({"max_wait_hours": 5}, {"MaxRuntimeInSeconds": 4 * 3600, "MaxWaitTimeInSeconds": 5 * 3600}),
        ({"max_wait_hours": 1}, {"MaxRuntimeInSeconds": 4 * 3600, "MaxWaitTimeInSeconds": 4 * 3600}),
    ],
)
def test_only_spot_jobs_wait_and_never_less_than_they_run(settings: dict[str, Any], stopping: dict[str, int]) -> None:
    assert defined(**settings).request["StoppingCondition"] == stopping


def test_a_name_stands_for_the_whole_request() -> None:
    first = defined()
    assert defined() == first
    assert first.name.startswith("retail-forecast-dev-")
    others = [
        defined(hosts=2),
        defined(given=GIVEN | {"max_depth": "7"}),
        defined(train_image="registry/train@sha256:1"),
    ]
    assert len({first.name, *(other.name for other in others)}) == 4
    places = {d.request["CheckpointConfig"]["S3Uri"] for d in (first, *others)}
    assert len(places) == 4, "progress of another image is not taken up"


@pytest.mark.parametrize(
    ("settings", "told"),
    [({"instance_type": "ml.p4d.24xlarge"}, "instances of the type ml.p4d"), ({"max_hours": 5}, "jobs of 5 hours")],
)
def test_what_the_environment_does_not_allow_is_not_asked_for(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=f"does not allow {told}"):
        defined(**settings)


def tuning(outputs: Outputs = OUTPUTS, **changed: Any) -> Definition:
    ranges = sagemaker_ranges(search_space(Task.BASKET, "xgboost"))
    work = Work("f" * 64, GIVEN, 1, ("gold", "validation"))
    return tuning_definition(outputs, AwsSettings(), work, Search(ranges, **{"trials": 20, "seed": 7} | changed), "1")


def test_a_tuning_searches_the_declared_space_and_holds_the_rest() -> None:
    asked = tuning(timeout_s=3600).request
    definition, config = asked["TrainingJobDefinition"], asked["HyperParameterTuningJobConfig"]
    assert definition["StaticHyperParameters"] == {"task": "basket", "model": "xgboost"}
    assert config["HyperParameterTuningJobObjective"] == {"Type": "Maximize", "MetricName": OBJECTIVE}
    assert config["ResourceLimits"] == {
        "MaxNumberOfTrainingJobs": 20,
        "MaxParallelTrainingJobs": 2,
        "MaxRuntimeInSeconds": 3600,
    }
    assert config["RandomSeed"] == 7
    assert {"ChannelName": "validation"}.items() <= definition["InputDataConfig"][1].items()
    assert OBJECTIVE in {metric["Name"] for metric in definition["AlgorithmSpecification"]["MetricDefinitions"]}


def test_names_of_tunings_are_short() -> None:
    long = msgspec.structs.replace(OUTPUTS, name="retail-forecast-staging")
    assert len(tuning().name) + len("-9") <= 32
    assert len(tuning(long).name) + len("-9") <= 32
    with pytest.raises(UsageError, match="leaves too few"):
        tuning(msgspec.structs.replace(OUTPUTS, name="a-project-of-20-chars-staging"))
