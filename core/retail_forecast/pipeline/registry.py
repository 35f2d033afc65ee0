"""The registry of record where `registry.uri` places it: run records, bundles, champions, refusals, tuned settings.

In a folder all of it lies as it is used. From a store, a bundle is fetched when it is asked for, verified, and kept in
the workspace. What is made is kept in the workspace first and published then: the files of the bundle, its manifest,
what people read, and last the record, under a condition. A run whose record is not there does not exist for anybody
else, so that a broken upload leaves nothing visible; it stays in the workspace until a repeat has published it.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

from obstore.store import ObjectStore

from retail_forecast.bundle.manifest import MANIFEST, read_manifest
from retail_forecast.bundle.pulling import pull_bundle
from retail_forecast.bundle.snapshot import LATEST, SNAPSHOTS, read_latest
from retail_forecast.clouds.addresses import local_folder
from retail_forecast.clouds.faults import told_as_place
from retail_forecast.clouds.objects import upload
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import PlaceError
from retail_forecast.pipeline.workspace import bundle_path, registry_folder, registry_path, run_path, snapshot_path
from retail_forecast.registry.champion import bundle_folder
from retail_forecast.registry.events import Job, job
from retail_forecast.registry.record import RunRecord
from retail_forecast.registry.runs import RECORD, is_recorded, list_runs, run_folder, save_run

__all__ = ["fetched_bundle", "job_told", "publish_runs", "publish_snapshot", "registry_store"]


def registry_store(workspace: Path) -> ObjectStore:
    """The store that the registry of a workspace lies in.

    Raises
    ------
    UsageError : a setting does not fit
    """
    return open_store(registry_path(workspace))


def job_told(workspace: Path, name: str, clock: Callable[[], datetime]) -> AbstractContextManager[Job]:
    """A job of a workspace, whose beginning and end its registry is told; see `registry.events.job`.

    Raises
    ------
    PlaceError : an event cannot be written
    """
    return job(workspace, name, clock, registry_path(workspace))


def fetched_bundle(workspace: Path, run_id: str, digest: str) -> Path:
    """The folder of a run's bundle, fetched where the registry lies in a store and the bundle is not here yet.

    Raises
    ------
    BundleError : there is none in the store, or it is damaged there
    PlaceError : the store cannot be read
    """
    place, folder = registry_path(workspace), bundle_path(workspace, run_id)
    if local_folder(place) is None:
        with told_as_place(place):
            pull_bundle(open_store(place), folder, digest, bundle_folder(run_id))
    return folder


def publish_runs(workspace: Path) -> tuple[str, ...]:
    """Publish the runs that only the workspace has; returns their names. May be repeated.

    Raises
    ------
    PlaceError : the store cannot be written; what is not published yet stays in the workspace
    Conflict : another run of that name is in the store, of which nothing is touched
    """
    place = registry_path(workspace)
    if local_folder(place) is not None:
        return ()
    kept = list_runs(open_store(registry_folder(workspace)))
    for record in kept:
        try:
            with told_as_place(place):
                _publish(open_store(place), workspace, record)
        except PlaceError as error:
            what = f"run {record.run_id} is kept in the workspace, but not published: {error.what}"
            mend = f"{error.mend}; `retail-forecast promote` and the next training publish it"
            raise PlaceError(what, where=error.where, mend=mend) from error
    return tuple(record.run_id for record in kept)


def publish_snapshot(workspace: Path) -> None:
    """Publish the snapshot of customers that is in force in the workspace, for servers that follow the registry.

    Raises
    ------
    PlaceError : the store cannot be written; the snapshot before stays in force there
    """
    place, folder = registry_path(workspace), snapshot_path(workspace)
    latest = read_latest(folder)
    if latest is None or local_folder(place) is not None:
        return
    with told_as_place(place):
        for name in (latest.file, LATEST):
            upload(open_store(place), {f"{SNAPSHOTS}/{name}": folder / name})


def _publish(store: ObjectStore, workspace: Path, record: RunRecord) -> None:
    beside = run_path(workspace, record.run_id)
    if not is_recorded(store, record):
        _upload(store, bundle_path(workspace, record.run_id), beside, record)
    (beside / RECORD).unlink()


def _upload(store: ObjectStore, bundle: Path, beside: Path, record: RunRecord) -> None:
    target = bundle_folder(record.run_id)
    files = read_manifest(bundle, record.bundle_digest).files
    upload(store, {f"{target}/{name}": bundle / name for name in files})
    upload(store, {f"{target}/{MANIFEST}": bundle / MANIFEST})
    read = [file for file in beside.iterdir() if file.name != RECORD]
    upload(store, {f"{run_folder(record.run_id)}/{file.name}": file for file in read})
    save_run(store, record)
