"""Ingest against its peers: wall and processor seconds, peak memory of the process and its children, and whether all
count the same rows.

    python benchmarks/ingest.py [--data 'FOLDER/transactions_*.csv.gz' | --times 1] [--repeat 3] [--only NAME ...]
    python benchmarks/ingest.py --weekly [--data ...]

Each runs in a process of its own, in turn, `--repeat` times; the best time counts for all. Without `--data` a hundred
simulated weeks are used, with `--times` the baskets of the real data. `--weekly` tells what the last week costs on
top of all others against an empty lake, and what gold costs to read after weekly appends against all weeks at once.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from retail_forecast.lake.landing import find_sources
from retail_forecast.lake.reading import read_gold
from retail_forecast.lake.state import LakeStates
from retail_forecast.simulation.spec import TillSpec
from retail_forecast.simulation.tills import simulate

PEERS = Path(__file__).parent / "peers"
BASKETS_A_WEEK = 4_176  # of the real data, on average
COUNTS = ("rows_read", "rows_silver", "rows_quarantined", "baskets")
POLL_S = 0.02


@dataclass(frozen=True, slots=True)
class Run:
    """One measured run: wall and processor seconds, peak resident memory [MiB] and the document it printed."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    document: dict[str, Any]


def measured(command: Sequence[str]) -> Run:
    """Run `command` to its end."""
    start, used = time.perf_counter(), _cpu_seconds()
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    peak = [0]
    watch = threading.Thread(target=_watch, args=(process, peak))
    watch.start()
    output, _ = process.communicate()
    seconds = time.perf_counter() - start
    watch.join()
    if process.returncode:
        raise SystemExit(f"{command[1]} ended with exit code {process.returncode}")
    return Run(seconds, _cpu_seconds() - used, peak[0] / 2**20, json.loads(output.splitlines()[-1]))


def _cpu_seconds() -> float:
    """Processor seconds of all children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _watch(process: subprocess.Popen[bytes], peak: list[int]) -> None:
    root = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            family = [root, *root.children(recursive=True)]
            peak[0] = max(peak[0], sum(member.memory_info().rss for member in family))
        except psutil.NoSuchProcess:
            pass
        time.sleep(POLL_S)


def ours(engine: str) -> Callable[[Path, Sequence[str]], list[str]]:
    verb = [str(Path(sys.executable).with_name("retail-forecast")), "ingest", "--engine", engine, "--json"]
    return lambda out, files: [*verb, *files, "--workspace", str(out)]


def peer(name: str) -> Callable[[Path, Sequence[str]], list[str]]:
    return lambda out, files: [sys.executable, str(PEERS / f"{name}_ingest.py"), str(out), *files]


COMMANDS = {"duckdb": ours("duckdb"), "spark": ours("spark"), "pandas": peer("pandas"), "polars": peer("polars")}


def simulated(folder: Path, times: float) -> list[str]:
    """A hundred simulated weeks with `times` the baskets of the real data."""
    baskets = round(BASKETS_A_WEEK * times)
    simulate(TillSpec(weeks=100, baskets_per_week=baskets, products=5_000, customers=5_000, stores=760), folder)
    return sorted(str(path) for path in folder.glob("*.csv*"))


def compared(scratch: Path, files: Sequence[str], names: Sequence[str], repeat: int) -> dict[str, Any]:
    """Every command on the same files."""
    best: dict[str, Run] = {}
    for turn in range(repeat):
        for name in names:
            out = scratch / f"{name}{turn}"
            run = measured(COMMANDS[name](out, files))
            best[name] = min(run, best.get(name, run), key=lambda r: r.seconds)
            shutil.rmtree(out)
    return summary(best, len(files))


def weekly(scratch: Path, files: Sequence[str]) -> dict[str, Any]:
    """One week onto nothing and onto all others; gold after weekly appends and after one load of all."""
    command = COMMANDS["duckdb"]
    empty = measured(command(scratch / "empty", files[-1:]))
    measured(command(scratch / "full", files[:-1]))
    onto = measured(command(scratch / "full", files[-1:]))
    for file in files:
        measured(command(scratch / "steps", [file]))
    reads = {name: min(read_seconds(scratch / name / "lake") for _ in range(3)) for name in ("full", "steps")}
    return {
        "week_onto_empty_s": round(empty.seconds, 2),
        "week_onto_all_s": round(onto.seconds, 2),
        "week_ratio": round(onto.seconds / empty.seconds, 2),
        "gold_read_s": {name: round(seconds, 2) for name, seconds in reads.items()},
        "gold_ratio": round(reads["steps"] / reads["full"], 2),
    }


def read_seconds(lake: Path) -> float:
    state = LakeStates(lake).latest()
    assert state is not None
    start = time.perf_counter()
    read_gold(lake, state)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="GLOB", help="till files; simulated ones without it")
    parser.add_argument("--times", type=float, default=1.0, help="how many times the real data's baskets to simulate")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--only", choices=COMMANDS, nargs="+", default=["duckdb", "pandas", "polars"])
    parser.add_argument("--weekly", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        files = [str(path) for path in find_sources([given.data])] if given.data else []
        files = files or simulated(scratch / "till", given.times)
        found = weekly(scratch, files) if given.weekly else compared(scratch, files, given.only, given.repeat)
    print(json.dumps(found))


def summary(best: dict[str, Run], files: int) -> dict[str, Any]:
    """The figures; raises when they disagree."""
    counts = {name: {key: run.document[key] for key in COUNTS} for name, run in best.items()}
    if len({tuple(count.values()) for count in counts.values()}) > 1:
        raise SystemExit(f"they count different rows: {counts}")
    figures: dict[str, Any] = {"files": files, **next(iter(counts.values()))}
    for name, run in best.items():
        figures |= {
            f"{name}_s": round(run.seconds, 2),
            f"{name}_cpu_s": round(run.cpu_seconds, 2),
            f"{name}_peak_mib": round(run.peak_mib),
        }
    figures["us_a_line"] = {n: round(run.seconds / figures["rows_read"] * 1e6, 2) for n, run in best.items()}
    if "duckdb" in best:
        own = best["duckdb"]
        figures["times_faster"] = {n: round(run.seconds / own.seconds, 2) for n, run in best.items()}
        figures["memory_share"] = {n: round(own.peak_mib / run.peak_mib, 2) for n, run in best.items()}
    return figures


if __name__ == "__main__":
    main()
