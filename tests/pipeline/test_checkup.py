"""The checks of machine and installation: each can find something, and none invents it."""

import os
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from retail_forecast.pipeline import checkup
from retail_forecast.pipeline.checkup import Finding, check_machine, locked, unmet


def finding(name: str, workspace: Path) -> Finding:
    return next(f for f in check_machine(workspace) if f.name == name)


def test_a_sound_machine(tmp_path: Path) -> None:
    found = {f.name: f.state for f in check_machine(tmp_path / "not" / "yet")}
    assert {name: found[name] for name in ("python", "workspace", "cores", "settings")} == {
        "python": "ok",
        "workspace": "ok",
        "cores": "ok",
        "settings": "ok",
    }
    assert not (tmp_path / "not").exists()


def test_a_python_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 9))
    assert finding("python", tmp_path).state == "wrong"


def test_a_workspace_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "workspace").write_text("", "utf-8")
    assert finding("workspace", tmp_path / "workspace").state == "wrong"


def test_a_workspace_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Permission bits bind no superuser, so the answer of the system is replaced.
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert finding("workspace", tmp_path).state == "wrong"


@pytest.mark.parametrize(("free_gb", "state"), [(1.9, "wrong"), (2.1, "ok")])
def test_disk(free_gb: float, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=int(free_gb * 1e9)))
    assert finding("disk", tmp_path).state == state


@pytest.mark.parametrize(("pages", "state"), [(2047 * 256, "wrong"), (2048 * 256, "ok")])
def test_memory(pages: int, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": pages, "SC_PAGE_SIZE": 4096}.__getitem__)
    monkeypatch.setattr(checkup, "_group_limit_mb", lambda: float("inf"))
    assert finding("memory", tmp_path).state == state


def test_settings_that_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAIL_FORECAST_LAKE__THREADS", "many")
    found = finding("settings", tmp_path)
    assert found.state == "wrong"
    assert "lake.threads" in found.found


def test_the_pins_of_a_lock() -> None:
    text = "numpy==2.4.6 \\\n    --hash=sha256:00\n    # via x\nonly-there==1 ; sys_platform == 'nowhere' \\\n"
    assert [str(pin) for pin in locked(text)] == ["numpy==2.4.6"]


@pytest.mark.parametrize(
    ("requirement", "faults"),
    [
        (f"packaging=={version('packaging')}", []),
        ("packaging==1.0", [f"packaging is {version('packaging')}, not ==1.0"]),
        ("a-package-that-nobody-installed==1", ["a-package-that-nobody-installed is missing"]),
    ],
)
def test_packages(requirement: str, faults: list[str]) -> None:
    assert list(unmet(Requirement(requirement))) == faults
