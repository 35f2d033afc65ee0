"""The whole loop on an emulated AWS, without an account: from the ground to a served answer, and back to nothing.

Infrastructure is applied, till files come into the bucket, into the lake and the feature store, jobs are tuned and
trained by SageMaker's stand-in (`sagemaker.py`), the gate decides, the registry in the bucket holds the champion, its
package is registered, approved and deployed, a server follows the registry and answers as the batch does, its log is
committed to the lake, live accuracy is measured and its alarm goes off when answers are wrong (`cloudwatch.py`), a
worse model is refused, a bad one rolled back, and `down` proves that nothing is left.
"""

import csv
import gzip
import importlib.util
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest

from retail_forecast.clouds.objects import download
from retail_forecast.clouds.opening import open_store
from retail_forecast_server.process import serving

TESTS = Path(__file__).parents[2]
NAME, REGION = "retail-forecast-dev", "ap-southeast-1"
SIZES = ["--weeks", "12", "--baskets-per-week", "500", "--products", "150", "--customers", "200", "--stores", "20"]
SETTINGS = """\
windows: {test_weeks: 3, validation_weeks: 2, calibration_weeks: 2}
train: {threads: 1}
lake: {threads: 1}
gate: {minimum_baskets: 200, draws: 200}
aws: {poll_s: 0.2}
"""
ASKED = 25
FLOOR = 0.75
"""Of live accuracy, as `aws/metrics.json` has it."""

PATIENCE_S = 60

Call = Callable[..., tuple[int, dict[str, Any]]]


def _module(name: str, file: str) -> Any:  # noqa: ANN401 - a module
    """A module that lies among the tests."""
    spec = importlib.util.spec_from_file_location(name, TESTS / file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_GROUND = _module("ground_of_rounds", "infrastructure/conftest.py")
copied, opened = _GROUND.copied, _GROUND.opened
judged: Callable[[str, str, str], dict[str, str]] = _module("cloudwatch_of_rounds", "e2e/aws/cloudwatch.py").judged


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "workspace").mkdir()
    (tmp_path / "workspace/retail-forecast.yaml").write_text(SETTINGS)
    return tmp_path / "workspace"


@pytest.fixture
def verb(home: Path, verb_in: Call) -> Call:
    """A verb that must succeed; returns its document."""

    def calling(*words: str) -> Any:  # noqa: ANN401 - JSON
        code, document = verb_in(home, *words)
        assert code == 0, (words, document)
        return document

    return calling


@pytest.fixture
def infra(copied: Callable[[], Path], opened: Callable[[Path], Any], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Options of `cloud` that lead to a copy of the ground, with the profile of the emulator."""
    folder = copied()
    for name, value in opened(folder).variables.items():
        if name.startswith("TF_"):
            monkeypatch.setenv(name, value)
    (folder / "profiles/emulator.tfvars").replace(folder / "profiles/dev.tfvars")
    return ["--home", str(folder.parent)]


def let_in(outputs: dict[str, Any]) -> None:
    """The emulator speaks no TLS, without which the buckets' policies let nobody in."""
    s3 = boto3.client("s3", region_name=REGION)
    for purpose in ("lake", "artifacts"):
        s3.delete_bucket_policy(Bucket=outputs["bucket_names"][purpose])


def bring(files: list[Path], outputs: dict[str, Any], folder: str) -> None:
    """Till files into a folder of the bucket, as tills would bring them."""
    s3, bucket = boto3.client("s3", region_name=REGION), outputs["bucket_names"]["lake"]
    for file in files:
        s3.upload_file(str(file), bucket, f"{folder}/{file.name}")


def group_of_packages(home: Path) -> str:
    """A group for model packages, among the outputs: the emulator's profile leaves it out. It is not the environment's,
    for the emulator cannot delete one."""
    name = "packages-of-a-round"
    boto3.client("sagemaker", region_name=REGION).create_model_package_group(ModelPackageGroupName=name)
    file = home / f"cloud/aws/{NAME}/outputs.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model_package_groups": {"basket": name}}))
    return name


