"""Training of XGBoost and of the network on every basket, beside plain scikit-learn HistGradientBoosting on the same
features: seconds, seconds per million baskets, peak memory, and ratios.

    python benchmarks/training.py [--source GLOB | --workspace DIR] [--rounds 3] [--only xgboost,histgb]

Each trains in a process of its own, in turn, `--rounds` times; medians count. Without a source or a workspace, the
files in the folder that RETAIL_FORECAST_REAL_DATA names are used, or simulated ones.

features_s  the leanings out of fold, and the features that a learner is given; the network learns its own
learn_s     the learning itself, with the export to ONNX where the learner is ours
seconds     both together; reading the lake is not counted, but is part of peak_mib
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sklearn.ensemble import HistGradientBoostingClassifier

from retail_forecast.domain.labels import TIERS
from retail_forecast.domain.settings import LakeSettings, TrainSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.ingest import ingest
from retail_forecast.lake.landing import find_sources
from retail_forecast.lake.reading import Labelled, read_gold
from retail_forecast.models.examples import Examples, examples_of
from retail_forecast.models.fitting import fit_model
from retail_forecast.models.learners import learner, missing_library
from retail_forecast.pipeline.workspace import lake_path, lake_state
from retail_forecast.simulation.spec import TillSpec
from retail_forecast.simulation.tills import simulate

PEER = "histgb"
NAMES = [*(name for name in ("xgboost", "embedding") if missing_library(name) is None), PEER]
MEASURED = ("features_s", "learn_s", "seconds", "cpu_s", "peak_mib")
SETTINGS = TrainSettings()


def one(name: str, workspace: Path) -> dict[str, float]:
    """Train once, in this process."""
    gold = read_gold(lake_path(workspace), lake_state(workspace))
    began, used = time.perf_counter(), time.process_time()
    examples = None if name == "embedding" else examples_of(Task.BASKET, gold.baskets, gold.label, SETTINGS)
    middle = time.perf_counter()
    learn(name, gold, examples)
    ended = time.perf_counter()
    return {
        "baskets": int((gold.label < len(TIERS)).sum()),
        "features_s": middle - began,
        "learn_s": ended - middle,
        "seconds": ended - began,
        "cpu_s": time.process_time() - used,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10,
    }


def learn(name: str, gold: Labelled, examples: Examples | None) -> None:
    if examples is not None and name == PEER:
        HistGradientBoostingClassifier(random_state=SETTINGS.seed).fit(examples.features, examples.label)
        return
    threads = os.cpu_count() or 1
    fit_model(Task.BASKET, learner(name), gold.baskets, gold.label, SETTINGS, threads, examples=examples)


def summary(rounds: list[dict[str, dict[str, float]]]) -> dict[str, Any]:
    """Medians over the rounds, of each learner; ratios are taken within a round."""
    figures: dict[str, Any] = {"rounds": len(rounds), "processors": os.cpu_count(), "load": os.getloadavg()[0]}
    for name in rounds[0]:
        runs = [each[name] for each in rounds]
        figures["baskets"] = runs[0]["baskets"]
        found = {key: round(statistics.median(run[key] for run in runs), 2) for key in MEASURED}
        found["s_per_million"] = round(found["seconds"] / figures["baskets"] * 1e6, 2)
        if name != PEER and PEER in rounds[0]:
            for key in ("learn_s", "seconds", "cpu_s"):
                ratios = [each[name][key] / each[PEER][key] for each in rounds]
                found[f"{key}_to_{PEER}"] = round(statistics.median(ratios), 2)
        figures[name] = found
    return figures


def filled(folder: Path, source: str | None) -> Path:
    """A workspace with a lake of the `source`, or of simulated weeks."""
    if source is None:
        simulate(TillSpec(weeks=30), folder / "simulated")
    files = [str(path) for path in find_sources([source or str(folder / "simulated")])]
    ingest(lake_path(folder), files, LakeSettings(), clock=lambda: datetime.now(UTC))
    return folder


def measured(name: str, workspace: Path) -> dict[str, float]:
    """Train once, in a process of its own."""
    command = [sys.executable, __file__, "--one", name, "--workspace", str(workspace)]
    environment = os.environ | {"OMP_WAIT_POLICY": "passive"}
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", default=os.environ.get("RETAIL_FORECAST_REAL_DATA"), help="till files")
    parser.add_argument("--workspace", type=Path, help="one whose lake is filled already")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--only", default=",".join(NAMES), help="some of those installed (%(default)s)")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(one(given.one, given.workspace)))
        return
    names = given.only.split(",")
    with tempfile.TemporaryDirectory() as folder:
        workspace = given.workspace or filled(Path(folder), given.source)
        rounds = [{name: measured(name, workspace) for name in names} for _ in range(given.rounds)]
    print(json.dumps(summary(rounds)))


if __name__ == "__main__":
    main()
