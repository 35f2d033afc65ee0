"""Where things lie in a workspace."""

from pathlib import Path

from retail_forecast.domain.errors import DataError
from retail_forecast.lake.state import LakeState, LakeStates
from retail_forecast.registry.champion import bundle_folder

__all__ = ["bundle_path", "lake_path", "lake_state", "report_path", "run_path"]


def lake_path(workspace: Path) -> Path:
    """Root of the lake."""
    return workspace / "lake"


def bundle_path(workspace: Path, run_id: str) -> Path:
    """Folder of the bundle that a run made."""
    return workspace / bundle_folder(run_id)


def report_path(workspace: Path) -> Path:
    """The report for people."""
    return workspace / "reports" / "report.html"


def run_path(workspace: Path, run_id: str) -> Path:
    """Folder of the record of a run, and of its model card."""
    return workspace / "runs" / run_id


def lake_state(workspace: Path) -> LakeState:
    """The newest state of the lake.

    Raises
    ------
    DataError : nothing has been ingested yet
    """
    state = LakeStates(lake_path(workspace)).latest()
    if state is None:
        raise DataError(
            "the lake holds no data yet",
            where=str(lake_path(workspace)),
            mend="retail-forecast ingest FILES, or `retail-forecast run`",
        )
    return state
