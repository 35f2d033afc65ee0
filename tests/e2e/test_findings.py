"""What training finds out beside the figures is on record, in the report and before the gate."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retail_forecast.cli.main import run

Fixture = tuple[Callable[..., tuple[int, dict[str, Any]]], Path, dict[str, Any]]


def test_a_run_tells_leaks_behaviour_slices_and_its_learning_curve(cli: Fixture) -> None:
    call, workspace, _ = cli
    code, document = call("train", "--model", "logistic", "--curve")
    assert code == 0
    assert document["leakage"]["leaks"] == []
    assert document["leakage"]["twin"]["row_random"] > document["leakage"]["twin"]["grouped"]
    assert len(document["behaviour"]) == 12
    assert all(trial["passed"] for trial in document["behaviour"])
    assert [point["weeks"] for point in document["curve"]] == [4, 9]
    few, whole = document["curve"]
    assert few["macro_f1"] < whole["macro_f1"] == document["metrics"]["macro_f1"]
    record = json.loads((workspace / "runs" / document["run_id"] / "run.json").read_text())
    by_format = [each["n"] for each in record["slices"] if each["by"] == "store format"]
    assert sum(by_format) == sum(sum(row.values()) for row in document["metrics"]["confusion"].values())
    card = next((workspace / "registry").rglob(f"*{document['run_id']}*/card.md")).read_text()
    assert "## Weaknesses" in card
    assert "## Trials" in card
    folder = workspace / "runs" / document["run_id"]
    assert "Weaknesses</h2>" in next((workspace / "registry").rglob(f"*{document['run_id']}*/card.html")).read_text()
    assert record["bundle_digest"] in (folder / "card.html").read_text()
    assert call("report", "--model", document["run_id"])[0] == 0
    assert f'href="../runs/{document["run_id"]}/card.html"' in (workspace / "reports" / "report.html").read_text()


def test_trees_leave_their_shap_values(cli: Fixture) -> None:
    _, workspace, document = cli
    record = json.loads((workspace / "runs" / document["run_id"] / "run.json").read_text())
    assert set(record["attributions"]) == set(record["importance"])
    assert max(record["attributions"].values()) > 0


def test_people_are_told_the_gap_of_the_row_random_twin(cli: Fixture, capfd: pytest.CaptureFixture[str]) -> None:
    _, workspace, _ = cli
    assert run(["train", "--task", "flat", "--model", "logistic", "--workspace", str(workspace)]) == 0
    told = capfd.readouterr().out
    assert "Leaks: none found" in told
    assert "A row-random twin would pretend macro F1" in told
    assert "Behaviour: 2 trials, failed: none" in told


def test_a_run_that_was_found_to_leak_is_not_promoted(cli: Fixture) -> None:
    call, workspace, document = cli
    file = workspace / "runs" / document["run_id"] / "run.json"
    record = json.loads(file.read_text())
    record["leakage"]["leaks"] = ["column mission is a copy of the label"]
    file.write_text(json.dumps(record))
    code, answer = call("promote", document["run_id"])
    assert code == 4
    assert "it leaks: column mission is a copy of the label" in answer["reasons"]


def test_a_learning_curve_needs_a_test_window(cli: Fixture) -> None:
    call, _, document = cli
    code, answer = call("train", "--curve", "--train-to-week", str(document["windows"]["test"][1]))
    assert code == 2
    assert "learning curve" in json.dumps(answer)


@pytest.mark.slow
def test_probabilities_on_simulated_baskets_can_be_taken_at_their_word(tmp_path: Path) -> None:
    workspace = ["--workspace", str(tmp_path), "--json"]
    sizes = ["--weeks", "12", "--baskets-per-week", "3000", "--products", "300", "--label-noise", "0"]
    (tmp_path / "retail-forecast.yaml").write_text(
        "windows: {test_weeks: 4, validation_weeks: 1, calibration_weeks: 2}\ntrain: {threads: 1}\n"
    )
    assert run(["simulate", *sizes, *workspace]) == 0
    assert run(["ingest", str(tmp_path / "simulated"), *workspace]) == 0
    assert run(["train", *workspace]) == 0
    file = next((tmp_path / "runs").rglob("run.json"))
    assert json.loads(file.read_text())["metrics"]["ece"] <= 0.01
