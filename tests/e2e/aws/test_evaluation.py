"""`evaluate --cloud aws`: the figures of this machine, by a processing job over lake and registry in the bucket."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from retail_forecast.cli.main import run

Call = Callable[..., tuple[int, dict[str, Any]]]
Filled = tuple[Path, dict[str, Any]]

pytestmark = pytest.mark.usefixtures("aws")


@pytest.fixture
def in_the_bucket(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose lake and registry lie in the bucket."""
    outputs = json.loads(next(workspace.glob("cloud/aws/*/outputs.json")).read_text("utf-8"))
    bucket, s3 = outputs["bucket_names"]["artifacts"], boto3.client("s3", region_name=outputs["region"])
    for folder in ("lake", "runs", "registry"):
        for file in (workspace / folder).rglob("*"):
            if file.is_file():
                s3.upload_file(str(file), bucket, f"evaluated/{file.relative_to(workspace)}")
    monkeypatch.setenv("RETAIL_FORECAST_LAKE__URI", f"s3://{bucket}/evaluated/lake")
    monkeypatch.setenv("RETAIL_FORECAST_REGISTRY__URI", f"s3://{bucket}/evaluated")
    return workspace


def test_the_figures_of_the_cloud_are_those_of_this_machine(
    filled: Filled, in_the_bucket: Path, verb_in: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "--model", filled[1]["run_id"]]
    here = verb_in(in_the_bucket, *words)
    assert here[0] == 0, here
    assert verb_in(in_the_bucket, *words, "--cloud", "aws") == here
    assert run([*words, "--cloud", "aws", "--workspace", str(in_the_bucket)]) == 0
    told = [line.partition(" job ")[2].split(" ", 1)[1] for line in capsys.readouterr().err.splitlines()]
    assert told[0] == "was started before"
    assert told[1].startswith("had ended; its log is in /aws/sagemaker/ProcessingJobs/")
    assert len(told) == 2, "no line of its log"


def test_a_job_that_fails_says_why(
    filled: Filled, in_the_bucket: Path, order: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    order(astray=1)
    words = ["evaluate", "--model", filled[1]["run_id"], "--to-week", "999999", "--cloud", "aws"]
    assert run([*words, "--workspace", str(in_the_bucket)]) == 5
    told = capsys.readouterr().err
    assert "processing job failed: AlgorithmError: See job logs, exit code:" in told
    assert "/aws/sagemaker/ProcessingJobs/" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [([], "lake where it lies, which is not S3"), (["--from-week", "203001"], "no week from 203001")],
)
def test_what_does_not_fit_is_refused_before_anything_is_sent(
    filled: Filled, workspace: Path, words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["evaluate", "--cloud", "aws", "--model", filled[1]["run_id"], *words]
    assert run([*given, "--workspace", str(workspace)]) == 2
    assert told in capsys.readouterr().err
