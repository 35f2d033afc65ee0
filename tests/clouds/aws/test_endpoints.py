"""What is asked of SageMaker for endpoints and their scaling fits the service's model, and an answer is read aright.

Application Auto Scaling knows no SageMaker endpoints on moto: its calls are held against botocore's model only.
"""

from typing import Any

import botocore.session
import pytest
from botocore.stub import Stubber
from botocore.validate import ParamValidator

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.endpoints import VARIANT, deployment, scale, scaling, settled
from retail_forecast.clouds.aws.outputs import Outputs, TrainingLimits
from retail_forecast.clouds.aws.packages import Package, package_request
from retail_forecast.clouds.aws.refusals import Refused
from retail_forecast.domain.cloud import Scope
from retail_forecast.domain.errors import PlaceError
from retail_forecast.domain.settings import EndpointSettings

ARN = "arn:aws:sagemaker:ap-southeast-1:123456789012:model-package/retail-forecast-dev-basket/3"
OUTPUTS = Outputs(
    name="retail-forecast-dev",
    region="ap-southeast-1",
    tags={"Project": "retail-forecast", "Environment": "dev"},
    private_subnet_ids=("subnet-0a1b2c3d",),
    jobs_security_group_id="sg-0a1b2c3d",
    bucket_names={},
    zone_uris={},
    kms_key_arns={"data": "arn:aws:kms:ap-southeast-1:123456789012:key/1a2b3c4d"},
    ecr_repository_urls={},
    sagemaker_role_arn="arn:aws:iam::123456789012:role/retail-forecast-dev-sagemaker",
    training_limits=TrainingLimits((), 1),
)


def faults(service: str, operation: str, given: dict[str, Any]) -> str:
    """What does not fit botocore's model of an operation."""
    model = botocore.session.get_session().get_service_model(service)
    name = "".join(word.title() for word in operation.split("_"))
    return str(ParamValidator().validate(given, model.operation_model(name).input_shape).generate_report())


def test_a_deployment_fits_the_services_model_and_is_undone_by_both_its_alarms() -> None:
    asked = deployment(OUTPUTS, EndpointSettings(), "basket", ARN)
    alarms = asked.pop("put_metric_alarm")
    for operation, given in asked.items():
        assert faults("sagemaker", operation, given) == ""
    for alarm in alarms.values():
        assert faults("cloudwatch", "put_metric_alarm", alarm) == ""
    named = [one["AlarmName"] for one in alarms.values()]
    config = asked["update_endpoint"]["DeploymentConfig"]
    assert [one["AlarmName"] for one in config["AutoRollbackConfiguration"]["Alarms"]] == named
    assert config["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]["Type"] == "CANARY"
    for name in (asked["create_model"]["ModelName"], asked["create_endpoint"]["EndpointConfigName"]):
        assert len(name) <= 63, "SageMaker's limit"


def test_names_follow_what_is_deployed() -> None:
    settings = EndpointSettings()
    first = deployment(OUTPUTS, settings, "basket", ARN)
    assert deployment(OUTPUTS, settings, "basket", ARN) == first
    model = deployment(OUTPUTS, settings, "basket", ARN.replace("/3", "/4"))
    larger = deployment(OUTPUTS, EndpointSettings(instances=2), "basket", ARN)
    assert model["create_model"]["ModelName"] != first["create_model"]["ModelName"]
    assert larger["create_model"] == first["create_model"]
    configs = {one["create_endpoint"]["EndpointConfigName"] for one in (first, model, larger)}
    assert len(configs) == 3


def test_a_package_fits_the_services_model() -> None:
    facts = {f"fact {number}": "x" * 300 for number in range(60)}
    package = Package("group", "run-1", "c" * 64, "image", "s3://b/bundles/run-1", "s3://b/runs/run-1/run.json", facts)
    request = package_request(package, "Approved")
    assert faults("sagemaker", "create_model_package", request) == ""
    assert len(request["CustomerMetadataProperties"]) == 50
    assert {len(value) for value in request["CustomerMetadataProperties"].values()} == {256}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "nobody")
    return Account(Scope("retail-forecast", "dev", "ap-southeast-1"))


def test_an_endpoint_follows_its_load_between_its_bounds(account: Account) -> None:
    asked = scaling(OUTPUTS, EndpointSettings(instances=2, most=5), "basket")
    stub = Stubber(account.client("application-autoscaling"))
    for operation, answer in (("register_scalable_target", {}), ("put_scaling_policy", {"PolicyARN": "arn"})):
        assert faults("application-autoscaling", operation, asked[operation]) == ""
        assert asked[operation]["ResourceId"] == f"endpoint/retail-forecast-dev-basket/variant/{VARIANT}"
        stub.add_response(operation, answer, asked[operation])
    with stub:
        scale(account, asked)
    stub.assert_no_pending_responses()
    assert (asked["register_scalable_target"]["MinCapacity"], asked["register_scalable_target"]["MaxCapacity"]) == (
        2,
        5,
    )
    stub.add_client_error("register_scalable_target", "ValidationException", "No such endpoint")
    with stub, pytest.raises(Refused, match="No such endpoint"):
        scale(account, asked)


@pytest.mark.parametrize(
    ("states", "config", "told"),
    [
        (("Updating", "RollingBack", "InService"), "before", "it is InService with the configuration before"),
        (("Creating", "Failed"), "wanted", "it is Failed"),
    ],
)
def test_an_endpoint_that_does_not_come_up_is_told(
    account: Account, states: tuple[str, ...], config: str, told: str
) -> None:
    stub, said = Stubber(account.client("sagemaker")), list[str]()
    for state in states:
        moment = {"CreationTime": 0, "LastModifiedTime": 0}
        about = {"EndpointName": "e", "EndpointArn": f"{ARN}", "EndpointConfigName": config, "EndpointStatus": state}
        stub.add_response("describe_endpoint", about | moment)
    with stub, pytest.raises(PlaceError, match=told):
        settled(account, "e", "wanted", said.append, lambda: None)
    assert said == [f"endpoint e: {state}" for state in states]
