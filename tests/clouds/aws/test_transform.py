"""Requests for batch transforms and processing jobs: named by what they ask for, within what the environment allows."""

from typing import Any

import msgspec
import pytest

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.outputs import Outputs, TrainingLimits
from retail_forecast.clouds.aws.processing import processing_definition
from retail_forecast.clouds.aws.requests import Definition
from retail_forecast.clouds.aws.transform import counting, transform_definition
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import AwsSettings

OUTPUTS = Outputs(
    name="retail-forecast-dev",
    region="ap-southeast-1",
    tags={"Environment": "dev"},
    private_subnet_ids=("subnet-1",),
    jobs_security_group_id="sg-1",
    bucket_names={"artifacts": "artifacts"},
    zone_uris={},
    kms_key_arns={"data": "arn:aws:kms:ap-southeast-1:123456789012:key/1"},
    ecr_repository_urls={"train": "registry/train", "server": "registry/server"},
    sagemaker_role_arn="arn:aws:iam::123456789012:role/retail-forecast-dev-sagemaker",
    training_limits=TrainingLimits(("ml.m5.xlarge",), 4 * 3600),
)


def scoring(work: str = "f" * 64, **aws: Any) -> Definition:
    return transform_definition(OUTPUTS, AwsSettings(**aws), work, ("a.jsonl", "b.jsonl"), "0.1.0")


def measuring(work: str = "f" * 64, **aws: Any) -> Definition:
    return processing_definition(OUTPUTS, AwsSettings(**aws), work, "evaluate", ("x.json",), "0.1.0")


@pytest.mark.parametrize("defined", [scoring, measuring])
def test_the_same_work_has_the_same_name_and_another_has_another(defined: Any) -> None:  # noqa: ANN401
    assert defined() == defined()
    names = {defined().name, defined("e" * 64).name, defined(train_image="x", server_image="x").name}
    assert len(names) == 3
    assert all(name.startswith("retail-forecast-dev-") and len(name) <= 61 for name in names)


@pytest.mark.parametrize("defined", [scoring, measuring])
def test_hosts_that_the_environment_does_not_allow_are_refused(defined: Any) -> None:  # noqa: ANN401
    with pytest.raises(UsageError, match=r"does not allow instances of the type ml\.p4d\.24xlarge, but ml\.m5\.xlarge"):
        defined(instance_type="ml.p4d.24xlarge")


def test_measuring_for_longer_than_the_environment_allows_is_refused() -> None:
    with pytest.raises(UsageError, match="does not allow jobs of 5 hours, but 4 hours"):
        measuring(max_hours=5)


def test_a_server_that_answers_files_has_no_way_out_and_leaves_a_file_for_each() -> None:
    definition = scoring()
    assert definition.model is not None
    assert definition.model["EnableNetworkIsolation"]
    assert definition.model["PrimaryContainer"]["Image"] == "registry/server:0.1.0"
    assert definition.model["PrimaryContainer"]["ModelDataUrl"].startswith(f"{definition.root}/input/model/")
    assert definition.request["ModelName"] == definition.model["ModelName"]
    assert definition.leaves == ("a.jsonl.out", "b.jsonl.out")
    assert definition.request["TransformOutput"]["S3OutputPath"] == definition.output
    assert definition.output == f"{definition.root}/output/{definition.name}"


def test_measuring_leaves_its_figures_where_they_are_looked_for() -> None:
    definition = measuring()
    (left,) = definition.request["ProcessingOutputConfig"]["Outputs"]
    assert left["S3Output"]["S3Uri"] == definition.output
    assert msgspec.json.encode(definition.request).count(b'"registry/train:0.1.0"') == 1


def test_files_are_counted_as_they_are_answered(account: Account) -> None:
    where = {"LocationConstraint": "ap-southeast-1"}
    account.call("s3", "create_bucket", Bucket="artifacts", CreateBucketConfiguration=where)
    definition, told, waited = scoring(), list[str](), list[None]()
    look = counting(account, definition, told.append, lambda: waited.append(None))
    look()
    prefix = definition.output.removeprefix("s3://artifacts/")
    for name in ("a.jsonl.out", "something.else", "b.jsonl.out"):
        account.call("s3", "put_object", Bucket="artifacts", Key=f"{prefix}/{name}", Body=b"")
        look()
    assert told == ["batch transform: 1 of 2 files answered", "batch transform: 2 of 2 files answered"]
    assert len(waited) == 4
