"""A rollout is watched and undone; kubectl, helm and the AWS command line are stood in for (`kubernetes.py`)."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retail_forecast.cli.main import run
from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.cluster import open_cluster
from retail_forecast.clouds.aws.deployment import write_deployment
from retail_forecast.clouds.aws.outputs import write_outputs
from retail_forecast.clouds.aws.rollout import Rollout, pin_images
from retail_forecast.domain.errors import PlaceError, UsageError

AWS = Path(__file__).parents[3] / "aws"
URL = "444455556666.dkr.ecr.ap-southeast-1.amazonaws.com/retail-forecast-dev"
CHART = {"repository": "https://charts", "chart": "autoscaler", "version": "9.59.0", "namespace": "kube-system"}
OUTPUTS = {
    "name": "retail-forecast-dev",
    "region": "ap-southeast-1",
    "tags": {"Project": "retail-forecast", "Environment": "dev"},
    "private_subnet_ids": ["subnet-1"],
    "jobs_security_group_id": "sg-1",
    "bucket_names": {"artifacts": "retail-forecast-dev-artifacts-444455556666"},
    "kms_key_arns": {"data": "arn:aws:kms:ap-southeast-1:444455556666:key/1"},
    "sagemaker_role_arn": "arn:aws:iam::444455556666:role/sagemaker",
    "training_limits": {"instance_types": ["ml.m5.large"], "max_seconds": 3600},
    "service_account_role_arns": {"server": "arn:aws:iam::444455556666:role/server"},
    "ecr_repository_urls": {"server": f"{URL}/server", "train": f"{URL}/train"},
    "zone_uris": {
        zone: f"s3://retail-forecast-dev-lake-444455556666/{zone}"
        for zone in ("lake", "predictions", "registry", "incoming", "to_score", "scored")
    },
    "dynamodb_table": "retail-forecast-dev-features",
    "controllers": {"cluster-autoscaler": CHART | {"values": {"rbac.serviceAccount.name": "cluster-autoscaler"}}},
}
FIRST, SECOND = "sha256:" + "a" * 64, "sha256:" + "b" * 64
BAD = "sha256:bad" + "c" * 61


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of what the stand-ins heard; they are found before the real programs."""
    real, programs = shutil.which("kubectl"), tmp_path / "bin"
    assert real is not None
    programs.mkdir()
    for name in ("kubectl", "helm", "aws"):
        (programs / name).write_text(
            f'#!/bin/sh\nexec {sys.executable} {Path(__file__).parent}/kubernetes.py {name} "$@"\n'
        )
        (programs / name).chmod(0o755)
    monkeypatch.setenv("REAL_KUBECTL", real)
    monkeypatch.setenv("FAKE", str(tmp_path))
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    return tmp_path


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The folder that a set-up left."""
    folder = tmp_path / "workspace/cloud/aws/retail-forecast-dev"
    write_deployment(folder / "k8s", AWS / "overlays/dev", OUTPUTS)
    write_outputs(folder, OUTPUTS)
    return folder


@pytest.fixture
def cluster(account: Account) -> Account:
    """The account, with the environment's cluster."""
    network = {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}
    role = "arn:aws:iam::123456789012:role/cluster"
    account.call("eks", "create_cluster", name=account.scope.name, roleArn=role, resourcesVpcConfig=network)
    return account


def alarm(account: Account, name: str, state: str) -> None:
    given: dict[str, Any] = {"Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": 60, "Threshold": 1}
    given |= {"EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold"}
    account.call("cloudwatch", "put_metric_alarm", AlarmName=name, **given)
    account.call("cloudwatch", "set_alarm_state", AlarmName=name, StateValue=state, StateReason="a test")


def state(fake: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((fake / "state.json").read_text())
    return found


def rolled(account: Account, work: Path, digest: str, pause: Callable[[float], None] = lambda _: None) -> None:
    found = open_cluster(account, work)
    assert found is not None
    pin_images(work / "k8s", {"server": digest, "train": digest})
    times = iter(range(0, 10_000, 100))
    Rollout(account, found, lambda _: None, 600, 150, pause, lambda: next(times)).apply(work / "k8s")


@pytest.mark.usefixtures("cluster", "work")
def test_the_verb_deploys_and_rolls_back(fake: Path) -> None:
    options = ["--workspace", str(fake / "workspace"), "--json"]
    for digest in (FIRST, SECOND):
        assert run(["cloud", "deploy", "--server", digest, "--train", FIRST, "--watch", "0", *options]) == 0
    assert state(fake)["charts"] == {"cluster-autoscaler": "9.59.0"}
    assert state(fake)["revisions"] == ["a" * 64, "b" * 64]
    assert run(["cloud", "rollback", *options]) == 0
    assert state(fake)["revisions"][-1] == "a" * 64


def test_pods_that_do_not_become_ready_are_undone(cluster: Account, fake: Path, work: Path) -> None:
    rolled(cluster, work, FIRST)
    with pytest.raises(PlaceError, match=r"was undone: .*progress deadline"):
        rolled(cluster, work, BAD)
    assert state(fake)["revisions"][-1] == "a" * 64


def test_an_alarm_that_goes_off_undoes(cluster: Account, fake: Path, work: Path) -> None:
    alarm(cluster, "retail-forecast-dev-latency", "OK")
    rolled(cluster, work, FIRST)
    with pytest.raises(PlaceError, match="was undone: alarms went off: retail-forecast-dev-latency"):
        rolled(cluster, work, SECOND, lambda _: alarm(cluster, "retail-forecast-dev-latency", "ALARM"))
    assert state(fake)["revisions"][-1] == "a" * 64


def test_alarms_of_before_and_of_others_do_not_count(cluster: Account, fake: Path, work: Path) -> None:
    alarm(cluster, "retail-forecast-dev-drift", "ALARM")
    alarm(cluster, "retail-forecast-prod-latency", "OK")
    rolled(cluster, work, FIRST, lambda _: alarm(cluster, "retail-forecast-prod-latency", "ALARM"))
    assert state(fake)["revisions"] == ["a" * 64]


@pytest.mark.usefixtures("fake")
def test_a_first_rollout_that_fails_says_that_nothing_was_before(cluster: Account, work: Path) -> None:
    with pytest.raises(PlaceError, match="failed, and could not be undone"):
        rolled(cluster, work, BAD)


def test_a_tag_is_no_digest(work: Path) -> None:
    with pytest.raises(UsageError, match="'latest' is no digest"):
        pin_images(work / "k8s", {"server": "latest"})


def test_each_image_needs_a_digest_once(work: Path) -> None:
    with pytest.raises(UsageError, match="no digest is known of the image train"):
        pin_images(work / "k8s", {"server": FIRST})
    pin_images(work / "k8s", {"server": FIRST, "train": FIRST})
    pin_images(work / "k8s", {"server": SECOND})


@pytest.mark.usefixtures("account", "work")
def test_without_a_cluster_nothing_is_sent(fake: Path) -> None:
    options = ["--workspace", str(fake / "workspace")]
    assert run(["cloud", "deploy", "--server", FIRST, "--train", FIRST, *options]) == 5
    assert not (fake / "words.log").exists()


@pytest.mark.usefixtures("cluster")
def test_what_was_not_set_up_from_here_is_refused(fake: Path) -> None:
    assert run(["cloud", "deploy", "--server", FIRST, "--workspace", str(fake / "elsewhere")]) == 2
