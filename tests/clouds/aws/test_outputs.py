"""An environment is known by its outputs, from whichever command wrote them."""

import json
from pathlib import Path
from typing import Any

import pytest

from retail_forecast.clouds.aws.outputs import Outputs, account_of, outputs_of, read_outputs, write_outputs
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import AwsSettings

GIVEN: dict[str, Any] = {
    "name": "retail-forecast-dev",
    "region": "ap-southeast-1",
    "tags": {"Project": "retail-forecast", "Environment": "dev"},
    "private_subnet_ids": ["subnet-1", "subnet-2"],
    "jobs_security_group_id": "sg-1",
    "bucket_names": {"lake": "retail-forecast-dev-lake-1", "artifacts": "retail-forecast-dev-artifacts-1"},
    "zone_uris": {"lake": "s3://retail-forecast-dev-lake-1/lake"},
    "kms_key_arns": {"data": "arn:aws:kms:ap-southeast-1:123456789012:key/1"},
    "ecr_repository_urls": {"train": "123456789012.dkr.ecr.ap-southeast-1.amazonaws.com/retail-forecast-dev/train"},
    "sagemaker_role_arn": "arn:aws:iam::123456789012:role/retail-forecast-dev-sagemaker",
    "training_limits": {"instance_types": ["ml.m5.xlarge"], "max_seconds": 14400},
    "certificate": None,
}


def test_what_was_set_up_is_found_in_the_workspace(tmp_path: Path) -> None:
    write_outputs(tmp_path / "cloud/aws/retail-forecast-dev", GIVEN)
    found = outputs_of(tmp_path, AwsSettings())
    assert found.training_limits.max_seconds == 14400
    assert account_of(found).scope.name == found.name


def test_terraform_s_own_form_says_the_same(tmp_path: Path) -> None:
    wrapped = {name: {"sensitive": False, "type": "string", "value": value} for name, value in GIVEN.items()}
    file = tmp_path / "out.json"
    file.write_text(json.dumps(wrapped))
    assert outputs_of(tmp_path, AwsSettings(outputs=file)) == read_outputs(write_outputs(tmp_path, GIVEN))


def test_a_missing_output_is_named(tmp_path: Path) -> None:
    short = {name: value for name, value in GIVEN.items() if name != "sagemaker_role_arn"}
    with pytest.raises(UsageError, match="sagemaker_role_arn"):
        read_outputs(write_outputs(tmp_path, short))
    with pytest.raises(UsageError, match="cannot be read"):
        read_outputs(tmp_path / "nothing.json")


def test_every_output_that_is_used_is_one_of_the_ground_s() -> None:
    declared = (Path(__file__).parents[3] / "aws/infra/output.tf").read_text("utf-8")
    assert [name for name in Outputs.__struct_fields__ if f'output "{name}"' not in declared] == []
