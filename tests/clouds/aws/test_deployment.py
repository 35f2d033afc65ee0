"""The deployment that is written after a set-up: the overlay, with the account's own values."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from retail_forecast.clouds.aws.deployment import write_deployment

AWS = Path(__file__).parents[3] / "aws"
URL = "444455556666.dkr.ecr.ap-southeast-1.amazonaws.com/retail-forecast-dev"
ACCOUNTS = ("server", "etl", "batch", "retrain", "monitor")
LAKE = "s3://retail-forecast-dev-lake-444455556666"
OUTPUTS: dict[str, Any] = {
    "service_account_role_arns": {name: f"arn:aws:iam::444455556666:role/{name}" for name in (*ACCOUNTS, "aws-node")},
    "ecr_repository_urls": {"server": f"{URL}/server", "train": f"{URL}/train"},
    "zone_uris": {
        "registry": "s3://retail-forecast-dev-artifacts-444455556666/registry",
        **{zone: f"{LAKE}/{zone}" for zone in ("lake", "predictions", "incoming", "to_score", "scored")},
    },
    "dynamodb_table": "retail-forecast-dev-features",
    "certificate": {"arn": "arn:aws:acm:ap-southeast-1:444455556666:certificate/1"},
}


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_no_example_value_is_left(environment: str, tmp_path: Path) -> None:
    file = write_deployment(tmp_path / "k8s", AWS / "overlays" / environment, OUTPUTS)
    kubectl = shutil.which("kubectl", path=Path(sys.executable).parent) or "kubectl"
    done = subprocess.run([kubectl, "kustomize", file.parent], capture_output=True, text=True, check=True)
    assert "111122223333" not in done.stdout
    objects = list(yaml.safe_load_all(done.stdout))
    maps = {o["metadata"]["name"]: o["data"] for o in objects if o["kind"] == "ConfigMap"}
    assert maps["settings"]["RETAIL_FORECAST_LAKE__URI"] == f"{LAKE}/lake"
    assert maps["settings"]["RETAIL_FORECAST_REGISTRY__URI"] == OUTPUTS["zone_uris"]["registry"]
    assert maps["settings"]["RETAIL_FORECAST_FEATURES__ONLINE"] == "dynamodb://retail-forecast-dev-features"
    assert maps["settings"]["RETAIL_FORECAST_WORKSPACE"] == "/workspace"
    assert maps["places"] == {name.upper(): f"{LAKE}/{name}" for name in ("incoming", "to_score", "scored")}
    assert json.loads(maps["outputs"]["outputs.json"]) == OUTPUTS
    roles = {
        o["metadata"]["name"]: o["metadata"]["annotations"]["eks.amazonaws.com/role-arn"]
        for o in objects
        if o["kind"] == "ServiceAccount"
    }
    assert roles == {name: f"arn:aws:iam::444455556666:role/{name}" for name in ACCOUNTS}


def test_without_a_domain_the_certificate_stays_the_example(tmp_path: Path) -> None:
    file = write_deployment(tmp_path / "k8s", AWS / "overlays/dev", OUTPUTS | {"certificate": None})
    assert "certificate-arn" not in file.read_text("utf-8")
