"""From the registry of record to SageMaker's Model Registry and an endpoint: only what was approved is deployed."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

SCRIPTS = Path(__file__).parents[3] / "aws/script"

Call = Callable[..., tuple[int, dict[str, Any]]]
Filled = tuple[Path, dict[str, Any]]

pytestmark = pytest.mark.usefixtures("aws")


def _client(service: str) -> Any:  # noqa: ANN401 - boto3 has no types
    return boto3.client(service, region_name="ap-southeast-1")


@pytest.fixture
def outputs(workspace: Path) -> dict[str, Any]:
    """The outputs of the environment."""
    (file,) = workspace.glob("cloud/aws/*/outputs.json")
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


@pytest.fixture
def run_id(filled: Filled, workspace: Path, outputs: dict[str, Any]) -> str:
    """A run that waits in the workspace to be published to a registry on S3, and whose like is in no group yet."""
    name = str(filled[1]["run_id"])
    for folder in ("runs", "registry"):
        shutil.move(workspace / folder, workspace / "copies" / folder)
    with (workspace / "retail-forecast.yaml").open("a") as file:
        file.write(f"registry: {{uri: s3://{outputs['bucket_names']['artifacts']}/{workspace.parent.name}}}\n")
    group = f"{outputs['name']}-{workspace.parent.name}".replace("_", "-")[:63].strip("-")
    _client("sagemaker").create_model_package_group(ModelPackageGroupName=group)
    outputs["model_package_groups"] = {"basket": group}
    next(workspace.glob("cloud/aws/*/outputs.json")).write_text(json.dumps(outputs), "utf-8")
    return name


@pytest.fixture
def mirrored(workspace: Path, run_id: str) -> str:
    """The same, where promote mirrors at once."""
    settings = workspace / "retail-forecast.yaml"
    settings.write_text(settings.read_text("utf-8").replace("aws: {", "aws: {model_packages: true, "), "utf-8")
    return run_id


@pytest.fixture
def package(outputs: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """The only package of the workspace's group."""

    def found() -> dict[str, Any]:
        client = _client("sagemaker")
        group = outputs["model_package_groups"]["basket"]
        listed = client.list_model_packages(ModelPackageGroupName=group, ModelPackageType="Versioned")
        (one,) = listed["ModelPackageSummaryList"]
        about: dict[str, Any] = client.describe_model_package(ModelPackageName=one["ModelPackageArn"])
        return about

    return found


def script(name: str, workspace: Path, *words: str) -> tuple[int, str, str]:
    """Exit code of a script, and what it printed and told."""
    command = [sys.executable, str(SCRIPTS / f"{name}.py"), *words, "--workspace", str(workspace)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_a_run_is_rejected_with_the_gates_reasons_and_approved_by_who_promoted_it(
    workspace: Path, mirrored: str, verb_in: Call, package: Callable[[], dict[str, Any]]
) -> None:
    settings = workspace / "retail-forecast.yaml"
    kept = settings.read_text("utf-8")
    settings.write_text(kept.replace("gate: {", "gate: {basket: {accuracy: 0.9999}, "), "utf-8")
    code, refused = verb_in(workspace, "promote", mirrored)
    assert (code, refused["warnings"]) == (4, [])
    about = package()
    assert about["ModelApprovalStatus"] == "Rejected"
    assert refused["reasons"][0] in about["ApprovalDescription"]
    settings.write_text(kept, "utf-8")
    code, promoted = verb_in(workspace, "promote", mirrored, "--why", "the figures hold")
    assert (code, promoted["warnings"]) == (0, [])
    about = package()
    assert about["ModelApprovalStatus"] == "Approved"
    assert about["ApprovalDescription"].endswith("the figures hold")
    facts = about["CustomerMetadataProperties"]
    assert facts["run_id"] == mirrored
    assert float(facts["metrics.macro_f1"]) > 0.5
    (container,) = about["InferenceSpecification"]["Containers"]
    assert container["ModelDataSource"]["S3DataSource"]["S3Uri"].endswith(f"/registry/bundles/{mirrored}/")


def test_a_mirror_that_fails_is_a_warning_and_a_repeat_heals_it(
    workspace: Path, mirrored: str, verb_in: Call, package: Callable[[], dict[str, Any]], order: Callable[..., None]
) -> None:
    order(operation="CreateModelPackage", code="AccessDeniedException")
    code, promoted = verb_in(workspace, "promote", mirrored)
    assert (code, promoted["promoted"]) == (0, True)
    (warning,) = promoted["warnings"]
    assert "was not mirrored" in warning
    assert f"register_model.py {mirrored}" in warning
    order(operation="CreateModelPackage", code="ThrottlingException")
    code, shown, told = script("register_model", workspace, mirrored)
    assert code == 0, told
    assert "Approved" in shown
    assert package()["ModelApprovalStatus"] == "Approved"
    assert script("register_model", workspace, mirrored)[0] == 0
    package()


def test_only_an_approved_package_is_deployed(
    workspace: Path, run_id: str, verb_in: Call, order: Callable[..., None], outputs: dict[str, Any]
) -> None:
    name = f"{outputs['name']}-basket"
    assert script("deploy_endpoint", workspace)[0] == 2, "no champion"
    verb_in(workspace, "promote", run_id)
    code, _, told = script("deploy_endpoint", workspace)
    assert code == 2
    assert "has no model package" in told
    assert script("register_model", workspace, run_id)[0] == 0
    code, shown, told = script("deploy_endpoint", workspace, "--wait")
    assert (code, shown.strip()) == (0, name), told
    assert "InService" in told
    client = _client("sagemaker")
    first = client.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    code, _, told = script("deploy_endpoint", workspace)
    assert code == 0
    assert "has this configuration already" in told

    settings = workspace / "retail-forecast.yaml"
    larger = settings.read_text("utf-8").replace("aws: {", "aws: {endpoint: {instances: 2}, ")
    settings.write_text(larger, "utf-8")
    order(rollback=1)
    code, _, told = script("deploy_endpoint", workspace, "--wait")
    assert code == 5
    assert "does not answer with what was deployed" in told
    assert client.describe_endpoint(EndpointName=name)["EndpointConfigName"] == first
    code, _, told = script("deploy_endpoint", workspace, "--wait")
    assert code == 0, told
    assert client.describe_endpoint(EndpointName=name)["EndpointConfigName"] != first
    alarms = _client("cloudwatch").describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]
    assert [alarm["AlarmName"] for alarm in alarms] == [f"{name}-errors", f"{name}-latency"]
    for _ in range(2):
        assert script("deploy_endpoint", workspace, "--remove")[0] == 0
    assert client.list_endpoints()["Endpoints"] == []


def test_a_registry_elsewhere_cannot_be_mirrored(workspace: Path, filled: Filled) -> None:
    code, _, told = script("register_model", workspace, filled[1]["run_id"])
    assert code == 2
    assert "SageMaker takes models from S3 only" in told
