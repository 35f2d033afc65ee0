"""A retailer without labels: they are made, learned, and said to be made wherever figures stand."""

import csv
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from retail_forecast.bundle.manifest import read_manifest

Fixture = tuple[Callable[..., tuple[int, dict[str, Any]]], Path, dict[str, Any]]


def customers_of(workspace: Path) -> list[str]:
    week = min((workspace / "simulated").glob("*.csv.gz"))
    with gzip.open(week, "rt", newline="") as file:
        return sorted({row["CUST_CODE"] for row in csv.DictReader(file)} - {""})


def test_labels_by_price_are_learned_and_named(cli: Fixture) -> None:
    verb, workspace, given = cli
    assert (given["label_source"], given["agreement"]) == ("given", None)
    code, run = verb("train", "--labels", "price-tiers")
    assert (code, run["label_source"]) == (0, "price_tiers")
    assert run["metrics"]["macro_f1"] > 0.6
    agreement = run["agreement"]
    assert agreement["model"]["macro_f1"] < run["metrics"]["macro_f1"]
    assert agreement["baskets"] == sum(sum(row.values()) for row in given["metrics"]["confusion"].values())
    bundle = workspace / "registry" / "bundles" / run["run_id"]
    assert read_manifest(bundle).label_source == "price_tiers"
    assert "Labels are not given" in (bundle / "card.md").read_text()
    code, reported = verb("report", "--model", run["run_id"])
    assert "Labels are not given" in Path(reported["report"]).read_text()


def test_made_labels_are_judged_by_made_labels_and_a_champion_by_given_ones(cli: Fixture) -> None:
    verb, _, given = cli
    _, weak = verb("train", "--labels", "price-tiers")
    code, alone = verb("promote", weak["run_id"])
    assert any("price_tiers" in reason for reason in alone["reasons"]) == (code == 0)
    verb("promote", weak["run_id"], "--override-by", "Ann", "--override-reason", "a trial")
    assert verb("promote", given["run_id"])[0] == 0
    code, refused = verb("promote", weak["run_id"])
    assert code == 4
    assert any("macro F1" in reason for reason in refused["reasons"])


def test_labels_from_a_file_of_customers(cli: Fixture, tmp_path: Path) -> None:
    verb, workspace, given = cli
    tiers = ("LA", "MM", "UM")
    listed = customers_of(workspace)[::2]
    file = tmp_path / "customers.csv"
    file.write_text("customer,tier\n" + "".join(f"{c},{tiers[i % 3]}\n" for i, c in enumerate(listed)))
    code, run = verb("train", "--labels", str(file), "--model", "logistic")
    assert (code, run["label_source"]) == (0, "customer_file")
    assert 0 < run["train_baskets"] < given["train_baskets"]
    kept = workspace / "labels" / run["settings"]["labels"]["customers"]
    assert kept.read_bytes() == file.read_bytes()


def test_a_file_that_names_nobody_of_the_lake_is_refused(cli: Fixture, tmp_path: Path) -> None:
    verb, _, _ = cli
    file = tmp_path / "customers.csv"
    file.write_text("customer,tier\nCUST9999999999,LA\n")
    code, refused = verb("train", "--labels", str(file))
    assert (code, "no basket gets a label" in json.dumps(refused)) == (3, True)
