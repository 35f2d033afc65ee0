"""Lineage of what a workspace holds: the records are read, and `registry.lineage` ties them together."""

from pathlib import Path

from retail_forecast.bundle.manifest import MANIFEST, digest_of
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.state import LakeStates
from retail_forecast.pipeline.registry import registry_store
from retail_forecast.pipeline.workspace import lake_path, lake_state
from retail_forecast.registry.champion import history
from retail_forecast.registry.lineage import Lineage, lineage_of_run, lineage_of_week, subject
from retail_forecast.registry.runs import list_runs

__all__ = ["trace"]


def trace(workspace: Path, name: str) -> Lineage:
    """The lineage of `name`: a week YYYYWW, a run, or a bundle (its folder, its digest, or the first digits of it).

    Raises
    ------
    DataError : the lake is empty
    UsageError : nothing is known by that name
    """
    lake_state(workspace)  # an empty lake is refused in its own words
    states, store = LakeStates(lake_path(workspace)).all(), registry_store(workspace)
    runs = list_runs(store)
    reigns = [entry for task in Task for entry in history(store, task)]
    manifest = Path(name) / MANIFEST
    known_as = digest_of(manifest.read_bytes()) if manifest.is_file() else name
    found = subject(known_as, states, runs)
    if isinstance(found, int):
        return lineage_of_week(found, states, runs, reigns)
    return lineage_of_run(found, "run" if found.run_id == name else "bundle", name, states, runs, reigns)
