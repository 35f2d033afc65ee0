"""Jobs by what AWS says of them: which attempt counts, and why one ended badly."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.jobs import TRAINING, TUNING, Kind, Started, ended, found, submit
from retail_forecast.clouds.aws.requests import Definition
from retail_forecast.domain.cloud import Scope
from retail_forecast.domain.errors import PlaceError

DEFINITION = Definition("retail-forecast-dev-1", "s3://artifacts/training/1", {})
UNWATCHED = TRAINING._replace(group="")
MODEL = {"S3ModelArtifacts": "s3://artifacts/training/1/output/model.tar.gz"}


@pytest.fixture
def account() -> Account:
    return Account(Scope("retail-forecast", "dev", "ap-southeast-1"), attempts=1)


@pytest.fixture
def sagemaker(account: Account) -> Iterator[Stubber]:
    with Stubber(account.client("sagemaker")) as stub:
        yield stub


def described(stub: Stubber, status: str, more: dict[str, Any] | None = None, kind: Kind = TRAINING) -> None:
    """The next answer to describe_."""
    given = {kind.status: status, **(more or {})}
    stub.add_response(f"describe_{kind.word}", {**_whole(kind), **given}, {kind.name: ANY})


def _whole(kind: Kind) -> dict[str, Any]:
    """What every description holds."""
    if kind is TRAINING:
        arn = "arn:aws:sagemaker:ap-southeast-1:123456789012:training-job/x"
        return {
            "TrainingJobName": "x",
            "TrainingJobArn": arn,
            "ModelArtifacts": MODEL,
            "SecondaryStatus": "Stopped",
            "StoppingCondition": {},
            "CreationTime": 0,
        }
    return {
        "HyperParameterTuningJobName": "x",
        "HyperParameterTuningJobArn": "arn:aws:sagemaker:ap-southeast-1:123456789012:hyper-parameter-tuning-job/x",
        "HyperParameterTuningJobConfig": {"Strategy": "Bayesian", "ResourceLimits": {"MaxParallelTrainingJobs": 1}},
        "CreationTime": 0,
        "TrainingJobStatusCounters": {"Completed": 3, "InProgress": 1},
        "ObjectiveStatusCounters": {},
    }


def absent(stub: Stubber) -> None:
    stub.add_client_error("describe_training_job", "ValidationException", "Requested resource not found.")


def test_what_ended_badly_is_passed_over_and_what_runs_is_found(account: Account, sagemaker: Stubber) -> None:
    described(sagemaker, "Failed")
    described(sagemaker, "Stopped")
    described(sagemaker, "InProgress")
    assert found(account, TRAINING, DEFINITION) == Started(TRAINING, "retail-forecast-dev-1-3", there=True)
    described(sagemaker, "Failed")
    absent(sagemaker)
    assert found(account, TRAINING, DEFINITION) == Started(TRAINING, "retail-forecast-dev-1-2", there=False)


@pytest.mark.parametrize("there", [True, False])
def test_a_job_without_its_model_is_not_one_that_ended_well(account: Account, sagemaker: Stubber, there: bool) -> None:
    described(sagemaker, "Completed")
    if not there:
        absent(sagemaker)
    with Stubber(account.client("s3")) as s3:
        if there:
            s3.add_response("head_object", {}, {"Bucket": "artifacts", "Key": "training/1/output/model.tar.gz"})
        else:
            s3.add_client_error("head_object", "404")
        assert found(account, TRAINING, DEFINITION).there is there


def test_attempts_have_an_end(account: Account, sagemaker: Stubber) -> None:
    for _ in range(9):
        described(sagemaker, "Failed")
    with pytest.raises(PlaceError, match="9 attempts ended badly"):
        found(account, TRAINING, DEFINITION)


def test_a_job_that_somebody_else_started_meanwhile_is_no_fault(account: Account, sagemaker: Stubber) -> None:
    sagemaker.add_client_error("create_training_job", "ResourceInUse", "Training job names must be unique")
    request = {"OutputDataConfig": {"S3OutputPath": "s3://artifacts"}, "RoleArn": "arn:aws:iam::123456789012:role/x"}
    submit(account, Definition("x", "", request), Started(TRAINING, "x", there=False))
    sagemaker.assert_no_pending_responses()


@pytest.mark.parametrize(
    ("status", "more", "told", "mend"),
    [
        ("Failed", {"FailureReason": "CapacityError: Unable to provision"}, "failed: CapacityError", "on-demand"),
        ("Failed", {"FailureReason": "AlgorithmError: no tier MM"}, "failed: AlgorithmError: no tier MM", "checkpoint"),
        ("Stopped", {"SecondaryStatus": "MaxWaitTimeExceeded"}, "was stopped: MaxWaitTimeExceeded", "checkpoint"),
    ],
)
def test_a_bad_end_is_told_with_its_reason(
    account: Account, sagemaker: Stubber, status: str, more: dict[str, str], told: str, mend: str
) -> None:
    described(sagemaker, status, more)
    with pytest.raises(PlaceError, match=told) as failed:
        ended(account, Started(UNWATCHED, "x", there=True), lambda _: None, lambda: None)
    assert mend in failed.value.mend


def test_steps_are_told_once(account: Account, sagemaker: Stubber) -> None:
    steps = [{"Status": "Starting", "StartTime": 0}, {"Status": "Training", "StartTime": 1, "StatusMessage": "runs"}]
    described(sagemaker, "InProgress", {"SecondaryStatusTransitions": steps[:1]})
    described(sagemaker, "InProgress", {"SecondaryStatusTransitions": steps})
    times = {"TrainingTimeInSeconds": 90, "BillableTimeInSeconds": 30}
    described(sagemaker, "Completed", {"SecondaryStatusTransitions": steps, **times})
    told: list[str] = []
    ended(account, Started(UNWATCHED, "x", there=True), told.append, lambda: None)
    expected = ["Starting", "Training: runs", "90 s, of which 30 s are paid"]
    assert told == [f"training job x: {line}" for line in expected]


@pytest.mark.parametrize("there", [True, False])
def test_only_a_job_that_was_there_is_not_told_again(account: Account, sagemaker: Stubber, there: bool) -> None:
    described(sagemaker, "Completed", {"SecondaryStatusTransitions": [{"Status": "Starting", "StartTime": 0}]})
    told: list[str] = []
    with Stubber(account.client("logs")) as logs:
        logs.add_response("describe_log_streams", {"logStreams": []})
        about = ended(account, Started(TRAINING, "x", there=there), told.append, lambda: None)
    assert about["TrainingJobStatus"] == "Completed"
    had_ended = "training job x had ended; its log is in /aws/sagemaker/TrainingJobs/x"
    assert told == [had_ended if there else "training job x: Starting"]


def test_a_tuning_tells_its_best_so_far(account: Account, sagemaker: Stubber) -> None:
    best = {
        "TrainingJobName": "x-1",
        "TrainingJobArn": "arn:aws:sagemaker:ap-southeast-1:123456789012:training-job/x-1",
        "CreationTime": 0,
        "TrainingJobStatus": "Completed",
        "TunedHyperParameters": {},
        "FinalHyperParameterTuningJobObjectiveMetric": {"MetricName": "validation:macro_f1", "Value": 0.91},
    }
    described(sagemaker, "Completed", {"BestTrainingJob": best}, TUNING)
    told: list[str] = []
    ended(account, Started(TUNING, "x", there=True), told.append, lambda: None)
    assert told == ["tuning x: 3 jobs done, 1 running; best validation:macro_f1 0.9100"]
