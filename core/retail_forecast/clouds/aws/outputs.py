"""What an environment of AWS is made of, as Terraform put it out: roles, networks, keys, buckets, limits.

`cloud up` leaves the file in the workspace; `terraform output -json` writes one as well.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from retail_forecast.clouds.aws.account import Account
from retail_forecast.domain.cloud import Scope
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import AwsSettings

__all__ = ["OUTPUTS", "Outputs", "TrainingLimits", "account_of", "outputs_of", "read_outputs", "write_outputs"]

OUTPUTS = "outputs.json"
"""Name of the file, in the folder of an environment."""


class TrainingLimits(msgspec.Struct, frozen=True):
    """What IAM allows of a training job: its instance types, and the seconds that it may run."""

    instance_types: tuple[str, ...]
    max_seconds: int


class Outputs(msgspec.Struct, frozen=True):
    """The outputs of `aws/infra` that are used here, by their names there; others are passed over."""

    name: str
    region: str
    tags: dict[str, str]
    private_subnet_ids: tuple[str, ...]
    jobs_security_group_id: str
    bucket_names: dict[str, str]
    zone_uris: dict[str, str]
    kms_key_arns: dict[str, str]
    ecr_repository_urls: dict[str, str]
    sagemaker_role_arn: str
    training_limits: TrainingLimits
    model_package_groups: dict[str, str] = {}
    controllers: dict[str, dict[str, Any]] = {}
    glue_database: str = ""
    athena_workgroup: str = ""


def outputs_of(workspace: Path, aws: AwsSettings) -> Outputs:
    """The outputs of the environment that the settings name.

    Raises
    ------
    UsageError : there is no such file, or an output is missing
    """
    return read_outputs(aws.outputs or workspace / "cloud/aws" / f"{aws.project}-{aws.environment}" / OUTPUTS)


def account_of(outputs: Outputs) -> Account:
    """The account and region that hold the environment."""
    return Account(Scope(outputs.tags["Project"], outputs.tags["Environment"], outputs.region))


def read_outputs(file: Path) -> Outputs:
    """The outputs in `file`, as `cloud up` or `terraform output -json` wrote them.

    Raises
    ------
    UsageError : there is no such file, or an output is missing
    """
    try:
        given = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
        return msgspec.convert({name: _value(output) for name, output in given.items()}, Outputs)
    except (OSError, msgspec.MsgspecError) as error:
        raise UsageError(
            f"the outputs of the environment cannot be read: {error}",
            where=str(file),
            mend="`retail-forecast cloud up --cloud aws`, or terraform -chdir=aws/infra output -json > FILE and name "
            "the file in RETAIL_FORECAST_AWS__OUTPUTS",
        ) from error


def write_outputs(folder: Path, outputs: Mapping[str, Any]) -> Path:
    """Keep the outputs of an environment in its folder; returns the file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / OUTPUTS
    file.write_bytes(msgspec.json.format(msgspec.json.encode(outputs, order="sorted"), indent=2))
    return file


def _value(output: object) -> object:
    """Terraform wraps each value, and says its type beside it."""
    return output["value"] if isinstance(output, dict) and "value" in output and "type" in output else output
