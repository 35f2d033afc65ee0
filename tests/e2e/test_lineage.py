"""Lineage and reproduction of the small workspace, through the command line."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retail_forecast.bundle.manifest import MANIFEST
from retail_forecast.pipeline.reproduce import TOLERANCE, compare_figures, judge

Fixture = tuple[Callable[..., tuple[int, dict[str, Any]]], Path, dict[str, Any]]


def test_a_run_a_bundle_and_a_week_lead_to_each_other(cli: Fixture) -> None:
    verb, workspace, document = cli
    run_id, digest = document["run_id"], document["bundle_digest"]
    assert verb("promote", run_id)[0] in (0, 4)
    code, of_run = verb("lineage", run_id)
    assert (code, of_run["kind"], len(of_run["files"])) == (0, "run", 12)
    assert [state["number"] for state in of_run["states"]] == [1]
    assert set(of_run["states"][0]["files"]) == {file["sha256"] for file in of_run["files"]}
    assert [run["bundle"] for run in of_run["runs"]] == [digest]
    bundle = workspace / "registry" / "bundles" / run_id
    for name in (digest, digest[:10], str(bundle)):
        code, of_bundle = verb("lineage", name)
        assert (code, of_bundle["kind"]) == (0, "bundle")
        assert {key: of_bundle[key] for key in ("files", "states", "runs", "champions")} == {
            key: of_run[key] for key in ("files", "states", "runs", "champions")
        }
    week = of_run["files"][3]["weeks"][0]
    code, of_week = verb("lineage", str(week))
    assert (code, of_week["kind"]) == (0, "week")
    assert of_week["files"] == [of_run["files"][3]]
    assert [run["run_id"] for run in of_week["runs"]] == [run_id]
    assert of_week["runs"][0]["outdated"] == []


def test_a_corrected_week_shows_which_runs_are_outdated(cli: Fixture, tmp_path: Path) -> None:
    verb, workspace, document = cli
    source = sorted((workspace / "simulated").iterdir())[2]
    corrected = tmp_path / "corrected.csv"
    payload = gzip.decompress(source.read_bytes()) if source.suffix == ".gz" else source.read_bytes()
    lines = payload.splitlines(keepends=True)
    gone = lines[-1].split(b",")[14]
    corrected.write_bytes(b"".join(line for line in lines if line.split(b",")[14] != gone))
    code, taken = verb("ingest", str(corrected))
    assert (code, len(taken["replaced"])) == (0, 1)
    _, found = verb("lineage", str(taken["replaced"][0]))
    assert [file["in_force"] for file in found["files"]] == [False, True]
    assert [state["number"] for state in found["states"]] == [1, 2]
    assert found["runs"][0]["outdated"] == taken["replaced"]
    code, again = verb("reproduce", document["run_id"])
    assert (code, again["verdict"], again["lake_state"]) == (0, "identical", 1)


def test_names_that_nobody_knows(cli: Fixture) -> None:
    verb, _, _ = cli
    for name in ("basket-nothing", "190001", "abcdef0"):
        code, told = verb("lineage", name)
        assert (code, told["error"]["code"]) == (2, "UsageError")


def test_every_job_left_its_events(cli: Fixture) -> None:
    verb, workspace, document = cli
    verb("promote", document["run_id"])
    told = [json.loads(path.read_text("utf-8")) for path in sorted((workspace / "lineage").iterdir())]
    assert [(event["job"]["name"], event["eventType"]) for event in told][:4] == [
        ("ingest", "START"),
        ("ingest", "COMPLETE"),
        ("train.basket.xgboost", "START"),
        ("train.basket.xgboost", "COMPLETE"),
    ]
    ingest, train, promote = told[1], told[3], told[5]
    assert len(ingest["inputs"]) == 12
    gold = next(one for one in ingest["outputs"] if one["name"].endswith("gold/baskets"))
    assert [(one["name"], one["facets"]["version"]) for one in train["inputs"]] == [
        (gold["name"], gold["facets"]["version"])
    ]
    assert train["outputs"][0]["facets"]["version"]["datasetVersion"] == document["bundle_digest"]
    assert promote["inputs"][0]["facets"] == train["outputs"][0]["facets"]


def test_a_refit_is_reproduced_as_well(cli: Fixture) -> None:
    verb, _, _ = cli
    code, shipped = verb("train", "--model", "tree", "--ship")
    assert code == 0
    code, again = verb("reproduce", shipped["run_id"])
    assert (code, again["verdict"]) == (0, "identical")


def edit(workspace: Path, run_id: str, change: Callable[[dict[str, Any]], None]) -> None:
    path = workspace / "runs" / run_id / "run.json"
    record = json.loads(path.read_text("utf-8"))
    change(record)
    path.write_text(json.dumps(record), "utf-8")


def test_other_settings_are_found_out(cli: Fixture) -> None:
    verb, workspace, document = cli
    edit(workspace, document["run_id"], lambda record: record["settings"]["train"].update(leaning_penalty=5.0))
    code, again = verb("reproduce", document["run_id"])
    assert (code, again["verdict"]) == (4, "different")
    assert again["recorded"] != again["reproduced"]


def test_a_record_without_its_order_cannot_be_reproduced(cli: Fixture) -> None:
    verb, workspace, document = cli
    edit(workspace, document["run_id"], lambda record: record.pop("order"))
    code, told = verb("reproduce", document["run_id"])
    assert code == 2
    assert "before orders were kept" in told["error"]["what"]


def test_a_damaged_bundle_is_no_measure(cli: Fixture) -> None:
    verb, workspace, document = cli
    bundle = workspace / "registry" / "bundles" / document["run_id"]
    shutil.copy(bundle / MANIFEST, bundle / "model.onnx")
    assert verb("reproduce", document["run_id"])[0] == 3


@pytest.mark.parametrize(
    ("same", "elsewhere", "difference", "verdict"),
    [
        (True, True, 0.0, "identical"),
        (False, True, TOLERANCE, "equivalent"),
        (False, True, TOLERANCE * 1.01, "different"),
        (False, False, 0.0, "different"),
    ],
)
def test_the_verdict(same: bool, elsewhere: bool, difference: float, verdict: str) -> None:
    assert judge(same, elsewhere, {"accuracy": difference}) == verdict


def test_figures_are_compared_tier_by_tier() -> None:
    recorded = {"accuracy": 0.9, "macro_f1": 0.8, **{rate: {"LA": 0.5} for rate in ("precision", "recall", "f1")}}
    found = recorded | {"recall": {"LA": 0.25}}
    assert compare_figures(recorded, found) == {
        "accuracy": 0,
        "macro_f1": 0,
        "precision.LA": 0,
        "recall.LA": 0.25,
        "f1.LA": 0,
    }
