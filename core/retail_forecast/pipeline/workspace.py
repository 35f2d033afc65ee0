"""Where things lie in a workspace."""

from pathlib import Path

from retail_forecast.bundle.snapshot import SNAPSHOTS
from retail_forecast.clouds.addresses import Address, local_folder
from retail_forecast.domain.errors import DataError, UsageError
from retail_forecast.domain.settings import load_settings
from retail_forecast.lake.retention import retired_states
from retail_forecast.lake.state import LakeState, LakeStates
from retail_forecast.registry.champion import bundle_folder
from retail_forecast.registry.runs import run_folder

__all__ = [
    "bundle_path",
    "lake_address",
    "lake_path",
    "lake_state",
    "registry_folder",
    "registry_path",
    "report_path",
    "run_path",
    "snapshot_path",
]


def lake_path(workspace: Path) -> Address:
    """Root of the lake: what `lake.uri` says in the workspace's settings or in the environment, else a folder here.

    Raises
    ------
    UsageError : a setting does not fit
    """
    uri = load_settings(workspace).lake.uri
    if not uri:
        return workspace / "lake"
    return local_folder(uri) or uri


def lake_address(workspace: Path) -> Address:
    """Root of the lake in full: so events of lineage name what lies in it."""
    root = lake_path(workspace)
    folder = local_folder(root)
    return root if folder is None else folder.resolve()


def registry_path(workspace: Path) -> Address:
    """Root of the registry: what `registry.uri` says in the workspace's settings or in the environment, else the
    workspace itself.

    Raises
    ------
    UsageError : a setting does not fit
    """
    uri = load_settings(workspace).registry.uri
    return (local_folder(uri) or uri) if uri else workspace


def registry_folder(workspace: Path) -> Path:
    """Where bundles are folders: the registry itself, or the copies of one that lies in a store."""
    return local_folder(registry_path(workspace)) or workspace / "copies"


def bundle_path(workspace: Path, run_id: str) -> Path:
    """Folder of the bundle that a run made, as it lies here."""
    return registry_folder(workspace) / bundle_folder(run_id)


def report_path(workspace: Path) -> Path:
    """The report for people."""
    return workspace / "reports" / "report.html"


def snapshot_path(workspace: Path) -> Path:
    """Folder of what the server is told of customers and stores."""
    return workspace / SNAPSHOTS


def run_path(workspace: Path, run_id: str) -> Path:
    """Folder of the record of a run, and of its model card, as they lie here."""
    return registry_folder(workspace) / run_folder(run_id)


def lake_state(workspace: Path, number: int | None = None) -> LakeState:
    """The newest state of the lake, or that of a number.

    Raises
    ------
    DataError : nothing has been ingested yet, or the state was vacuumed
    UsageError : there is no state of that number
    """
    states = LakeStates(lake_path(workspace))
    state = states.latest()
    if state is None:
        raise DataError(
            "the lake holds no data yet",
            where=str(lake_path(workspace)),
            mend="retail-forecast ingest FILES, or `retail-forecast run`",
        )
    if number is None or number == state.number:
        return state
    if not 1 <= number < state.number:
        raise UsageError(
            f"the lake has no state {number}", where=str(lake_path(workspace)), mend=f"name one of 1 to {state.number}"
        )
    if number in retired_states(lake_path(workspace)):
        raise DataError(
            f"state {number} was vacuumed: files of it are gone",
            where=str(lake_path(workspace)),
            mend="`retail-forecast lake history` shows which states can be read; a backup may hold this one",
        )
    return states.read(number)
