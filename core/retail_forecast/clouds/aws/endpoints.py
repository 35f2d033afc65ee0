"""Endpoints of SageMaker: made from an approved model package, replaced blue/green, scaled, and removed.

Models and configurations bear the digest of what they are made of, so that the same deployment, repeated, finds them.
An update shifts a tenth of the capacity first; an alarm that fires then or while the rest follows puts the old fleet
back. Alarms are of SageMaker's own metrics of the endpoint: https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from retail_forecast.bundle.manifest import digest_of
from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.jobs import Pause
from retail_forecast.clouds.aws.outputs import Outputs
from retail_forecast.clouds.aws.refusals import Refusal, Refused
from retail_forecast.clouds.aws.requests import network_of, tags_of
from retail_forecast.domain.cloud import Tell
from retail_forecast.domain.errors import PlaceError
from retail_forecast.domain.settings import EndpointSettings

__all__ = ["VARIANT", "deploy", "deployment", "endpoint_name", "remove", "scale", "scaling", "settled"]

VARIANT = "AllTraffic"

_DIGITS = 12
_WAIT_S = 300
_LIMIT_S = 3600
_SETTLING = ("Creating", "Updating", "RollingBack", "SystemUpdating")
_SCALED = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}


def endpoint_name(outputs: Outputs, task: str) -> str:
    """Name of the endpoint of a task."""
    return f"{outputs.name}-{task}"


def deployment(outputs: Outputs, settings: EndpointSettings, task: str, package: str) -> dict[str, dict[str, Any]]:
    """What is asked for, by operation: the model, its configuration, two alarms, and the endpoint or its update.

    Parameters
    ----------
    package : ARN of an approved model package
    """
    endpoint, tags = endpoint_name(outputs, task), tags_of(outputs)
    model = {
        "Containers": [{"ModelPackageName": package}],
        "ExecutionRoleArn": outputs.sagemaker_role_arn,
        "VpcConfig": network_of(outputs),
        "EnableNetworkIsolation": True,
        "Tags": tags,
    }
    model = {"ModelName": _named(outputs, task, model), **model}
    variant = {
        "VariantName": VARIANT,
        "ModelName": model["ModelName"],
        "InitialInstanceCount": settings.instances,
        "InstanceType": settings.instance_type,
        "InitialVariantWeight": 1.0,
    }
    key = {"KmsKeyId": outputs.kms_key_arns["data"]} if _has_disk(settings.instance_type) else {}
    config = {"ProductionVariants": [variant], "Tags": tags, **key}
    config = {"EndpointConfigName": _named(outputs, task, config), **config}
    there = {"EndpointName": endpoint, "EndpointConfigName": config["EndpointConfigName"]}
    alarms = _alarms(endpoint, settings)
    return {
        "create_model": model,
        "create_endpoint_config": config,
        "put_metric_alarm": alarms,
        "create_endpoint": {**there, "Tags": tags},
        "update_endpoint": {
            **there,
            "DeploymentConfig": _blue_green(alarms),
        },
    }


def deploy(account: Account, asked: Mapping[str, dict[str, Any]], tell: Tell) -> bool:
    """Carry a deployment out; returns whether anything was changed. The same deployment, repeated, changes nothing.

    Raises
    ------
    Refused : AWS answered with an error
    """
    there = asked["create_endpoint"]
    about = _described(account, there["EndpointName"])
    if about is not None and about["EndpointConfigName"] == there["EndpointConfigName"]:
        tell(f"endpoint {there['EndpointName']} has this configuration already")
        return False
    for operation in ("create_model", "create_endpoint_config"):
        account.make("sagemaker", operation, **asked[operation])
    for alarm in asked["put_metric_alarm"].values():
        account.call("cloudwatch", "put_metric_alarm", **alarm)
    operation = "create_endpoint" if about is None else "update_endpoint"
    account.call("sagemaker", operation, **asked[operation])
    tell(f"endpoint {there['EndpointName']} is {'made' if about is None else 'updated'}")
    return True


def settled(account: Account, name: str, config: str, tell: Tell, pause: Pause) -> None:
    """Follow an endpoint until it is in service with the configuration `config`.

    Raises
    ------
    PlaceError : it failed, or an alarm put the configuration before back; says why
    """
    status = ""
    while True:
        about = account.call("sagemaker", "describe_endpoint", EndpointName=name)
        if about["EndpointStatus"] != status:
            status = about["EndpointStatus"]
            tell(f"endpoint {name}: {status}")
        if status not in _SETTLING:
            break
        pause()
    if status == "InService" and about["EndpointConfigName"] == config:
        return
    reason = about.get("FailureReason") or f"it is {status} with the configuration {about['EndpointConfigName']}"
    raise PlaceError(
        f"the endpoint does not answer with what was deployed: {reason}",
        where=name,
        mend="look at the endpoint's log and alarms; what answered before answers on, where there was anything",
    )


def scaling(outputs: Outputs, settings: EndpointSettings, task: str) -> dict[str, dict[str, Any]]:
    """What is asked for, by operation, so that the endpoint of a task follows its load."""
    target = {**_SCALED, "ResourceId": f"endpoint/{endpoint_name(outputs, task)}/variant/{VARIANT}"}
    tracked = {
        "TargetValue": settings.invocations_per_instance,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
        "ScaleInCooldown": 300,
        "ScaleOutCooldown": 60,
    }
    return {
        "register_scalable_target": {**target, "MinCapacity": settings.instances, "MaxCapacity": settings.most},
        "put_scaling_policy": {
            **target,
            "PolicyName": f"{endpoint_name(outputs, task)}-load",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": tracked,
        },
    }


def scale(account: Account, asked: Mapping[str, dict[str, Any]]) -> None:
    """Have an endpoint follow its load; may be repeated.

    Raises
    ------
    Refused : AWS answered with an error, such as that there is no such endpoint
    """
    for operation, given in asked.items():
        account.call("application-autoscaling", operation, **given)


def remove(account: Account, outputs: Outputs, task: str, tell: Tell) -> None:
    """Remove the endpoint of a task, which costs nothing from then on; its alarms go with it.

    Raises
    ------
    Refused : AWS answered with an error
    """
    name = endpoint_name(outputs, task)
    account.call("cloudwatch", "delete_alarms", AlarmNames=[f"{name}-errors", f"{name}-latency"])
    if _described(account, name) is None:
        tell(f"there is no endpoint {name}")
        return
    account.call("sagemaker", "delete_endpoint", EndpointName=name)
    tell(f"endpoint {name} is removed")


def _described(account: Account, name: str) -> dict[str, Any] | None:
    try:
        return account.call("sagemaker", "describe_endpoint", EndpointName=name)
    except Refused as error:
        if error.kind is Refusal.ABSENT:
            return None
        raise


def _alarms(endpoint: str, settings: EndpointSettings) -> dict[str, dict[str, Any]]:
    common = {
        "Namespace": "AWS/SageMaker",
        "Dimensions": [{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": VARIANT}],
        "Period": 60,
        "EvaluationPeriods": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
    }
    errors = {"MetricName": "Invocation5XXErrors", "Statistic": "Sum", "Threshold": 0.0}
    microseconds = settings.latency_ms * 1000.0
    latency = {"MetricName": "ModelLatency", "ExtendedStatistic": "p95", "Threshold": microseconds}
    return {
        "errors": {"AlarmName": f"{endpoint}-errors", **common, **errors},
        "latency": {"AlarmName": f"{endpoint}-latency", **common, **latency},
    }


def _blue_green(alarms: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    routing = {
        "Type": "CANARY",
        "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
        "WaitIntervalInSeconds": _WAIT_S,
    }
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": routing,
            "TerminationWaitInSeconds": _WAIT_S,
            "MaximumExecutionTimeoutInSeconds": _LIMIT_S,
        },
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": one["AlarmName"]} for one in alarms.values()]},
    }


def _has_disk(instance_type: str) -> bool:
    """Whether SageMaker takes a key for the volume: not where hosts bring local disks, which are encrypted always."""
    return "d." not in instance_type


def _named(outputs: Outputs, task: str, request: Mapping[str, Any]) -> str:
    digest = digest_of(msgspec.json.encode(request, order="sorted"))[:_DIGITS]
    return f"{endpoint_name(outputs, task)}-{digest}"
