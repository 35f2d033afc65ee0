"""Ask a running server about one real basket, as a client would."""

import json
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import msgspec
import numpy as np

from retail_forecast.bundle.explanation import explain
from retail_forecast.domain.basket import Basket
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.lines import LEVELS, Baskets, baskets_from_rows
from retail_forecast.kernel.rows import rows_of
from retail_forecast.lake.reading import read_gold
from retail_forecast.pipeline.resolve import resolve_bundle
from retail_forecast.pipeline.workspace import lake_path, lake_state
from retail_forecast.report.data import ServedPrediction

__all__ = ["ask_about_newest_basket"]

_HEADER = ("basket_id", "store_code", "store_region", "store_format", "type", "mission")
_LEAST_LINES = 4
_TIMEOUT_S = 30


def ask_about_newest_basket(workspace: Path) -> ServedPrediction:
    """Start the server on a free port, ask it about a basket of the newest week, and stop it."""
    from retail_forecast_server.process import serving

    request = _newest_basket(workspace)
    with serving(workspace) as url:
        body = json.dumps(request).encode()
        asked = Request(f"{url}/v1/predict", body, {"Content-Type": "application/json"})  # noqa: S310 - our own server
        start = time.perf_counter()
        with urlopen(asked, timeout=_TIMEOUT_S) as response:  # noqa: S310
            answer = json.load(response)
        latency_ms = (time.perf_counter() - start) * 1000
    return ServedPrediction(request, answer, latency_ms, _contributions(workspace, request, answer["model_version"]))


def _contributions(workspace: Path, request: dict[str, Any], model: str) -> tuple[float, ...]:
    """What each line contributed to the answer, by the bundle that gave it."""
    bundle = resolve_bundle(workspace, model, Task.BASKET)
    asked = baskets_from_rows([msgspec.convert(request, Basket)])
    return tuple(float(value) for value in explain(bundle, asked).contributions)


def _newest_basket(workspace: Path) -> dict[str, Any]:
    """A basket of the newest week with a few lines, as a client would send it."""
    state = lake_state(workspace)
    baskets = read_gold(lake_path(workspace), state, [max(state.weeks)]).baskets
    enough = np.flatnonzero(baskets.line_counts >= min(_LEAST_LINES, baskets.line_counts.max()))
    return _request(baskets, int(enough[0]))


def _request(baskets: Baskets, row: int) -> dict[str, Any]:
    """Basket `row` without whose it is and when, of which the task makes nothing."""
    (one,) = rows_of(baskets.take(np.asarray([row])))
    told: dict[str, Any] = msgspec.to_builtins(one)
    lines = [{name: line[name] for name in (*LEVELS, "quantity", "spend_gbp")} for line in told["lines"]]
    return {name: told[name] for name in _HEADER} | {"lines": lines}
