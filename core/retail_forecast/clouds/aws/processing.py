"""What SageMaker is asked to measure, as data: a processing job of the training image over lake and registry in S3.

Fields are those of CreateProcessingJob (Amazon SageMaker API Reference). Unlike hosts that learn, its host reads the
lake itself, so that it has a way to S3, through the environment's network.
"""

from pathlib import Path

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
from retail_forecast.clouds.container import Container
from retail_forecast.domain.settings import AwsSettings

__all__ = ["processing_definition"]

_ROOT = Path("/opt/ml")


def processing_definition(
    outputs: Outputs, aws: AwsSettings, work: str, verb: str, leaves: tuple[str, ...], version: str
) -> Definition:
    """The job that carries out `verb` by the order in the channel `order`, and leaves the files `leaves`.

    Parameters
    ----------
    work : digest of all that the result depends on, but for image and machine
    version : tag of the image, where the settings name none

    Raises
    ------
    UsageError : the environment does not allow such a job
    """
    root, key = root_of(outputs, "processing", work), outputs.kms_key_arns["data"]
    ordered = {
        "S3Uri": f"{root}/input/order/",
        "LocalPath": str(Container(_ROOT).order),
        "S3DataType": "S3Prefix",
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
    }
    request = {
        "AppSpecification": {"ImageUri": image_of(outputs, aws, "train", version), "ContainerArguments": [verb]},
        "Environment": {"AWS_REGION": outputs.region},
        "RoleArn": outputs.sagemaker_role_arn,
        "ProcessingInputs": [{"InputName": "order", "S3Input": ordered}],
        "ProcessingResources": {"ClusterConfig": hosts_of(outputs, aws, 1)},
        "NetworkConfig": {"EnableNetworkIsolation": False, "VpcConfig": network_of(outputs)},
        "StoppingCondition": {"MaxRuntimeInSeconds": seconds_of(outputs, aws)},
        "Tags": tags_of(outputs),
    }
    name = name_of(outputs, request)
    output = f"{root}/output/{name}"
    left = {"S3Uri": output, "LocalPath": str(Container(_ROOT).result), "S3UploadMode": "EndOfJob"}
    request["ProcessingOutputConfig"] = {"Outputs": [{"OutputName": "result", "S3Output": left}], "KmsKeyId": key}
    return Definition(name, root, request, output=output, leaves=leaves)
