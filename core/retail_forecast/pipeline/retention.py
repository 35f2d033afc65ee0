"""Retention in a workspace: which versions of tables its runs and bundles name, and what became of each state."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from obstore.store import ObjectStore

from retail_forecast.bundle.manifest import MANIFEST
from retail_forecast.bundle.pointer import BUNDLES
from retail_forecast.clouds.objects import listed, read, together
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import BundleError
from retail_forecast.lake.retention import Vacuumed, retired_states, vacuum
from retail_forecast.lake.state import LakeState, LakeStates
from retail_forecast.pipeline.registry import registry_store
from retail_forecast.pipeline.workspace import lake_path, registry_folder, registry_path
from retail_forecast.registry.runs import list_runs

__all__ = ["StateAccount", "history", "named_versions", "vacuum_lake"]


@dataclass(frozen=True, slots=True)
class StateAccount:
    """One state: its tables, what it changed against the one before, who reads it, and whether it still can be read."""

    number: int
    written_at: datetime
    tables: dict[str, int]
    weeks: int
    files: int
    added: tuple[int, ...]
    replaced: tuple[int, ...]
    runs: tuple[str, ...]
    readable: bool


def vacuum_lake(workspace: Path, days: int, *, clock: Callable[[], datetime], dry_run: bool = False) -> Vacuumed:
    """Vacuum the lake, but for what runs and bundles name; parameters and errors as of `lake.retention.vacuum`.

    Raises
    ------
    BundleError : a bundle cannot be asked for the versions it names; nothing is removed
    """
    return vacuum(lake_path(workspace), days, named_versions(workspace), clock=clock, dry_run=dry_run)


def named_versions(workspace: Path) -> dict[str, set[int]]:
    """Versions of each table that a run or a bundle was made from, of the registry and of what is not published yet."""
    data = []
    for place in {str(registry_path(workspace)), str(registry_folder(workspace))}:
        store = open_store(place)
        data += [run.data.tables for run in list_runs(store)]
        manifests = sorted(path for path, _ in listed(store, BUNDLES) if path.endswith(f"/{MANIFEST}"))
        data += together(partial(_tables_of, store), manifests)
    named: dict[str, set[int]] = {}
    for tables in data:
        for name, version in tables.items():
            named.setdefault(name, set()).add(version)
    return named


def history(workspace: Path) -> list[StateAccount]:
    """Every state of the lake, oldest first; empty while nothing was ingested."""
    root = lake_path(workspace)
    states = LakeStates(root).all()
    if not states:
        return []
    readers: dict[int, list[str]] = {}
    for run in list_runs(registry_store(workspace)):
        readers.setdefault(run.data.number, []).append(run.run_id)
    gone = retired_states(root)
    return [
        _account(before, state, tuple(readers.get(state.number, ())), state.number not in gone)
        for before, state in zip((None, *states[:-1]), states, strict=True)
    ]


def _account(before: LakeState | None, state: LakeState, runs: tuple[str, ...], readable: bool) -> StateAccount:
    earlier = before.weeks if before else {}
    changed = [week for week, account in state.weeks.items() if earlier.get(week) != account]
    return StateAccount(
        state.number,
        state.written_at,
        dict(state.tables),
        len(state.weeks),
        len(state.sources),
        tuple(week for week in changed if week not in earlier),
        tuple(week for week in changed if week in earlier),
        runs,
        readable,
    )


def _tables_of(store: ObjectStore, manifest: str) -> dict[str, int]:
    try:
        document: dict[str, Any] = msgspec.json.decode(read(store, manifest), type=dict)
        return msgspec.convert(document["data"].get("tables", {}), dict[str, int])
    except (msgspec.MsgspecError, KeyError, AttributeError) as error:
        raise BundleError(
            "the manifest does not tell what the bundle was made from",
            where=manifest,
            mend="restore the bundle or remove its folder, then vacuum again",
        ) from error
