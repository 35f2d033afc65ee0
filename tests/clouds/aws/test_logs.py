"""The log of a job, as its lines come."""

from datetime import UTC, datetime

import pytest
from botocore.stub import Stubber

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.jobs import PROCESSING, TRAINING, TRANSFORM, Kind, Started, ended
from retail_forecast.clouds.aws.logs import JobLog, put_lines
from retail_forecast.domain.errors import PlaceError

GROUP = TRAINING.group
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def group(account: Account) -> Account:
    """The account, with the log group of training jobs."""
    account.call("logs", "create_log_group", logGroupName=GROUP)
    return account


def test_lines_are_told_once_and_of_the_job_only(group: Account) -> None:
    log = JobLog(group, GROUP, "ours-1")
    assert log.news() == []
    put_lines(group, GROUP, "ours-1/algo-1-1", ["one", "two"], NOW)
    put_lines(group, GROUP, "ours-1-2/algo-1-1", ["of the next attempt"], NOW)
    assert log.news() == ["one", "two"]
    assert log.news() == []
    put_lines(group, GROUP, "ours-1/algo-1-1", ["three"], NOW)
    put_lines(group, GROUP, "ours-1/algo-2-1", ["of another host"], NOW)
    assert log.news() == ["three", "of another host"]


def test_the_end_is_the_last_lines_with_their_address(group: Account) -> None:
    log = JobLog(group, GROUP, "ours-1")
    assert log.end == ""
    put_lines(group, GROUP, "ours-1/algo-1-1", [f"line {number}" for number in range(9)], NOW)
    log.news()
    assert log.end == f"{GROUP}/ours-1/algo-1-1 ends with line 4 | line 5 | line 6 | line 7 | line 8"


def test_a_group_that_is_not_there_yet_has_no_lines(account: Account) -> None:
    assert JobLog(account, GROUP, "ours-1").news() == []


def test_a_log_that_may_not_be_read_says_so_once(account: Account) -> None:
    log = JobLog(account, GROUP, "ours-1")
    with Stubber(account.client("logs")) as stub:
        for _ in range(2):
            stub.add_client_error("describe_log_streams", "AccessDeniedException", "not authorized")
        (said,) = log.news()
        assert said.startswith(f"its log {GROUP} cannot be read: AWS refused: AccessDeniedException")
        assert log.news() == []


@pytest.mark.parametrize(("kind", "told"), [(PROCESSING, True), (TRANSFORM, False)])
def test_a_failure_is_told_with_the_end_of_the_log(account: Account, kind: Kind, told: bool) -> None:
    account.call("logs", "create_log_group", logGroupName=kind.group)
    put_lines(account, kind.group, "x/algo-1-1", ["it broke"], NOW)
    heard: list[str] = []
    with Stubber(account.client("sagemaker")) as stub:
        about = {kind.status: "Failed", "FailureReason": "AlgorithmError: See job logs", kind.name: "x"}
        arn = f"arn:aws:sagemaker:ap-southeast-1:123456789012:{kind.word.replace('_', '-')}/x"
        stub.add_response(f"describe_{kind.word}", {**about, **_rest(kind, arn)}, {kind.name: "x"})
        with pytest.raises(PlaceError, match=f"See job logs; {kind.group}/x/algo-1-1 ends with it broke"):
            ended(account, Started(kind, "x", there=True), heard.append, lambda: None)
    assert (f"{kind.title} x: it broke" in heard) is told


def _rest(kind: Kind, arn: str) -> dict[str, object]:
    """What every description holds."""
    cluster = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
    if kind is PROCESSING:
        return {
            "ProcessingJobArn": arn,
            "AppSpecification": {"ImageUri": "x"},
            "CreationTime": 0,
            "ProcessingResources": {"ClusterConfig": cluster},
        }
    return {
        "TransformJobArn": arn,
        "ModelName": "x",
        "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://x/y"}}},
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        "CreationTime": 0,
    }
