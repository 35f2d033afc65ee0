"""Ten minutes of load (or SOAK_S seconds) at 70 % of what server and client reach together: memory stays flat, and
every request is answered."""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import numpy as np
import psutil
import pytest

from retail_forecast_server.process import serving

SECONDS = float(os.environ.get("SOAK_S", "600"))
LOAD, CONNECTIONS, LINES = 0.7, 16, 6
WARM = 0.3
"""Share of the time that memory may still grow in: caches fill, and the allocator finds its size."""

MOST_GROWTH_MIB = 4.0
"""By which the memory of the worker may grow over the whole time, by the line through what is measured when warm."""

pytestmark = pytest.mark.slow


def _requests(host: str) -> list[bytes]:
    rng = np.random.default_rng(7)
    made = []
    for _ in range(500):
        lines = [
            {"prod_code": f"PRD{product:07d}", "quantity": 1, "spend_gbp": 1.25}
            for product in rng.integers(0, 160, LINES).tolist()
        ]
        body = json.dumps({"lines": lines}).encode()
        head = f"POST /v1/predict HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        made.append(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return made


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> str:
    """Status of the answer."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))
    return head[9:12].decode()


async def _load(
    url: str, seconds: float, rate: float | None, beside: Callable[[], Coroutine[None, None, None]] | None = None
) -> Counter[str]:
    """Answers by status after `seconds` of load, as fast as they come or at `rate` requests a second."""
    place, found, end = urlsplit(url), Counter[str](), time.perf_counter() + seconds
    requests = _requests(place.netloc)

    async def client(number: int) -> None:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        step = 0.0 if rate is None else CONNECTIONS / rate
        due = time.perf_counter() + step * number / CONNECTIONS
        while (now := time.perf_counter()) < end:
            if due > now:
                await asyncio.sleep(due - now)
            due += step
            number += 1
            found[await _ask(reader, writer, requests[number % len(requests)])] += 1
        writer.close()

    watching = asyncio.create_task(beside()) if beside else None
    await asyncio.gather(*(client(number) for number in range(CONNECTIONS)))
    if watching:
        watching.cancel()
    return found


def test_memory_stays_flat_under_load(tiny_bundle: tuple[Path, str], tmp_path: Path) -> None:
    samples: list[tuple[float, float]] = []
    settings = {"PREDICTION_LOG": str(tmp_path / "log"), "PREDICTION_LOG_MB": "64"}
    with serving(bundle=tiny_bundle[0], settings=settings) as url:
        with urlopen(f"{url}/healthz", timeout=20) as response:  # noqa: S310 - our own server
            worker = psutil.Process(json.load(response)["pid"])

        async def watch() -> None:
            while True:
                samples.append((time.perf_counter(), worker.memory_info().rss / 2**20))
                await asyncio.sleep(min(1.0, SECONDS / 100))

        most = sum(asyncio.run(_load(url, min(10.0, SECONDS / 4), None)).values()) / min(10.0, SECONDS / 4)
        found = asyncio.run(_load(url, SECONDS, LOAD * most, watch))
    assert set(found) == {"200"}
    assert found["200"] > 0.5 * LOAD * most * SECONDS, "it was load, though others may use the machine as well"
    times, sizes = np.array(samples).T
    warm = times >= times[0] + WARM * SECONDS
    slope = float(np.polyfit(times[warm], sizes[warm], 1)[0])
    assert slope * SECONDS <= MOST_GROWTH_MIB, f"{slope * 3600:.1f} MiB an hour, at {LOAD * most:.0f} requests/s"
