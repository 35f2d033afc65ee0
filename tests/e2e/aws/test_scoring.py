"""`predict --cloud aws`: the answers of this machine, by a batch transform with the server."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from retail_forecast.cli.main import run
from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.jobs import TRANSFORM, Started, ended, stop
from retail_forecast.clouds.aws.outputs import account_of, outputs_of
from retail_forecast.clouds.aws.transform import transform_definition
from retail_forecast.domain.errors import PlaceError
from retail_forecast.domain.settings import load_settings
from retail_forecast.domain.tasks import Task
from retail_forecast.pipeline import transform_job
from retail_forecast.pipeline.elsewhere import SageMaker, sagemaker
from retail_forecast.pipeline.transform_job import predict_elsewhere
from retail_forecast.pipeline.workspace import lake_state

Call = Callable[..., tuple[int, dict[str, Any]]]
Filled = tuple[Path, dict[str, Any]]

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def account(workspace: Path) -> Account:
    return account_of(outputs_of(workspace, load_settings(workspace).aws))


@pytest.fixture
def scored(workspace: Path, filled: Filled) -> Callable[..., tuple[str, int]]:
    """Scores weeks, which no other test asks about."""

    def score(first: int, last: int, told: list[str] | None = None) -> tuple[str, int]:
        return predict_elsewhere(
            workspace,
            load_settings(workspace),
            workspace / "answers.csv",
            model=filled[1]["run_id"],
            task=Task.BASKET,
            from_week=first,
            to_week=last,
            log=(told if told is not None else []).append,
        )

    return score


@pytest.fixture
def weeks(workspace: Path) -> list[int]:
    return sorted(lake_state(workspace).weeks)


def models(account: Account) -> list[str]:
    return [one["ModelName"] for page in account.pages("sagemaker", "list_models") for one in page["Models"]]


@pytest.mark.parametrize("task", ["basket", "flat"])
def test_the_answers_of_the_cloud_are_those_of_this_machine(
    filled: Filled, workspace: Path, verb_in: Call, account: Account, task: str
) -> None:
    run_id = filled[1]["run_id"]
    if task == "flat":
        run_id = verb_in(workspace, "train", "--task", "flat", "--model", "tree")[1]["run_id"]
    words = ["predict", "--model", run_id, "--task", task, "--output"]
    code, here = verb_in(workspace, *words, str(workspace / "here.parquet"))
    assert code == 0, here
    code, there = verb_in(workspace, *words, str(workspace / "there.parquet"), "--cloud", "aws")
    assert code == 0, there
    assert {**there, "output": ""} == {**here, "output": ""}
    local, cloud = (pq.read_table(workspace / f"{name}.parquet") for name in ("here", "there"))
    assert cloud.schema == local.schema
    for name in ("basket_id", "label"):
        assert cloud[name].equals(local[name])
    for name in local.column_names[2:]:
        np.testing.assert_allclose(cloud[name], local[name], rtol=0, atol=1e-6)
    assert models(account) == []


def test_a_repeat_takes_the_answers_that_are_there(
    scored: Callable[..., tuple[str, int]], weeks: list[int], workspace: Path, account: Account
) -> None:
    found = scored(weeks[0], weeks[0])
    first, told = (workspace / "answers.csv").read_bytes(), list[str]()
    assert scored(weeks[0], weeks[0], told) == found
    assert (workspace / "answers.csv").read_bytes() == first
    assert any("was started before" in line for line in told)
    outputs = outputs_of(workspace, load_settings(workspace).aws)
    bucket, below = outputs.bucket_names["artifacts"], f"weeks-{weeks[0]}-{weeks[0]}.jsonl.out"
    pages = account.pages("s3", "list_objects_v2", Bucket=bucket, Prefix="scoring/")
    (key,) = (one["Key"] for page in pages for one in page["Contents"] if one["Key"].endswith(below))
    account.call("s3", "delete_object", Bucket=bucket, Key=key)
    again: list[str] = []
    assert scored(weeks[0], weeks[0], again) == found
    assert any(line.endswith("-2 started") for line in again), "what a job left is gone, and made again"


def test_a_server_that_does_not_start_is_told_with_the_end_of_its_log(
    scored: Callable[..., tuple[str, int]], weeks: list[int], account: Account, order: Callable[..., None]
) -> None:
    order(damaged=1)
    with pytest.raises(PlaceError, match=r"batch transform failed: ClientError: .*/aws/sagemaker/TransformJobs/.*"):
        scored(weeks[1], weeks[1])
    assert models(account) == []
    assert scored(weeks[1], weeks[1])[1] > 0, "the next attempt"


def test_an_interruption_stops_the_job_and_removes_its_model(
    scored: Callable[..., tuple[str, int]],
    weeks: list[int],
    account: Account,
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    def impatient(*given: Any) -> SageMaker:
        return replace(sagemaker(*given), pause=interrupt)

    told: list[str] = []
    monkeypatch.setattr(transform_job, "sagemaker", impatient)
    with pytest.raises(KeyboardInterrupt):
        scored(weeks[2], weeks[2], told)
    assert models(account) == []
    name = next(line for line in told if line.endswith(" started")).split()[2]
    place = sagemaker(workspace, load_settings(workspace), 1, told.append)
    with pytest.raises(PlaceError, match="was stopped"):
        ended(account, Started(TRANSFORM, name, there=True), told.append, place.pause)
    monkeypatch.setattr(transform_job, "sagemaker", sagemaker)
    assert scored(weeks[2], weeks[2])[1] > 0, "the next attempt"


def test_a_job_that_has_ended_cannot_be_stopped(
    scored: Callable[..., tuple[str, int]], weeks: list[int], account: Account
) -> None:
    told: list[str] = []
    scored(weeks[3], weeks[3], told)
    with pytest.raises(PlaceError):
        stop(account, TRANSFORM, next(line for line in told if line.endswith(" started")).split()[2])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--task", "arrival"], "followed from week to week"),
        (["--engine", "spark"], "weeks, cloud and engine"),
        (["--from-week", "203001"], "no week from 203001"),
        (["--environment", "prod"], "outputs of the environment cannot be read"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_sent(
    filled: Filled, workspace: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["predict", "--cloud", "aws", "--model", filled[1]["run_id"], "--output", "x.csv", *words]
    assert run([*given, "--workspace", str(workspace)]) == 2
    assert told in capsys.readouterr().err


def test_more_than_a_payload_holds_is_refused(account: Account, workspace: Path) -> None:
    """The limits of the service, as the stand-in holds them."""
    aws = load_settings(workspace).aws
    definition = transform_definition(outputs_of(workspace, aws), aws, "f" * 64, ("x.jsonl",), "1")
    request = definition.request | {"TransformJobName": "x", "MaxPayloadInMB": 60}
    with pytest.raises(PlaceError, match="must not exceed 100 MB"):
        account.call("sagemaker", "create_transform_job", **request)
