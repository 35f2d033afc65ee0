"""How many baskets a second a stream of Arrow is answered at, on one core: the function alone, and over HTTP.

`python benchmarks/streams.py --bundle WORKSPACE/registry/bundles/RUN_ID`. Baskets are made of products that the bundle
knows, six lines each. Over HTTP, server and client are held to one core each where the machine has two.
"""

import argparse
import io
import json
import os
import statistics
import threading
import time
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import numpy as np
import psutil
import pyarrow as pa
from numpy.typing import NDArray

from retail_forecast.bundle.products import CODES
from retail_forecast.domain.settings import ServerSettings
from retail_forecast_server.arrow import answer_stream
from retail_forecast_server.models import Model, Source, load_model, task_of
from retail_forecast_server.process import serving

LINES, BASKETS, ROWS = 6, 200_000, 16_384
KIND = "application/vnd.apache.arrow.stream"


def drawn(products: list[str]) -> pa.Table:
    """Baskets of products drawn at random."""
    rng = np.random.default_rng(7)
    count = BASKETS * LINES
    code = pa.array(products).take(pa.array(rng.integers(0, len(products), count)))
    ids = pa.array([f"{number:015d}" for number in range(BASKETS)])
    offsets = np.arange(0, count + 1, LINES)
    return table_of(ids, offsets, code, rng.integers(1, 4, count), rng.integers(50, 900, count))


def table_of(
    ids: pa.Array, offsets: NDArray[np.int64], code: pa.Array, quantity: NDArray[np.int64], pence: NDArray[np.int64]
) -> pa.Table:
    """Baskets in the shape that a stream has."""
    fields = {"prod_code": code, "quantity": pa.array(quantity, pa.int32()), "spend_gbp": pa.array(pence / 100)}
    lines = pa.StructArray.from_arrays(list(fields.values()), list(fields))
    return pa.table({"basket_id": ids, "lines": pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), lines)})


def stream_of(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=ROWS)
    return sink.getvalue()


def answered(body: bytes, model: Model) -> None:
    """The stream answered into memory, without a server."""
    for _ in answer_stream(io.BufferedReader(io.BytesIO(body)), io.BytesIO(), model, ServerSettings()):
        pass


def alone(bundle: Path, body: bytes) -> float:
    model = load_model(Source(bundle, bundle), task_of(bundle), None)
    started = time.process_time()
    answered(body, model)
    return BASKETS / (time.process_time() - started)


def over_http(bundle: Path, body: bytes, rounds: int) -> tuple[list[float], float]:
    """Baskets a second of each round, and how much memory the worker took for them [MiB]."""
    with serving(bundle=bundle) as url:
        place = urlsplit(url).netloc
        connection = HTTPConnection(place)
        connection.request("GET", "/healthz")
        worker = psutil.Process(json.load(connection.getresponse())["pid"])
        if len(cores := sorted(os.sched_getaffinity(0))) > 1:
            for thread in worker.threads():
                os.sched_setaffinity(thread.id, {cores[0]})
            os.sched_setaffinity(0, {cores[1]})
        before, rates = worker.memory_info().rss, []
        for _ in range(rounds):
            started = time.perf_counter()
            connection.putrequest("POST", "/v1/predict/batch")
            connection.putheader("Content-Type", KIND)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            sending = threading.Thread(target=connection.send, args=(body,))
            sending.start()
            rows = pa.ipc.open_stream(connection.getresponse().read()).read_all().num_rows
            sending.join()
            assert rows == BASKETS
            rates.append(BASKETS / (time.perf_counter() - started))
        return rates, (worker.memory_info().rss - before) / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    body = stream_of(drawn(msgspec.json.decode((options.bundle / CODES).read_bytes())["products"]))
    rates = [alone(options.bundle, body) for _ in range(options.rounds)]
    print(f"function alone: {statistics.median(rates):,.0f} baskets/s of CPU time")
    rates, grown = over_http(options.bundle, body, options.rounds)
    print(f"over HTTP: {statistics.median(rates):,.0f} baskets/s; the worker grew by {grown:.0f} MiB")


if __name__ == "__main__":
    main()
