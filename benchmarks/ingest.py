"""Ingest against its peers: wall and processor seconds, peak memory of the process and its children, and whether all
count the same rows.

    python benchmarks/ingest.py [--data 'FOLDER/transactions_*.csv.gz' | --times 1] [--repeat 3] [--only NAME ...]
        [--ours PYTHON]
    python benchmarks/ingest.py --weekly [--data ...]

Each runs in a process of its own, in turn, `--repeat` times; the best time counts for all. `--ours` names the Python of
an environment as users have it, `make setup`, without the peers' libraries: Arrow takes a second to import pandas
wherever that is installed. Without `--data` a hundred
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
from collections.abc import Sequence
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


OURS = ("duckdb", "spark")
PEERS_OF = ("pandas", "polars")


def command(name: str, python: Path, out: Path, files: Sequence[str]) -> list[str]:
    """How ours, with `python`'s environment, or a peer, with this one, is called."""
    if name not in OURS:
        return [sys.executable, str(PEERS / f"{name}_ingest.py"), str(out), *files]
    verb = [str(python.with_name("retail-forecast")), "ingest", "--engine", name, "--json"]
    return [*verb, *files, "--workspace", str(out)]


def simulated(folder: Path, times: float) -> list[str]:
    """A hundred simulated weeks with `times` the baskets of the real data."""
    baskets = round(BASKETS_A_WEEK * times)
    simulate(TillSpec(weeks=100, baskets_per_week=baskets, products=5_000, customers=5_000, stores=760), folder)
    return sorted(str(path) for path in folder.glob("*.csv*"))


def compared(scratch: Path, files: Sequence[str], names: Sequence[str], repeat: int, python: Path) -> dict[str, Any]:
    """Every command on the same files."""
    best: dict[str, Run] = {}
    for turn in range(repeat):
        for name in names:
            out = scratch / f"{name}{turn}"
            run = measured(command(name, python, out, files))
            best[name] = min(run, best.get(name, run), key=lambda r: r.seconds)
            shutil.rmtree(out)
    return summary(best, len(files))


def weekly(scratch: Path, files: Sequence[str], python: Path) -> dict[str, Any]:
    """One week onto nothing and onto all others; gold after weekly appends and after one load of all."""

    def run(lake: str, part: Sequence[str]) -> Run:
        return measured(command("duckdb", python, scratch / lake, part))

    empty = run("empty", files[-1:])
    run("full", files[:-1])
    onto = run("full", files[-1:])
    for file in files:
        run("steps", [file])
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
    parser.add_argument("--only", choices=[*OURS, *PEERS_OF], nargs="+", default=["duckdb", *PEERS_OF])
    parser.add_argument("--ours", type=Path, metavar="PYTHON", default=Path(sys.executable))
    parser.add_argument("--weekly", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        files = [str(path) for path in find_sources([given.data])] if given.data else []
        files = files or simulated(scratch / "till", given.times)
        python = given.ours.absolute()
        found = (
            weekly(scratch, files, python)
            if given.weekly
            else compared(scratch, files, given.only, given.repeat, python)
        )
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
