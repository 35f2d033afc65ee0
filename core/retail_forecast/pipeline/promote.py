"""Promote: put a run before the gate and, when it passes, make it champion of its task."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np

from retail_forecast.bundle.manifest import read_manifest
from retail_forecast.bundle.scorer import load_bundle
from retail_forecast.domain.errors import PlaceError
from retail_forecast.domain.settings import Settings, load_settings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.reading import read_gold
from retail_forecast.models.bootstrap import basket_clusters
from retail_forecast.pipeline.knowledge import known_to
from retail_forecast.pipeline.labelling import Labels, relabelled
from retail_forecast.pipeline.packages import mirrored
from retail_forecast.pipeline.registry import fetched_bundle, job_told, publish_runs, registry_store
from retail_forecast.pipeline.workspace import lake_path, lake_state
from retail_forecast.registry.champion import Champion, bundle_folder, current, history
from retail_forecast.registry.champion import promote as put_in_force
from retail_forecast.registry.champion import rollback as put_back
from retail_forecast.registry.comparison import Comparison, compare, comparison_weeks
from retail_forecast.registry.gate import Decision, Override, decide
from retail_forecast.registry.record import RunRecord
from retail_forecast.registry.refusals import keep_refusal
from retail_forecast.registry.runs import load_run
from retail_forecast.registry.tracking import DATABASE, mirror_champion

__all__ = ["Promotion", "promote", "roll_back"]


@dataclass(frozen=True, slots=True)
class Promotion:
    """What became of a candidate; `champion` is the one in force afterwards, None when there is none."""

    run_id: str
    decision: Decision
    champion: Champion | None
    warnings: tuple[str, ...] = ()


def promote(
    workspace: Path,
    settings: Settings,
    run_id: str,
    *,
    who: str,
    why: str,
    clock: Callable[[], datetime],
    override: Override | None = None,
) -> Promotion:
    """Ask the gate, and move the champion pointer when it agrees; a refusal is kept on record.

    Parameters
    ----------
    who, why : for the history of the pointer, or of refusals
    override : stands in for the checks that fail, and is recorded

    Raises
    ------
    UsageError : no such run
    BundleError : its bundle is not what the run wrote
    Conflict : another champion was put in force meanwhile
    """
    publish_runs(workspace)
    store = registry_store(workspace)
    candidate = load_run(store, run_id)
    with job_told(workspace, f"promote.{candidate.task}", clock) as told:
        told.reads(bundle_folder(run_id), candidate.bundle_digest)
        read_manifest(fetched_bundle(workspace, run_id, candidate.bundle_digest), candidate.bundle_digest)
        champion = current(store, candidate.task)
        incumbent = None if champion is None else load_run(store, champion.run_id)
        comparison = None if incumbent is None else _compared(workspace, settings, candidate, incumbent)
        decision = decide(candidate, settings.gate, champion=incumbent, comparison=comparison, override=override)
        if not decision.promoted:
            told.fails("; ".join(decision.reasons))
            keep_refusal(store, candidate, decision, who=who, why=why, when=clock())
            return Promotion(run_id, decision, champion, mirrored(workspace, settings, run_id))
        entry = put_in_force(store, candidate, decision, replaces=champion, who=who, why=why, when=clock())
        told.writes(f"registry/champions/{candidate.task}", entry.version)
    warnings = (*_mirrored(workspace, candidate), *mirrored(workspace, settings, run_id))
    return Promotion(run_id, decision, entry, warnings)


def _compared(workspace: Path, settings: Settings, candidate: RunRecord, incumbent: RunRecord) -> Comparison | None:
    """Both models on all complete baskets later than anything that either learned from; None when there is none.

    They are judged by the labels of the tills, unless both have learned the same made labels.
    """
    state = lake_state(workspace)
    weeks = comparison_weeks(candidate, incumbent, np.asarray(sorted(state.weeks), np.int32))
    if not len(weeks) or candidate.run_id == incumbent.run_id:
        return None
    gold = read_gold(lake_path(workspace), state, weeks.tolist())
    made = [msgspec.convert(run.settings.get("labels", {}), Labels) for run in (candidate, incumbent)]
    if made[0] == made[1]:
        gold = relabelled(workspace, gold, made[0], weeks.tolist())
    rows, answers = np.flatnonzero(gold.complete), []
    for run in (candidate, incumbent):
        bundle = load_bundle(fetched_bundle(workspace, run.run_id, run.bundle_digest), run.bundle_digest)
        seen = known_to(bundle, workspace, state, settings, gold)
        answers.append((run.run_id, bundle.predict(seen.baskets.take(rows)).label))
    return compare(
        answers[0],
        answers[1],
        gold.label[rows],
        cluster=basket_clusters(gold.baskets.customer.index[rows]),
        shop_week=gold.shop_week[rows],
        settings=settings.gate,
        rng=np.random.default_rng(settings.train.seed),
    )


def roll_back(
    workspace: Path, task: Task, *, who: str, why: str, clock: Callable[[], datetime]
) -> tuple[Champion, tuple[str, ...]]:
    """Put the champion before the present one back in force, once its bundle is found to be sound; and warnings.

    Raises
    ------
    UsageError : there is none to go back to
    BundleError : its bundle is damaged; nothing is changed
    """
    store = registry_store(workspace)
    entries = {entry.version: entry for entry in history(store, task)}
    target = entries.get(entries[max(entries)].previous or 0) if entries else None
    if target is not None:
        read_manifest(fetched_bundle(workspace, target.run_id, target.bundle_digest), target.bundle_digest)
    entry = put_back(store, task, who=who, why=why, when=clock())
    left = entries[max(entries)].run_id
    warnings = mirrored(workspace, load_settings(workspace), entry.run_id, left)
    return entry, (*_mirrored(workspace, load_run(store, entry.run_id)), *warnings)


def _mirrored(workspace: Path, record: RunRecord) -> tuple[str, ...]:
    """Mirror the champion; the pointer of record stands whatever becomes of its mirror, so a failure is a warning."""
    try:
        mirror_champion(workspace / DATABASE, record, bundle_folder(record.run_id))
    except PlaceError as error:
        return (f"{error}; {error.mend}",)
    return ()
