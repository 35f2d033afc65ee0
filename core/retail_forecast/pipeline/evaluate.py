"""Evaluate: figures of a bundle on weeks of the lake."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.reading import read_gold
from retail_forecast.lake.state import LakeState
from retail_forecast.models.figures import Figures, measure
from retail_forecast.pipeline.bounds import weeks_between
from retail_forecast.pipeline.knowledge import known_to
from retail_forecast.pipeline.resolve import resolve_bundle
from retail_forecast.pipeline.workspace import lake_path, lake_state

__all__ = ["Evaluated", "evaluate_weeks", "weeks_to_measure"]


@dataclass(frozen=True, slots=True)
class Evaluated:
    """Figures of one model on some weeks.

    Attributes
    ----------
    run_id, task, model : what was measured
    weeks : measured on
    learned_weeks : those among them that lie in or before the last week it learned from; figures on them flatter
    figures : metrics and the like
    """

    run_id: str
    task: str
    model: str
    weeks: tuple[int, ...]
    learned_weeks: tuple[int, ...]
    figures: Figures


def evaluate_weeks(
    workspace: Path,
    settings: Settings,
    model: str,
    task: Task,
    *,
    from_week: int | None = None,
    to_week: int | None = None,
    state_number: int | None = None,
) -> Evaluated:
    """Score the complete baskets of the weeks from `from_week` to `to_week` (those after the model's, when not given).

    Parameters
    ----------
    state_number : of the lake's state that is read; None for the newest

    Raises
    ------
    UsageError : no week of the lake lies between the bounds
    """
    bundle = resolve_bundle(workspace, model, task, settings.train.threads or os.cpu_count() or 1)
    state, manifest = lake_state(workspace, state_number), bundle.manifest
    weeks = weeks_to_measure(state, manifest.last_learned_week, from_week, to_week)
    gold = known_to(bundle, workspace, state, settings, read_gold(lake_path(workspace), state, weeks))
    rows, rng = np.flatnonzero(gold.complete), np.random.default_rng(settings.train.seed)
    past = [week for week in sorted(state.weeks) if week <= manifest.last_learned_week]
    before = read_gold(lake_path(workspace), state, past, lines=False)
    baskets = gold.baskets.take(rows)
    learned_from = before.baskets, before.label
    figures = measure(bundle, bundle.predict(baskets), baskets, gold.label[rows], rng, learned_from)
    learned = tuple(week for week in weeks if week <= manifest.last_learned_week)
    return Evaluated(manifest.run_id, manifest.task, manifest.model, tuple(weeks), learned, figures)


def weeks_to_measure(state: LakeState, last_learned: int, first: int | None, last: int | None) -> list[int]:
    """Weeks of `state` between the bounds; without a first one, those after `last_learned`.

    Raises
    ------
    UsageError : there is none
    """
    mend = f"choose weeks that are there; the model learned from weeks up to {last_learned}"
    return weeks_between(state, last_learned + 1 if first is None else first, last, mend)
