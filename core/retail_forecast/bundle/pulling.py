"""Pulling: bundles, champion pointers and the snapshot from a store into a folder laid out like a workspace.

What a reader of the folder sees is whole and verified at any moment: a bundle is fetched beside its place, verified
against the digest that the pointer names and renamed into it, and only then the pointer is shown. So a download that
broke off, or a bundle that is damaged in the store, leaves what was there, and pulling again does no harm.

This is for whoever may hold a connection to a store; those who answer only read the folder (`pointer`, `snapshot`).
What fails in the store or on the disk is raised as it is: `clouds.faults.told_as_place` translates it.
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec
from obstore.store import ObjectStore

from retail_forecast.bundle.manifest import read_manifest
from retail_forecast.bundle.pointer import BUNDLES, CHAMPIONS, Pointer, champion_folder
from retail_forecast.bundle.snapshot import LATEST, SNAPSHOTS, Latest, put_in_force, read_latest
from retail_forecast.clouds.objects import download, fetch, listed, read
from retail_forecast.domain.errors import BundleError
from retail_forecast.domain.tasks import Task

__all__ = ["pull_bundle", "pull_champions", "pull_snapshot"]

_ENTRY = re.compile(rf"{CHAMPIONS}/({'|'.join(Task)})/(\d+)\.json")
_KEPT = 2  # pointers of a task: the one in force, and the one before for a rollback
_SNAPSHOT = re.compile(r"[0-9a-f]+\.history")
_MEND = "`retail-forecast features materialize` makes it anew"


def pull_bundle(store: ObjectStore, folder: Path, digest: str | None = None, prefix: str = "") -> None:
    """Put the bundle at `prefix` of `store` into `folder`, in the place of one that is there and does not fit.

    Parameters
    ----------
    digest : of the bundle's manifest; without it, the bundle only has to agree with itself

    Raises
    ------
    BundleError : there is no bundle, or a byte of it is not what was written; `folder` is as it was
    """
    with suppress(BundleError):
        read_manifest(folder, digest)
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pulled-", dir=folder.parent) as beside:
        download(store, Path(beside, "of"), prefix or None)
        fetched = Path(beside, "of", prefix)
        try:
            read_manifest(fetched, digest)
        except BundleError as error:
            raise BundleError(error.what, where=prefix or folder.name, mend=error.mend) from error
        shutil.rmtree(folder, ignore_errors=True)
        fetched.rename(folder)


def pull_champions(store: ObjectStore, workspace: Path) -> dict[Task, str]:
    """Follow the champions of all tasks in the registry behind `store`, and those before them; bundles and pointers in
    `workspace` that are neither are removed.

    Returns
    -------
    the tasks whose champion cannot be used, and why; the one before it stays in force
    """
    refused = {}
    for task, entries in _newest(store).items():
        for path in entries[:-1]:
            with suppress(BundleError):
                _show(store, workspace, path)
        try:
            _show(store, workspace, entries[-1])
            _forget(workspace, task, entries)
        except BundleError as error:
            refused[task] = error.what
    _remove_unneeded(workspace)
    return refused


def pull_snapshot(store: ObjectStore, workspace: Path) -> None:
    """Follow the snapshot of customers and stores that is in force behind `store`, where there is one.

    Raises
    ------
    BundleError : it is damaged; the one before stays in force
    """
    folder = workspace / SNAPSHOTS
    try:
        payload = read(store, f"{SNAPSHOTS}/{LATEST}")
    except FileNotFoundError:
        return
    latest = _latest(payload)
    if latest == read_latest(folder):
        return
    part = folder / f".{latest.file}.part"
    with fetch(store, f"{SNAPSHOTS}/{latest.file}", part).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != latest.sha256:
        part.unlink()
        raise BundleError("the snapshot is not what was written", where=latest.file, mend=_MEND)
    part.replace(folder / latest.file)
    put_in_force(folder, latest)


def _newest(store: ObjectStore) -> dict[Task, Sequence[str]]:
    """The newest entries of each task's journal, ascending; one request, however many tasks there are."""
    found: dict[Task, list[str]] = {}
    for path, _ in listed(store, CHAMPIONS):
        entry = _ENTRY.fullmatch(path)
        if entry is not None:
            found.setdefault(Task(entry[1]), []).append(path)
    return {task: sorted(paths, key=_number)[-_KEPT:] for task, paths in found.items()}


def _number(path: str) -> int:
    return int(path.rpartition("/")[2].removesuffix(".json"))


def _show(store: ObjectStore, workspace: Path, path: str) -> None:
    """Fetch what the pointer at `path` names, then show the pointer."""
    file = workspace / path
    if file.exists():
        return
    payload = read(store, path)
    try:
        pointer = msgspec.json.decode(payload, type=Pointer)
    except ValueError as error:
        raise BundleError(f"the champion pointer cannot be read: {error}", where=path, mend="promote again") from error
    pull_bundle(store, champion_folder(workspace, pointer), pointer.bundle_digest, f"{BUNDLES}/{pointer.run_id}")
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".{file.name}.part")
    part.write_bytes(payload)
    part.replace(file)


def _forget(workspace: Path, task: Task, entries: Sequence[str]) -> None:
    """Remove pointers of `task` that are not among `entries`, though their numbers be higher: a registry that was
    restored begins again."""
    for file in (workspace / CHAMPIONS / task).glob("*.json"):
        if file.relative_to(workspace).as_posix() not in entries:
            file.unlink()


def _remove_unneeded(workspace: Path) -> None:
    """Remove bundles that no pointer in `workspace` names, and what a killed download left."""
    shown = (workspace / CHAMPIONS).glob("*/*.json")
    kept = {msgspec.json.decode(file.read_bytes(), type=Pointer).run_id for file in shown}
    for folder in (workspace / BUNDLES).glob("*"):
        if folder.name not in kept:
            shutil.rmtree(folder)


def _latest(payload: bytes) -> Latest:
    try:
        latest = msgspec.json.decode(payload, type=Latest)
        if not _SNAPSHOT.fullmatch(latest.file):
            raise ValueError(f"{latest.file!r} names no snapshot")
    except ValueError as error:
        raise BundleError(f"which snapshot is in force cannot be read: {error}", where=LATEST, mend=_MEND) from error
    return latest
