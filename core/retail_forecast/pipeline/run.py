"""Run: the whole main job on one machine. Till files in; lake, gated model, a prediction served over HTTP and a report
out."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from retail_forecast.domain.progress import Progress, Silent
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.state import LakeStates
from retail_forecast.pipeline.asking import ask_about_newest_basket
from retail_forecast.pipeline.ingest import Ingested, ingest_files
from retail_forecast.pipeline.promote import Promotion, promote
from retail_forecast.pipeline.registry import registry_store
from retail_forecast.pipeline.reporting import make_report
from retail_forecast.pipeline.train import Order, Trained, train
from retail_forecast.pipeline.workspace import lake_path
from retail_forecast.registry.champion import current
from retail_forecast.report.data import ServedPrediction
from retail_forecast.simulation.spec import TillSpec
from retail_forecast.simulation.tills import simulate

__all__ = ["Outcome", "run"]


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
    ingested: Ingested | None
    trained: Trained
    promotion: Promotion
    served: ServedPrediction | None
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
    ingested = ingest_files(workspace, settings, sources, clock=clock, progress=bars) if sources else None
    trained = train(workspace, settings, Order(Task.BASKET, model), clock=clock, progress=bars)
    promotion = promote(workspace, settings, trained.record.run_id, who=who, why="retail-forecast run", clock=clock)
    served = ask_about_newest_basket(workspace) if current(registry_store(workspace), Task.BASKET) else None
    report = make_report(workspace, settings, trained.record, decision=promotion.decision, served=served, now=clock())
    return Outcome(simulated, ingested, trained, promotion, served, report)
