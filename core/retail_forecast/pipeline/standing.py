"""What a workspace holds right now: the newest lake state and the champion of each task. Looking changes nothing."""

from pathlib import Path
from typing import Any

from retail_forecast.domain.tasks import Task
from retail_forecast.lake.state import LakeStates
from retail_forecast.pipeline.registry import registry_store
from retail_forecast.pipeline.workspace import lake_path
from retail_forecast.registry.champion import current

__all__ = ["champions_in_force", "lake_in_force"]


def lake_in_force(workspace: Path) -> dict[str, Any] | None:
    """Number, time, table versions and weeks of the newest lake state; None while nothing was ingested."""
    state = LakeStates(lake_path(workspace)).latest()
    if state is None:
        return None
    return {
        "state": state.number,
        "written_at": state.written_at.isoformat(),
        "tables": dict(state.tables),
        "weeks": len(state.weeks),
        "first_week": min(state.weeks, default=None),
        "last_week": max(state.weeks, default=None),
        "baskets": sum(week.baskets for week in state.weeks.values()),
        "rows_quarantined": sum(week.rows_quarantined for week in state.weeks.values()),
    }


def champions_in_force(workspace: Path) -> dict[str, dict[str, Any]]:
    """Version, run and time of each task's champion; a task without one is left out."""
    if not workspace.is_dir():
        return {}
    store = registry_store(workspace)
    found = {task: current(store, task) for task in Task}
    return {
        task.value: {"version": c.version, "run_id": c.run_id, "when": c.when.isoformat(), "who": c.who}
        for task, c in found.items()
        if c is not None
    }
