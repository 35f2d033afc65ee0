"""What SageMaker is asked to answer, as data: batch transform of files of baskets by the server's image with a bundle.

Fields and limits are those of CreateModel and CreateTransformJob (Amazon SageMaker API Reference). Hosts have no way to
the network; SageMaker brings them the baskets and takes the answers, a line for a line.
"""

from typing import Any

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.artifacts import listed
from retail_forecast.clouds.aws.jobs import TRANSFORM, Pause
from retail_forecast.clouds.aws.outputs import Outputs
from retail_forecast.clouds.aws.requests import (
    Definition,
    image_of,
    instance_type_of,
    name_of,
    network_of,
    root_of,
    tags_of,
)
from retail_forecast.domain.cloud import Tell
from retail_forecast.domain.settings import AwsSettings

__all__ = ["ARCHIVE", "counting", "transform_definition"]

ARCHIVE = "model.tar.gz"
"""Name of the packed bundle, in the channel `model`."""

_LINES = "application/x-ndjson"
# The server answers while it is still being asked. A client that reads nothing until it has sent all must not fill the
# buffers between the two.
_PAYLOAD_MB = 1
_AT_ONCE = 2
_SUFFIX = ".out"


def transform_definition(
    outputs: Outputs, aws: AwsSettings, work: str, files: tuple[str, ...], version: str
) -> Definition:
    """The batch transform of `files` in the channel `baskets`, by the bundle in the channel `model`.

    Parameters
    ----------
    work : digest of all that the answers depend on, but for image and machine
    version : tag of the image, where the settings name none

    Raises
    ------
    UsageError : the environment does not allow such a job
    """
    root, key = root_of(outputs, "scoring", work), outputs.kms_key_arns["data"]
    model = _model(outputs, aws, root, version)
    request = {
        "ModelName": model["ModelName"],
        "BatchStrategy": "MultiRecord",
        "MaxPayloadInMB": _PAYLOAD_MB,
        "MaxConcurrentTransforms": _AT_ONCE,
        "TransformInput": {
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"{root}/input/baskets/"}},
            "ContentType": _LINES,
            "CompressionType": "None",
            "SplitType": "Line",
        },
        "TransformResources": {
            "InstanceType": instance_type_of(outputs, aws),
            "InstanceCount": 1,
            "VolumeKmsKeyId": key,
        },
        "Tags": tags_of(outputs),
    }
    name = name_of(outputs, request)
    output = f"{root}/output/{name}"
    answers = {"S3OutputPath": output, "Accept": _LINES, "AssembleWith": "Line", "KmsKeyId": key}
    leaves = tuple(f"{file}{_SUFFIX}" for file in files)
    return Definition(name, root, request | {"TransformOutput": answers}, model, output, leaves)


def counting(account: Account, definition: Definition, tell: Tell, pause: Pause) -> Pause:
    """Waits by `pause`, and then tells how many files are answered, when there are more: a file is there once all of it
    is answered."""
    told = 0

    def wait() -> None:
        nonlocal told
        pause()
        answered = len(set(listed(account, definition.output)) & set(definition.leaves))
        if answered > told:
            told = answered
            tell(f"{TRANSFORM.title}: {answered} of {len(definition.leaves)} files answered")

    return wait


def _model(outputs: Outputs, aws: AwsSettings, root: str, version: str) -> dict[str, Any]:
    container = {
        "Image": image_of(outputs, aws, "server", version),
        "ModelDataUrl": f"{root}/input/model/{ARCHIVE}",
    }
    model = {
        "PrimaryContainer": container,
        "ExecutionRoleArn": outputs.sagemaker_role_arn,
        "VpcConfig": network_of(outputs),
        "EnableNetworkIsolation": True,
        "Tags": tags_of(outputs),
    }
    return {"ModelName": name_of(outputs, model), **model}
