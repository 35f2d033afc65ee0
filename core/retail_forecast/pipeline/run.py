"""Run: the whole main job on one machine. Till files in; lake, gated model, a prediction served over HTTP and a report
out."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np

from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.progress import Progress, Silent
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.lines import LEVELS, Baskets
from retail_forecast.lake.ingest import IngestReport, ingest
from retail_forecast.lake.reading import read_gold
from retail_forecast.lake.state import LakeStates
from retail_forecast.pipeline.promote import Promotion, promote
from retail_forecast.pipeline.reporting import Served, make_report
from retail_forecast.pipeline.train import Order, Trained, train
from retail_forecast.pipeline.workspace import lake_path, lake_state
from retail_forecast.registry.champion import current
from retail_forecast.simulation.spec import TillSpec
from retail_forecast.simulation.tills import simulate

__all__ = ["Outcome", "run"]

_LEAST_LINES = 4
_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a whole run came to.

    Attributes
    ----------
    simulated : folder of simulated files; None when there was data
    ingested : None when there was nothing new to take in
    trained, promotion : the model and what the gate said
    served : one prediction by the champion; None while there is no champion
    report : the HTML file
    """

    simulated: Path | None
    ingested: IngestReport | None
    trained: Trained
    promotion: Promotion
    served: Served | None
    report: Path


def run(
    workspace: Path,
    settings: Settings,
    sources: Sequence[str],
    *,
    model: str,
    who: str,
    clock: Callable[[], datetime],
    progress: Progress | None = None,
) -> Outcome:
    """Carry out the main job.

    Parameters
    ----------
    sources : till files; without any, the lake as it is, and simulated weeks when it is empty
    model : learner to train
    who : for the history of the champion

    Raises
    ------
    the errors of `ingest`, `train` and `promote`; a repeated call continues where it makes sense
    """
    bars = progress or Silent()
    simulated = None
    if not sources and LakeStates(lake_path(workspace)).latest() is None:
        simulated = workspace / "simulated"
        simulate(TillSpec(), simulated, bars)
        sources = [str(simulated)]
    ingested = ingest(lake_path(workspace), sources, settings.lake, clock=clock, progress=bars) if sources else None
    trained = train(workspace, settings, Order(Task.BASKET, model), clock=clock, progress=bars)
    promotion = promote(workspace, settings, trained.record.run_id, who=who, why="retail-forecast run", clock=clock)
    served = _served(workspace) if current(open_store(workspace), Task.BASKET) else None
    report = make_report(workspace, trained.record, promotion.decision, served, clock())
    return Outcome(simulated, ingested, trained, promotion, served, report)


def _served(workspace: Path) -> Served:
    """Start the server on a free port, ask it about a basket of the newest week, and stop it."""
    from retail_forecast_server.process import serving

    request = _newest_basket(workspace)
    with serving(workspace) as url:
        body = json.dumps(request).encode()
        asked = Request(f"{url}/v1/predict", body, {"Content-Type": "application/json"})  # noqa: S310 - our own server
        start = time.perf_counter()
        with urlopen(asked, timeout=_TIMEOUT_S) as response:  # noqa: S310
            answer = json.load(response)
    return Served(request, answer, (time.perf_counter() - start) * 1000)


def _newest_basket(workspace: Path) -> dict[str, Any]:
    """A basket of the newest week with a few lines, as a client would send it."""
    state = lake_state(workspace)
    baskets = read_gold(lake_path(workspace), state, [max(state.weeks)]).baskets
    enough = np.flatnonzero(baskets.line_counts >= min(_LEAST_LINES, baskets.line_counts.max()))
    return _request(baskets, int(enough[0]))


def _request(baskets: Baskets, row: int) -> dict[str, Any]:
    one = baskets.take(np.asarray([row]))
    header = {
        name: getattr(one, name).to_list()[0]
        for name in ("basket_id", "store_code", "store_region", "store_format", "type", "mission")
    }
    codes = {name: getattr(one, name).to_list() for name in LEVELS}
    lines = [
        {name: words[i] for name, words in codes.items()}
        | {"quantity": int(one.quantity[i]), "spend_gbp": int(one.spend_pence[i]) / 100}
        for i in range(len(one.quantity))
    ]
    return header | {"lines": lines}