def package_of(group: str, run_id: str) -> dict[str, Any]:
    """What the Model Registry says of a run."""
    client = boto3.client("sagemaker", region_name=REGION)
    listed = client.list_model_packages(ModelPackageGroupName=group, ModelPackageType="Versioned")
    (arn,) = [
        one["ModelPackageArn"] for one in listed["ModelPackageSummaryList"] if one["ModelPackageDescription"] == run_id
    ]
    return dict(client.describe_model_package(ModelPackageName=arn))


def script(name: str, home: Path, *words: str) -> tuple[int, str]:
    """Exit code of a script, and what it said."""
    command = [sys.executable, str(TESTS.parent / f"aws/script/{name}.py"), *words, "--workspace", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def baskets_of(file: Path) -> dict[str, list[dict[str, Any]]]:
    """Lines of the first baskets of a till file, as the server takes them."""
    with gzip.open(file, "rt", newline="") if file.suffix == ".gz" else file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    chosen = list(dict.fromkeys(row["BASKET_ID"] for row in rows))[:ASKED]
    lines: dict[str, list[dict[str, Any]]] = {basket: [] for basket in chosen}
    for row in rows:
        if row["BASKET_ID"] in lines:
            line = {"prod_code": row["PROD_CODE"], "quantity": int(row["QUANTITY"]), "spend_gbp": float(row["SPEND"])}
            lines[row["BASKET_ID"]].append(line)
    return lines


def ask(url: str, basket: str, lines: list[dict[str, Any]]) -> Any:  # noqa: ANN401 - JSON
    body = json.dumps({"basket_id": basket, "lines": lines}).encode()
    with urlopen(Request(f"{url}/v1/predict", body, {"Content-Type": "application/json"})) as answer:  # noqa: S310
        return json.load(answer)


def until_answered_by(url: str, version: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while True:
        with urlopen(f"{url}/readyz") as answer:  # noqa: S310 - our own server
            if json.load(answer)["model_version"] == version:
                return
        assert time.monotonic() < end, f"the server does not take up {version}"
        time.sleep(0.1)


def approved_and_deployed(home: Path, verb: Callable[..., Any], run_id: str) -> None:
    """The mirror in the Model Registry: what is not approved is not deployed; approval says who and why."""
    group = group_of_packages(home)
    assert script("register_model", home, run_id)[0] == 0
    assert package_of(group, run_id)["ModelApprovalStatus"] == "PendingManualApproval"
    assert verb("promote", run_id, "--why", "the first")["version"] == run_id
    code, said = script("deploy_endpoint", home)
    assert (code, "is PendingManualApproval" in said) == (2, True), said
    assert script("register_model", home, run_id)[0] == 0
    package = package_of(group, run_id)
    assert package["ModelApprovalStatus"] == "Approved"
    assert re.search(r"promoted by \S+.*: the first$", package["ApprovalDescription"])
    facts = package["CustomerMetadataProperties"]
    assert facts["lake_state"] == "1"
    assert facts.keys() >= {"metrics.macro_f1", "window.test", "bundle_digest"}
    code, said = script("deploy_endpoint", home, "--wait")
    assert (code, "InService" in said) == (0, True), said


def measured(verb: Callable[..., Any], spool: Path) -> tuple[float, str]:
    """Live accuracy of the newest week once all answers are in the lake, and the state of the alarm on it."""
    end, answers = time.monotonic() + PATIENCE_S, 0
    while answers < ASKED:
        assert time.monotonic() < end, f"{answers} answers are in the lake"
        verb("predictions", "upload", str(spool))
        answers += verb("predictions", "commit")["answers"]
    assert answers == ASKED
    sent = verb("quality", "--emit")["emitted"]["basket"]
    assert 0 < sent["DriftIndex"] < 1
    return sent["LiveAccuracy"], judged(REGION, f"/{NAME}/jobs", NAME)[f"{NAME}-LiveAccuracy"]


@pytest.mark.slow
@pytest.mark.usefixtures("aws")
def test_the_whole_loop(
    infra: list[str], home: Path, verb: Callable[..., Any], verb_in: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = verb("cloud", "up", "--yes", *infra)["outputs"]
    let_in(outputs)
    places = outputs["zone_uris"]
    monkeypatch.setenv("RETAIL_FORECAST_LAKE__URI", places["lake"])
    monkeypatch.setenv("RETAIL_FORECAST_LAKE__PREDICTIONS_URI", places["predictions"])
    monkeypatch.setenv("RETAIL_FORECAST_REGISTRY__URI", places["registry"])
    monkeypatch.setenv("RETAIL_FORECAST_FEATURES__ONLINE", f"dynamodb://{outputs['dynamodb_table']}")

    # Till files to baskets, in the buckets.
    verb("simulate", *SIZES)
    files = sorted((home / "simulated").glob("transactions_*"))
    bring(files, outputs, "incoming")
    assert verb("ingest", places["incoming"])["files"] == 12
    assert verb("features", "materialize")["offline"]["product"] > 0

    # Tuned and trained by jobs, measured here, judged by the gate.
    tuned = verb("tune", "--cloud", "aws", "--model", "tree", "--trials", "2")
    assert tuned["best"]["value"] > 0.5
    trained = verb("train", "--cloud", "aws")
    good = trained["run_id"]
    approved_and_deployed(home, verb, good)
    assert any(f"/bundles/{good}/manifest.json" in key for key in keys_of(outputs["bucket_names"]["artifacts"]))

    # The same answers from a server that follows the registry, and the log of them in the lake.
    lines = baskets_of(files[-1])
    bring(files[-1:], outputs, "to-score")
    verb("predict", places["to_score"], "--output", f"{places['scored']}/day.jsonl")
    download(open_store(places["scored"]), home)
    local = {row["basket_id"]: row for row in map(json.loads, (home / "day.jsonl").read_text().splitlines())}
    spool = home / "spool"
    quick = {"CHAMPION_POLL_S": "0.1", "PREDICTION_LOG": str(spool), "PREDICTION_LOG_SEGMENT_S": "0.2"}
    with serving(registry=places["registry"], settings=quick) as url:
        until_answered_by(url, good)
        for basket, given in lines.items():
            answer = ask(url, basket, given)
            assert answer["label"] == local[basket]["label"]
            for tier, share in answer["probabilities"].items():
                assert abs(share - local[basket][f"p_{tier}"]) <= 1e-6

        right, alarm = measured(verb, spool)
        assert (right >= FLOOR, alarm) == (True, "OK")

        # A worse model is refused; one that is forced is served, and rolled back.
        start, last = str(trained["windows"]["validation"][0]), str(trained["windows"]["calibration"][1])
        bad = verb("train", "--train-from-week", start, "--train-to-week", last)["run_id"]
        code, refused = verb_in(home, "promote", bad)
        assert (code, refused["version"]) == (4, good)
        verb("promote", bad, "--override-by", "Ann", "--override-reason", "to see what happens")
        until_answered_by(url, bad)
        # Tills that mix baskets up make answers worse than any model would.
        for basket, given in zip(lines, [*lines.values()][1:] + [*lines.values()][:1], strict=True):
            ask(url, basket, given)
        wrong, alarm = measured(verb, spool)
        assert (wrong < FLOOR, alarm) == (True, "ALARM")
        verb("models", "--rollback", "basket", "--why", "it answers worse")
        until_answered_by(url, good)

    # And nothing is left but what waits for its day.
    left = verb("cloud", "down", "--yes", *infra)["left"]
    assert {(thing["kind"], thing["standing"]) for thing in left} <= {("key", "pending"), ("bucket", "locked")}


def keys_of(bucket: str) -> list[str]:
    """What lies in a bucket."""
    pages = boto3.client("s3", region_name=REGION).get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [found["Key"] for page in pages for found in page.get("Contents", [])]
