"""The main job through the command line: what the verbs promise to scripts."""

import csv
import gzip
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec
import pyarrow.parquet as pq
import pytest

from retail_forecast_server.process import serving

Fixture = tuple[Callable[..., tuple[int, dict[str, Any]]], Path, dict[str, Any]]

TIERS = ["LA", "MM", "UM"]


def week_files(workspace: Path) -> list[Path]:
    return sorted((workspace / "simulated").glob("*.csv.gz"))


def rows_of(path: Path) -> list[dict[str, str]]:
    with gzip.open(path, "rt", newline="") as file:
        return list(csv.DictReader(file))


def write_rows(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_training_reports_what_scripts_read(cli: Fixture) -> None:
    _, _, document = cli
    metrics = document["metrics"]
    assert {"run_id", "model", "task", "metrics", "train_baskets", "test_baskets"} <= set(document)
    assert (document["model"], document["task"], document["metrics_from"]) == ("xgboost", "basket", "test")
    assert all(list(metrics[name]) == TIERS for name in ("precision", "recall", "f1"))
    assert metrics["accuracy"] > 0.8
    assert metrics["accuracy"] > document["baselines"]["flat"]["accuracy"] + 0.1
    assert metrics["macro_f1"] > document["baselines"]["always_mm"]["macro_f1"] + 0.3
    assert document["test_baskets"] == 1500
    assert document["train_baskets"] == 7 * 500


def test_training_twice_gives_the_same_figures(cli: Fixture) -> None:
    verb, _, first = cli
    _, second = verb("train")
    assert second["metrics"] == first["metrics"]


def test_logistic_and_flat_train_as_well(cli: Fixture) -> None:
    verb, _, document = cli
    _, logistic = verb("train", "--model", "logistic")
    _, flat = verb("train", "--task", "flat")
    assert logistic["metrics"]["accuracy"] > 0.8
    assert flat["baselines"]["likeliest"]["accuracy"] == pytest.approx(document["baselines"]["flat"]["accuracy"])


def test_without_later_weeks_the_figures_are_of_the_validation_window(cli: Fixture) -> None:
    verb, workspace, _ = cli
    newest = int(week_files(workspace)[-1].name[13:19])
    _, document = verb("train", "--train-to-week", str(newest))
    assert document["metrics_from"] == "validation"
    assert document["windows"]["test"] is None
    assert document["windows"]["train"][1] == newest
    assert document["train_baskets"] == 12 * 500


def test_a_shipped_model_learns_every_week_and_carries_its_parents_figures(cli: Fixture) -> None:
    verb, _, first = cli
    _, shipped = verb("train", "--ship")
    assert shipped["metrics_from"] == "parent"
    assert shipped["parent"] != first["run_id"]
    assert shipped["metrics"] == first["metrics"]
    assert shipped["train_baskets"] == 12 * 500


def test_the_gate_accepts_and_evaluate_repeats_the_figures(cli: Fixture) -> None:
    verb, _, document = cli
    code, promoted = verb("promote", document["run_id"])
    assert (code, promoted["promoted"], promoted["version"]) == (0, True, document["run_id"])
    first, last = document["windows"]["test"]
    _, evaluated = verb("evaluate", "--model", "champion", "--from-week", str(first), "--to-week", str(last))
    assert evaluated["metrics"] == document["metrics"]
    assert evaluated["learned_weeks"] == []


def test_the_gate_refuses_a_model_below_its_floors(cli: Fixture) -> None:
    verb, workspace, document = cli
    settings = workspace / "retail-forecast.yaml"
    settings.write_text(settings.read_text().replace("gate: {", "gate: {basket: {accuracy: 0.9999}, "))
    code, refused = verb("promote", document["run_id"])
    assert (code, refused["promoted"], refused["version"]) == (4, False, None)
    assert any("accuracy" in reason for reason in refused["reasons"])
    listed = verb("models")[1]
    assert listed["champions"] == {}
    (kept,) = listed["refused"]["basket"]
    assert (kept["run_id"], kept["reasons"]) == (document["run_id"], refused["reasons"])
    code, overridden = verb("promote", document["run_id"], "--override-by", "Ann", "--override-reason", "a trial")
    assert (code, overridden["promoted"], overridden["override"]) == (0, True, "Ann")
    assert len(verb("models")[1]["refused"]["basket"]) == 1


def test_the_gate_refuses_a_worse_challenger_and_accepts_an_equal_one(cli: Fixture) -> None:
    verb, _, document = cli
    verb("promote", document["run_id"])
    weeks = document["windows"]["train"]
    _, worse = verb("train", "--train-to-week", str(document["windows"]["calibration"][1]), "--train-from-week",
                    str(document["windows"]["validation"][0]))  # fmt: skip
    assert weeks[0] < worse["windows"]["train"][0]
    code, refused = verb("promote", worse["run_id"])
    assert (code, refused["version"]) == (4, document["run_id"])
    assert any("differs by -" in reason for reason in refused["reasons"])
    _, equal = verb("train", "--seed", "20060410")
    assert verb("promote", equal["run_id"])[0] == 0
    code, listed = verb("models", "--rollback", "basket")
    assert (code, listed["champions"]["basket"]) == (0, document["run_id"])
    assert [entry["action"] for entry in listed["history"]["basket"]] == ["promote", "promote", "rollback"]


def test_a_label_column_changes_no_prediction(cli: Fixture, tmp_path: Path) -> None:
    verb, workspace, document = cli
    rows = rows_of(week_files(workspace)[-1])
    label = "BASKET_PRICE_SENSITIVITY"
    permuted = [row | {label: other[label]} for row, other in zip(rows, reversed(rows), strict=True)]
    assert permuted != rows
    stripped = [{name: value for name, value in row.items() if name != label} for row in rows]
    answers = []
    for name, variant in (("as-is", rows), ("permuted", permuted), ("stripped", stripped)):
        file, output = write_rows(tmp_path / f"{name}.csv", variant), tmp_path / f"{name}.parquet"
        assert verb("predict", str(file), "--output", str(output), "--model", document["run_id"])[0] == 0
        answers.append(pq.read_table(output))
    assert answers[0].equals(answers[1])
    assert answers[0].equals(answers[2])
    assert answers[0].column_names == ["basket_id", "label", "p_LA", "p_MM", "p_UM", "p_XX", "unknown_share"]
    assert answers[0]["basket_id"].to_pylist() == list(dict.fromkeys(row["BASKET_ID"] for row in rows))


def test_every_output_format_says_the_same(cli: Fixture, tmp_path: Path) -> None:
    verb, workspace, document = cli
    outputs = [tmp_path / f"answers.{suffix}" for suffix in ("parquet", "csv", "jsonl")]
    for output in outputs:
        verb("predict", str(week_files(workspace)[-1]), "--output", str(output), "--model", document["run_id"])
    table = pq.read_table(outputs[0]).to_pylist()
    with outputs[1].open(newline="") as file:
        from_csv = list(csv.DictReader(file))
    from_jsonl = [json.loads(line) for line in outputs[2].read_text().splitlines()]
    assert from_jsonl == table
    assert [row["label"] for row in from_csv] == [row["label"] for row in table]
    assert all(math.isclose(float(a["p_UM"]), b["p_UM"], abs_tol=1e-12) for a, b in zip(from_csv, table, strict=True))


def test_the_server_answers_as_the_batch_does(cli: Fixture, tmp_path: Path) -> None:
    verb, workspace, document = cli
    verb("promote", document["run_id"])
    rows = rows_of(week_files(workspace)[-1])
    chosen = rows[0]["BASKET_ID"]
    lines = [
        {"prod_code": row["PROD_CODE"], "quantity": int(row["QUANTITY"]), "spend_gbp": float(row["SPEND"])}
        for row in rows
        if row["BASKET_ID"] == chosen
    ]
    output = tmp_path / "batch.jsonl"
    verb("predict", str(write_rows(tmp_path / "week.csv", rows)), "--output", str(output))
    batch = json.loads(output.read_text().splitlines()[0])
    with serving(workspace) as url:
        body = msgspec.json.encode({"basket_id": chosen, "lines": lines})
        with urlopen(Request(f"{url}/v1/predict", body, {"Content-Type": "application/json"})) as response:  # noqa: S310
            answer = json.load(response)
    assert (answer["basket_id"], answer["label"]) == (batch["basket_id"], batch["label"])
    assert answer["model_version"] == document["run_id"]
    assert all(abs(answer["probabilities"][label] - batch[f"p_{label}"]) <= 1e-6 for label in (*TIERS, "XX"))


@pytest.mark.parametrize(
    ("words", "code", "what"),
    [
        (("promote", "basket-xgboost-20990101T000000-000000"), 2, "no run is named"),
        (("evaluate",), 2, "no champion yet"),
        (("train", "--model", "oracle"), 2, "no model is called 'oracle'"),
        (
            ("train", "--train-to-week", "200628", "--test-from-week", "200625"),
            2,
            "in or before the last training week",
        ),
        (("train", "--test-to-week", "200601"), 2, "left to learn from"),
        (("ingest", "nowhere.csv"), 2, "nowhere.csv"),
        (("train", "--task", "fortune"), 2, "fortune"),
    ],
)
def test_wrong_options_are_explained(cli: Fixture, words: tuple[str, ...], code: int, what: str) -> None:
    verb, _, _ = cli
    found, document = verb(*words)
    assert found == code
    assert what in document["error"]["what"] + document["error"]["where"]
    assert document["error"]["mend"]


def test_an_output_of_unknown_format_is_refused_before_work(cli: Fixture, tmp_path: Path) -> None:
    verb, workspace, document = cli
    words = (
        "predict",
        str(week_files(workspace)[0]),
        "--model",
        document["run_id"],
        "--output",
        str(tmp_path / "a.xls"),
    )
    code, told = verb(*words)
    assert (code, told["error"]["where"]) == (2, "--output")


def test_a_damaged_bundle_is_not_promoted(cli: Fixture) -> None:
    verb, workspace, document = cli
    model = workspace / "registry" / "bundles" / document["run_id"] / "model.onnx"
    model.write_bytes(model.read_bytes()[:-1] + b"\0")
    code, told = verb("promote", document["run_id"])
    assert (code, told["error"]["code"]) == (3, "BundleError")


def test_the_report_is_written(cli: Fixture, tmp_path: Path) -> None:
    verb, _, document = cli
    output = tmp_path / "report.html"
    assert verb("report", "--model", document["run_id"], "--output", str(output))[0] == 0
    assert document["run_id"] in output.read_text()
