"""Serving one basket of six lines a request: our server beside MLServer, BentoML and `mlflow models serve`, each with
the same XGBoost model on one worker, and beside a constant answer under our own runner, the ceiling.

    python benchmarks/serving.py --workspace DIR [--bundle DIR] [--peers mlserver bentoml mlflow] [--rounds 3]

`wrk` loads each in turn from the same machine, round by round; medians count. Ours takes baskets as JSON, validates
them and computes features; the peers take the features as bare numbers. Their model is trained here on the features
of the workspace's baskets with the settings of ours, since a bundle holds no XGBoost file. Each peer is installed by
`uv` into an environment of its own below `--environments`, which is kept between calls. Prints one JSON document:
requests/s, latencies [ms], errors, memory of all processes [MiB], seconds from start to the first answer, ratios.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil
import xgboost

from retail_forecast.bundle.pointer import champion_folder, read_pointer
from retail_forecast.bundle.scorer import Bundle, load_bundle
from retail_forecast.domain.basket import Basket, Line
from retail_forecast.domain.labels import TIERS
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.reading import read_gold
from retail_forecast.models.boosting import XGBOOST
from retail_forecast.pipeline.workspace import lake_path, lake_state

PEERS = Path(__file__).parent / "peers"
PACKAGES = {
    "mlserver": ["mlserver==1.7.1", "mlserver-xgboost==1.7.1", "setuptools<81"],
    "bentoml": ["bentoml==1.4.39", "xgboost-cpu==3.2.0", "numpy"],
    "mlflow": ["mlflow==3.17.0", "xgboost-cpu==3.2.0"],
}
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "OPENBLAS_NUM_THREADS": "1"}
TRAINED_ON = 40_000
PATIENCE_S = 120.0
SCRIPT = """\
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local file = io.open(os.getenv("BODY"), "rb")
wrk.body = file:read("*a")
file:close()
done = function(summary, latency, requests)
  local failed = summary.errors
  io.stderr:write(string.format(
    '{"requests": %d, "microseconds": %d, "p50": %f, "p95": %f, "p99": %f, "errors": %d}',
    summary.requests, summary.duration, latency:percentile(50) / 1e3, latency:percentile(95) / 1e3,
    latency:percentile(99) / 1e3, failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Contender:
    """How a server is started on a port, and asked."""

    command: Sequence[str]
    path: str
    body: bytes


def contenders(names: Sequence[str], bundle: Bundle, folder: Path, model: Path, places: Path) -> dict[str, Contender]:
    """Ours, the ceiling, and the peers called `names`."""
    codes = (
        sorted(bundle.products.products)[:: max(1, len(bundle.products.products) // 6)][:6] if bundle.products else []
    )
    basket = Basket(tuple(Line(1 + number % 2, 1.0 + number / 4, code) for number, code in enumerate(codes)))
    ours = json.dumps(
        {
            "lines": [
                {"prod_code": line.prod_code, "quantity": line.quantity, "spend_gbp": line.spend_gbp}
                for line in basket.lines
            ]
        }
    )
    row = [float(value) for value in bundle.features(bundle.baskets([basket]))[0]]
    bodies = {
        "mlserver": {"inputs": [{"name": "x", "shape": [1, len(row)], "datatype": "FP32", "data": row}]},
        "bentoml": {"rows": [row]},
        "mlflow": {"inputs": [row]},
    }
    paths = {"mlserver": "/v2/models/peer/infer", "bentoml": "/predict", "mlflow": "/invocations"}
    server = [sys.executable, "-m", "retail_forecast_server", "--bundle", str(folder), "--port"]
    found = {
        "ours": Contender(server, "/v1/predict", ours.encode()),
        "ceiling": Contender([sys.executable, str(PEERS / "ceiling_serve.py")], "/", ours.encode()),
    }
    for name in names:
        command = [str(environment(name, places)), str(PEERS / f"{name}_serve.py"), str(model)]
        found[name] = Contender(command, paths[name], json.dumps(bodies[name]).encode())
    return found


def environment(name: str, places: Path) -> Path:
    """The interpreter of the peer's own environment."""
    python = places / name / "bin/python"
    if not (places / name / "complete").exists():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(places / name)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), *PACKAGES[name]], check=True)
        (places / name / "complete").touch()
    return python


def peers_model(bundle: Bundle, workspace: Path, path: Path) -> None:
    """Train XGBoost with our settings on features of gold's last baskets, and write it to `path`."""
    gold = read_gold(lake_path(workspace), lake_state(workspace))
    rows = (gold.label < len(TIERS)).nonzero()[0][-TRAINED_ON:]
    data = xgboost.QuantileDMatrix(bundle.features(gold.baskets.take(rows)), gold.label[rows])
    own = {name: value for name, value in XGBOOST.items() if name != "n_estimators"}
    settings = {**own, "objective": "multi:softprob", "num_class": len(TIERS)}
    xgboost.train(settings, data, XGBOOST["n_estimators"]).save_model(path)


@contextmanager
def started(contender: Contender) -> Iterator[tuple[str, psutil.Process, float]]:
    """The server's address, its process and the seconds until it first answered."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [*contender.command, str(port)],
            cwd=folder,
            stdout=log,
            stderr=log,
            env=os.environ | ONE_THREAD,
            start_new_session=True,
        )
        try:
            url = f"http://127.0.0.1:{port}{contender.path}"
            while not answers(url, contender.body):
                if process.poll() is not None or time.perf_counter() - start > PATIENCE_S:
                    log.seek(0)
                    raise SystemExit(f"{contender.command} does not answer: {log.read().decode()[-2000:]}")
                time.sleep(0.02)
            yield url, psutil.Process(process.pid), time.perf_counter() - start
        finally:
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            for member in family:
                member.terminate()
            for member in psutil.wait_procs(family, timeout=15)[1]:
                member.kill()
            process.wait()


def answers(url: str, body: bytes) -> bool:
    try:
        asked = Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - a server started here
        with urlopen(asked, timeout=10) as response:  # noqa: S310
            return bool(response.status == 200)
    except (URLError, ConnectionError, TimeoutError):
        return False


def loaded(url: str, body: Path, script: Path, connections: int, seconds: int) -> dict[str, float]:
    """Figures of one load."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script), url]
    done = subprocess.run(command, capture_output=True, check=True, env=os.environ | {"BODY": str(body)})
    told: dict[str, float] = json.loads(done.stderr)
    return {
        "rps": told["requests"] / told["microseconds"] * 1e6,
        **{name: told[name] for name in ("p50", "p95", "p99", "errors")},
    }


def one_round(contender: Contender, folder: Path, connections: Sequence[int], seconds: int) -> dict[str, Any]:
    """All loads of one contender."""
    body, script = folder / "body.json", folder / "post.lua"
    body.write_bytes(contender.body)
    script.write_text(SCRIPT, "utf-8")
    with started(contender) as (url, process, start_s):
        loaded(url, body, script, 8, 1)
        loads = {count: loaded(url, body, script, count, seconds) for count in connections}
        family = [process, *process.children(recursive=True)]
        memory = sum(member.memory_info().rss for member in family) / 2**20
    return {"start_s": start_s, "memory_mib": memory, "loads": loads}


def summary(rounds: Mapping[str, list[dict[str, Any]]], connections: Sequence[int]) -> dict[str, Any]:
    """Medians over the rounds; ratios are taken within a round."""
    figures: dict[str, Any] = {"rounds": len(rounds["ours"]), "load": os.getloadavg()[0], "processors": os.cpu_count()}
    for name, runs in rounds.items():
        figures[name] = {
            key: round(statistics.median(run[key] for run in runs), 2) for key in ("start_s", "memory_mib")
        }
        for count in connections:
            loads = [run["loads"][count] for run in runs]
            told = {
                key: round(statistics.median(load[key] for load in loads), 2) for key in ("rps", "p50", "p95", "p99")
            }
            figures[name][f"c{count}"] = told | {"errors": int(sum(load["errors"] for load in loads))}
    for name in rounds.keys() - {"ours"}:
        pairs = zip(rounds["ours"], rounds[name], strict=True)
        ratios = [ours["loads"][32]["rps"] / other["loads"][32]["rps"] for ours, other in pairs if 32 in ours["loads"]]
        figures[f"ours_to_{name}_c32"] = round(statistics.median(ratios), 2) if ratios else None
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, required=True, help="with a lake, and a champion unless --bundle")
    parser.add_argument("--bundle", type=Path, help="serve this one instead of the champion")
    parser.add_argument("--peers", nargs="*", choices=PACKAGES, default=list(PACKAGES))
    parser.add_argument("--connections", nargs="+", type=int, default=[1, 8, 32, 64])
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--environments", type=Path, default=Path(tempfile.gettempdir()) / "retail-forecast-peers")
    given = parser.parse_args()
    if not shutil.which("wrk"):
        raise SystemExit("wrk is not installed: it makes the load")
    folder = given.bundle or champion(given.workspace)
    bundle = load_bundle(folder)
    with tempfile.TemporaryDirectory() as scratch:
        model = Path(scratch) / "model.json"
        if given.peers:
            peers_model(bundle, given.workspace, model)
        rivals = contenders(given.peers, bundle, folder.resolve(), model, given.environments)
        rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in rivals}
        for _ in range(given.rounds):
            for name, contender in rivals.items():
                rounds[name].append(one_round(contender, Path(scratch), given.connections, given.seconds))
    print(json.dumps(summary(rounds, given.connections)))


def champion(workspace: Path) -> Path:
    pointer = read_pointer(workspace, Task.BASKET)
    if pointer is None:
        raise SystemExit("the workspace has no champion for task basket: promote a run, or give --bundle")
    return champion_folder(workspace, pointer)


if __name__ == "__main__":
    main()
