"""Ingest against its peer: wall time, peak memory of the process and its children, and whether both count the same
rows.

    python benchmarks/ingest.py --data 'FOLDER/transactions_*.csv.gz' [--repeat 3] [--only ours|pandas]

Each runs in a process of its own, in turn, `--repeat` times; the best time counts for both. Without `--data`
simulated weeks are used.
"""

import argparse
import json
import resource
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
from retail_forecast.simulation.spec import TillSpec
from retail_forecast.simulation.tills import simulate

PEER = Path(__file__).parent / "peers" / "pandas_ingest.py"
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


def ours(out: Path, files: Sequence[str]) -> list[str]:
    return [str(Path(sys.executable).with_name("retail-forecast")), "ingest", *files, "--workspace", str(out), "--json"]


def peer(out: Path, files: Sequence[str]) -> list[str]:
    return [sys.executable, str(PEER), str(out), *files]


def simulated(folder: Path) -> list[str]:
    """Twenty simulated weeks."""
    simulate(TillSpec(weeks=20), folder)
    return sorted(str(path) for path in folder.glob("*.csv*"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", metavar="GLOB", help="till files; simulated ones without it")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--only", choices=["ours", "pandas"])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        files = [str(path) for path in find_sources([given.data])] if given.data else simulated(Path(scratch) / "till")
        commands = {"ours": ours, "pandas": peer}
        chosen = [given.only] if given.only else list(commands)
        best: dict[str, Run] = {}
        for turn in range(given.repeat):
            for name in chosen:
                run = measured(commands[name](Path(scratch) / f"{name}{turn}", files))
                best[name] = min(run, best.get(name, run), key=lambda r: r.seconds)
    print(json.dumps(summary(best, len(files))))


def summary(best: dict[str, Run], files: int) -> dict[str, Any]:
    """The figures; raises when the two disagree."""
    counts = {name: {key: run.document[key] for key in COUNTS} for name, run in best.items()}
    if len({tuple(count.values()) for count in counts.values()}) > 1:
        raise SystemExit(f"the two count different rows: {counts}")
    figures: dict[str, Any] = {"files": files, **next(iter(counts.values()))}
    for name, run in best.items():
        figures |= {
            f"{name}_s": round(run.seconds, 2),
            f"{name}_cpu_s": round(run.cpu_seconds, 2),
            f"{name}_peak_mib": round(run.peak_mib),
        }
    if len(best) > 1:
        figures["times_faster"] = round(best["pandas"].seconds / best["ours"].seconds, 2)
    return figures


if __name__ == "__main__":
    main()
