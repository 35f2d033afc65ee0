"""Batch scoring and the feature store: time and CPU time of `predict` over the lake, on each engine, for each champion,
and of `features materialize` from nothing; and, where the champion for baskets is XGBoost, what one core scores, beside
a bare `Booster.inplace_predict` of the same settings on the same rows, by CPU time.

    python benchmarks/scoring.py [--workspace DIR]

Each is a process of its own, start included. Without `--workspace` simulated weeks and a tree are used. What is written
goes into a folder that is thrown away; of a workspace that is given, records are materialised into a copy of its lake's
links, so that it stays as it is.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import pyarrow as pa
import xgboost

from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.labels import TIERS
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.reading import read_gold
from retail_forecast.pipeline.workspace import lake_path, lake_state
from retail_forecast.registry.champion import current
from retail_forecast_server.models import Source, load_model
from serving import TRAINED_ON, champion, peers_model
from streams import answered, stream_of, table_of

AT_ONCE = 8192
ROUNDS = 25
PROGRAM = "from retail_forecast.cli.main import main\nif __name__ == '__main__':\n    main()\n"


def verb(program: Path, *words: str) -> tuple[float, float]:
    """Seconds, and CPU seconds, that a verb takes."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    quiet = subprocess.DEVNULL
    subprocess.run([sys.executable, str(program), *words], check=True, stdout=quiet, stderr=quiet)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.perf_counter() - start, spent


def simulated(program: Path, workspace: Path) -> None:
    given = ("--workspace", str(workspace))
    sizes = ("--weeks", "24", "--baskets-per-week", "500")
    for words in (
        ("simulate", *sizes),
        ("ingest", str(workspace / "simulated")),
        ("run", "--no-serve", "--model", "tree"),
    ):
        verb(program, *words, *given)


def measure(program: Path, workspace: Path, folder: Path) -> None:
    state = lake_state(workspace)
    baskets = sum(week.baskets for week in state.weeks.values())
    print(f"{baskets:,} baskets of {len(state.weeks)} weeks, {os.cpu_count()} cores")
    print("verb | seconds | CPU seconds | baskets/s")
    for task in (task for task in Task if current(open_store(workspace), task) is not None):
        for engine in ("duckdb", "spark"):
            words = ("predict", "--task", str(task), "--engine", engine, "--output", str(folder / "answers.parquet"))
            seconds, spent = verb(program, *words, "--workspace", str(workspace))
            print(f"predict --task {task} --engine {engine} | {seconds:.1f} | {spent:.1f} | {baskets / seconds:,.0f}")
    mirror = folder / "workspace"
    (mirror / "lake").mkdir(parents=True)
    for part in (workspace / "lake").resolve().iterdir():
        if part.is_dir() and part.name != "features":
            (mirror / "lake" / part.name).symlink_to(part)
    for title in ("from nothing", "again"):
        seconds, spent = verb(program, "features", "materialize", "--workspace", str(mirror))
        print(f"features materialize, {title} | {seconds:.1f} | {spent:.1f} |")


def rows_a_second(works: Mapping[str, Callable[[], object]], rows: int) -> dict[str, float]:
    """Of each by its CPU time, median of the rounds; in each round every one has its turn."""
    spent: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            start = time.process_time()
            work()
            spent[name].append(time.process_time() - start)
    return {name: rows / median(times) for name, times in spent.items()}


def beside_xgboost(workspace: Path, folder: Path) -> None:
    place = champion(workspace)
    model = load_model(Source(place, place), Task.BASKET, None)
    bundle = model.bundle
    if bundle.manifest.model != "xgboost":
        return
    peers_model(bundle, workspace, folder / "model.json")
    bare = xgboost.Booster({"nthread": 1}, model_file=folder / "model.json")
    gold = read_gold(lake_path(workspace), lake_state(workspace))
    baskets = gold.baskets.take((gold.label < len(TIERS)).nonzero()[0][-TRAINED_ON:][:AT_ONCE])
    features = bundle.features(baskets)
    code, ids = (pa.array(codes.to_list()) for codes in (baskets.prod_code, baskets.basket_id))
    body = stream_of(table_of(ids, baskets.offsets, code, baskets.quantity, baskets.spend_pence))
    works: dict[str, Callable[[], object]] = {
        "bare inplace_predict": lambda: bare.inplace_predict(features),
        "features": lambda: bundle.features(baskets),
        "probabilities from features": lambda: bundle.score(features),
        "answers from baskets": lambda: bundle.predict(baskets),
        "a stream of Arrow from a stream of Arrow": lambda: answered(body, model),
    }
    found = rows_a_second(works, len(baskets))
    print(f"of {len(baskets):,} baskets at once, one core | baskets/s | to bare inplace_predict")
    for name, rate in found.items():
        print(f"{name} | {rate:,.0f} | {rate / found['bare inplace_predict']:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        program = Path(scratch) / "program.py"
        program.write_text(PROGRAM)
        workspace = given.workspace or Path(scratch) / "simulated"
        if given.workspace is None:
            simulated(program, workspace)
        if current(open_store(workspace), Task.BASKET) is not None:
            beside_xgboost(workspace, Path(scratch))
        measure(program, workspace, Path(scratch))


if __name__ == "__main__":
    main()
