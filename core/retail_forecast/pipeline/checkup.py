"""Whether this machine and this installation can do the work.

Each check is a function that looks and says what it found; none changes anything.
"""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

import retail_forecast
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import load_settings

__all__ = ["Finding", "check_machine"]

_OLDEST = (3, 11)
_LEAST_DISK_GB = 2.0
_LEAST_MEMORY_MB = 2048
"""What training needs beside the lake's engine on the real data of two years."""

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `mend` says what to do when `state` is "wrong"."""

    name: str
    state: Literal["ok", "wrong"]
    found: str
    mend: str = ""


def check_machine(workspace: Path) -> tuple[Finding, ...]:
    """All checks of the machine, the installation and the folder `workspace`."""
    return (_python(), _packages(), _writable(workspace), _disk(workspace), _cores(), _memory(), _settings(workspace))


def _judge(name: str, fits: bool, found: str, mend: str) -> Finding:
    return Finding(name, "ok", found) if fits else Finding(name, "wrong", found, mend)


def _python() -> Finding:
    return _judge("python", sys.version_info >= _OLDEST, platform.python_version(), "install Python 3.11 or newer")


def _packages() -> Finding:
    """Against the lock in a checkout; against the distribution's own requirements where no lock lies beside it."""
    lock = Path(retail_forecast.__file__).parents[1] / "requirements.txt"
    wanted, name = (
        (locked(lock.read_text("utf-8")), "the lock") if lock.is_file() else (_required(), "the requirements")
    )
    faults = [fault for requirement in wanted for fault in unmet(requirement)]
    shown = "; ".join(faults[:_SHOWN]) + (f"; {len(faults)} in all" if len(faults) > _SHOWN else "")
    return _judge("packages", not faults, shown or f"as {name} says", "make setup")


def locked(text: str) -> list[Requirement]:
    """The pins of a lock that hold on this machine."""
    lines = (line.rstrip("\\ ") for line in text.splitlines() if line[:1].isalnum())
    return [pin for pin in map(Requirement, lines) if pin.marker is None or pin.marker.evaluate()]


def _required() -> list[Requirement]:
    named = map(Requirement, requires("retail-forecast") or ())
    return [r for r in named if r.marker is None or r.marker.evaluate({"extra": ""})]


def unmet(requirement: Requirement) -> Iterator[str]:
    """What is wrong with the installed package, in words; nothing when it fits."""
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        yield f"{requirement.name} is missing"
        return
    if not requirement.specifier.contains(installed, prereleases=True):
        yield f"{requirement.name} is {installed}, not {requirement.specifier}"


def _writable(workspace: Path) -> Finding:
    folder = _existing(workspace)
    fits = folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
    return _judge("workspace", fits, str(workspace.resolve()), f"make {folder} writable, or choose another --workspace")


def _disk(workspace: Path) -> Finding:
    free = shutil.disk_usage(_existing(workspace)).free / 1e9
    return _judge(
        "disk",
        free >= _LEAST_DISK_GB,
        f"{free:.1f} GB free",
        f"free {_LEAST_DISK_GB:.0f} GB or choose another --workspace",
    )


def _existing(folder: Path) -> Path:
    """`folder`, or the closest one above it that exists."""
    return next(f for f in (folder.resolve(), *folder.resolve().parents) if f.exists())


def _cores() -> Finding:
    return Finding(
        "cores", "ok", str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    )


def _memory() -> Finding:
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**20
    limit = min(machine, _group_limit_mb())
    return _judge("memory", limit >= _LEAST_MEMORY_MB, f"{limit:,.0f} MB", f"use a machine with {_LEAST_MEMORY_MB} MB")


def _group_limit_mb() -> float:
    """What a container leaves to its processes; infinite where nothing limits them."""
    file = Path("/sys/fs/cgroup/memory.max")
    text = file.read_text("ascii").strip() if file.is_file() else ""
    return int(text) / 2**20 if text.isdigit() else float("inf")


def _settings(workspace: Path) -> Finding:
    try:
        load_settings(workspace)
    except UsageError as error:
        return Finding("settings", "wrong", str(error), "correct or remove the keys named")
    return Finding("settings", "ok", "all fit")
