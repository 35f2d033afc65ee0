"""An emulated AWS whose SageMaker runs its jobs, and an environment in it, as `aws/infra` would have put it out."""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest

NAME, REGION = "retail-forecast-trial", "ap-southeast-1"
ARTIFACTS = f"{NAME}-artifacts-123456789012"
KEYS = {"AWS_ACCESS_KEY_ID": "nobody", "AWS_SECRET_ACCESS_KEY": "nothing"}

OUTPUTS = {
    "name": NAME,
    "region": REGION,
    "tags": {"Project": "retail-forecast", "Environment": "trial"},
    "private_subnet_ids": ["subnet-0a1b2c3d", "subnet-1a2b3c4d"],
    "jobs_security_group_id": "sg-0a1b2c3d",
    "bucket_names": {"lake": f"{NAME}-lake-123456789012", "artifacts": ARTIFACTS},
    "zone_uris": {"lake": f"s3://{NAME}-lake-123456789012/lake", "registry": f"s3://{ARTIFACTS}/registry"},
    "kms_key_arns": {"data": f"arn:aws:kms:{REGION}:123456789012:key/1a2b3c4d"},
    "ecr_repository_urls": {
        image: f"123456789012.dkr.ecr.{REGION}.amazonaws.com/{NAME}/{image}" for image in ("train", "server")
    },
    "model_package_groups": {"basket": f"{NAME}-basket"},
    "sagemaker_role_arn": f"arn:aws:iam::123456789012:role/{NAME}-sagemaker",
    "training_limits": {"instance_types": ["ml.m5.large", "ml.m5.xlarge"], "max_seconds": 14400},
}

SETTINGS = """\
windows: {test_weeks: 2, validation_weeks: 1, calibration_weeks: 1}
train: {threads: 1}
lake: {threads: 1}
gate: {minimum_baskets: 200, draws: 200}
aws: {environment: trial, poll_s: 0.2}
"""


@pytest.fixture(scope="session")
def aws_server(
    emulator: Callable[..., AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """An account of its own: what a lock keeps there after a teardown must not meet the tests of the infrastructure."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with emulator(command, tmp_path_factory.mktemp("aws"), {"MOTO_IAM_LOAD_MANAGED_POLICIES": "true"}) as url:
        yield url


@pytest.fixture(scope="session")
def sagemaker(
    aws_server: str, emulator: Callable[..., AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Endpoint of SageMaker, in front of the emulated AWS, which has the environment's bucket."""
    keys = {name.lower(): value for name, value in KEYS.items()}
    s3 = boto3.client("s3", endpoint_url=aws_server, region_name=REGION, **keys)
    s3.create_bucket(Bucket=ARTIFACTS, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.close()
    command = [sys.executable, "-m", "tests.e2e.aws.sagemaker", aws_server]
    roots = [str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH")]
    root = {"PYTHONPATH": os.pathsep.join(filter(None, roots))}
    with emulator(command, tmp_path_factory.mktemp("sagemaker"), KEYS | root) as url:
        yield url


@pytest.fixture
def aws(aws_server: str, sagemaker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that lead there."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    given = {"AWS_ENDPOINT_URL": aws_server, "AWS_ENDPOINT_URL_SAGEMAKER": sagemaker, "AWS_REGION": REGION}
    for name, value in (given | KEYS | {"AWS_EC2_METADATA_DISABLED": "true"}).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def order(sagemaker: str) -> Callable[..., None]:
    """Orders a fault, as the stand-in describes them."""

    def ordering(**fault: Any) -> None:
        with urlopen(Request(f"{sagemaker}/faults", json.dumps(fault).encode())):  # noqa: S310 - a server of ours
            pass

    return ordering


@pytest.fixture(scope="session")
def filled(
    verb_in: Callable[..., tuple[int, dict[str, Any]]], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """A workspace with eight simulated weeks, the environment's outputs, and the document of a local training."""
    home = tmp_path_factory.mktemp("filled")
    (home / "retail-forecast.yaml").write_text(SETTINGS)
    sizes = ["--weeks", "8", "--baskets-per-week", "400", "--products", "120", "--customers", "100", "--stores", "10"]
    assert verb_in(home, "simulate", *sizes)[0] == 0
    assert verb_in(home, "ingest", str(home / "simulated"))[0] == 0
    code, document = verb_in(home, "train")
    assert code == 0
    outputs = home / "cloud/aws" / NAME / "outputs.json"
    outputs.parent.mkdir(parents=True)
    outputs.write_text(json.dumps(OUTPUTS))
    return home, document


@pytest.fixture
def workspace(filled: tuple[Path, dict[str, Any]], tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(filled[0], tmp_path / "workspace"))
