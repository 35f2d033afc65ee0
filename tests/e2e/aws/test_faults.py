"""A job in the cloud whatever goes wrong: each fault is injected, told for what it is, and got over by a repeat."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from retail_forecast.bundle.manifest import read_manifest
from retail_forecast.clouds.aws.jobs import TRAINING, ended, stop
from retail_forecast.clouds.aws.refusals import Refusal, Refused
from retail_forecast.domain.errors import BundleError, PlaceError
from retail_forecast.domain.settings import TrainSettings, load_settings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.reading import read_gold
from retail_forecast.pipeline.elsewhere import SageMaker, sagemaker
from retail_forecast.pipeline.together import Job, job_of
from retail_forecast.pipeline.workspace import lake_path, lake_state

pytestmark = pytest.mark.usefixtures("aws")

_SEEDS = count(1)
TREES = {"n_estimators": 24, "max_depth": 3}


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def place(workspace: Path, told: list[str]) -> SageMaker:
    return sagemaker(workspace, load_settings(workspace), 1, told.append)


@pytest.fixture
def job_with(workspace: Path, place: SageMaker) -> Callable[..., Job]:
    """A job that no other test has, learning from a week."""
    state = lake_state(workspace)
    gold = read_gold(lake_path(workspace), state, sorted(state.weeks)[:2])
    seed = next(_SEEDS)

    def job(**own: Any) -> Job:
        settings = TrainSettings(seed=seed, threads=1)
        rows = np.arange(len(gold.label))
        return job_of(place, Task.BASKET, ("xgboost", TREES | own), gold, rows, settings, {})

    return job


def files(carried_out: AbstractContextManager[Path]) -> dict[str, str]:
    """Digests of the files of the bundle that a job left."""
    with carried_out as folder:
        return read_manifest(folder).files


def attempts(place: SageMaker, job: Job) -> list[str]:
    """Statuses of the attempts of a job."""
    client, name, found = place.account.client("sagemaker"), place.training(job).definition.name, []
    for attempt in (name, f"{name}-2", f"{name}-3"):
        try:
            found.append(client.describe_training_job(TrainingJobName=attempt)["TrainingJobStatus"])
        except client.exceptions.ClientError:
            break
    return found


def test_throttled_calls_are_repeated(
    place: SageMaker, job_with: Callable[..., Job], order: Callable[..., None]
) -> None:
    job = job_with()
    for operation in ("CreateTrainingJob", "DescribeTrainingJob"):
        order(operation=operation, code="ThrottlingException", times=2)
    assert files(place.carried_out(job))
    assert attempts(place, job) == ["Completed"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("AccessDeniedException", Refusal.PERMISSION),
        ("ResourceLimitExceeded", Refusal.QUOTA),
        ("ExpiredTokenException", Refusal.CREDENTIALS),
    ],
)
def test_a_refusal_starts_nothing(
    place: SageMaker, job_with: Callable[..., Job], order: Callable[..., None], code: str, kind: Refusal
) -> None:
    job = job_with()
    order(operation="CreateTrainingJob", code=code)
    with pytest.raises(Refused) as refused:
        place.start(place.training(job))
    assert refused.value.kind is kind
    assert attempts(place, job) == []


def test_credentials_that_expire_meanwhile_cost_no_second_job(
    place: SageMaker, job_with: Callable[..., Job], order: Callable[..., None], told: list[str]
) -> None:
    job = job_with()
    place.start(place.training(job))
    order(operation="DescribeTrainingJob", code="ExpiredTokenException")
    with pytest.raises(Refused, match="ExpiredToken"):
        files(place.carried_out(job))
    assert files(place.carried_out(job))
    assert attempts(place, job) == ["Completed"]
    assert any("was started before" in line for line in told)


def test_a_job_that_fails_says_why_and_is_tried_again_under_another_name(
    place: SageMaker, job_with: Callable[..., Job]
) -> None:
    job = job_with(depth="deep")
    for _ in range(2):
        with pytest.raises(PlaceError, match=r"AlgorithmError: .*depth.*exit code: 2"):
            files(place.carried_out(job))
    assert attempts(place, job) == ["Failed", "Failed"]


def test_a_job_that_loses_its_host_goes_on_to_the_same_model(
    place: SageMaker, job_with: Callable[..., Job], order: Callable[..., None], told: list[str]
) -> None:
    job = job_with()
    order(interrupt=1)
    interrupted = files(place.carried_out(job))
    assert any("Interrupted" in line for line in told)
    # The same work under another name: what the job asked for beside it is not part of the model.
    other = replace(place, aws=place.aws.model_copy(update={"volume_gb": 31}))
    assert files(other.carried_out(job)) == interrupted
    assert attempts(place, job) == ["Completed"]


def test_a_job_that_was_stopped_goes_on_as_the_next_attempt(place: SageMaker, job_with: Callable[..., Job]) -> None:
    job = job_with()
    started = place.start(place.training(job))
    stop(place.account, TRAINING, started.name)
    with pytest.raises(PlaceError, match="was stopped"):
        ended(place.account, started, place.log, place.pause)
    assert files(place.carried_out(job))
    assert attempts(place, job) == ["Stopped", "Completed"]


def test_a_torn_model_is_refused_and_made_again_once_it_is_removed(
    place: SageMaker, job_with: Callable[..., Job], order: Callable[..., None]
) -> None:
    job = job_with()
    order(torn=1)
    with pytest.raises(BundleError, match="cannot be unpacked") as damaged:
        files(place.carried_out(job))
    bucket, _, key = damaged.value.where.removeprefix("s3://").partition("/")
    place.account.call("s3", "delete_object", Bucket=bucket, Key=key)
    assert files(place.carried_out(job))
    assert attempts(place, job) == ["Completed", "Completed"]


def test_a_channel_that_cannot_be_written_is_told(place: SageMaker, job_with: Callable[..., Job]) -> None:
    elsewhere = msgspec.structs.replace(place.outputs, bucket_names={"artifacts": "no-such-bucket"})
    nowhere = replace(place, outputs=elsewhere)
    with pytest.raises(Refused, match="NoSuchBucket") as refused:
        nowhere.start(nowhere.training(job_with()))
    assert refused.value.where.startswith("s3://no-such-bucket/training/")
