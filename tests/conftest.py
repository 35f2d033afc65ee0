"""What all tests share: the real data when it is there, and the rule that CI skips nothing silently."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

CI = "RETAIL_FORECAST_CI"
REAL_DATA = "RETAIL_FORECAST_REAL_DATA"
NO_REAL_DATA = f"{REAL_DATA} names no folder of dunnhumby files"

ALLOWED_SKIPS = (NO_REAL_DATA,)
"""The reasons for which CI may skip a test; any other skip fails there."""

# Spinning OpenMP threads starve the other processes that tests start; set before numpy is imported.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs the real data where there is none."""
    if _real_files():
        return
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(pytest.mark.skip(reason=NO_REAL_DATA))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI, fail on a skip whose reason is not listed."""
    report = yield
    _forbid_unlisted_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """In CI, fail on a module that skips itself for a reason that is not listed."""
    report = yield
    _forbid_unlisted_skip(report)
    return report


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests see the settings they make themselves."""
    for name in list(os.environ):
        if name.startswith("RETAIL_FORECAST_") and name not in (REAL_DATA, CI):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def real_files() -> list[Path]:
    """The weekly files of the real data, in time order (only for tests marked `real_data`)."""
    return _real_files()


def _real_files() -> list[Path]:
    folder = os.environ.get(REAL_DATA)
    return sorted(Path(folder).glob("*.csv*")) if folder else []


def _forbid_unlisted_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not os.environ.get(CI) or report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr)
    if reason.removeprefix("Skipped: ") not in ALLOWED_SKIPS:
        report.outcome = "failed"
        report.longrepr = f"skipped in CI for a reason that tests/conftest.py does not list: {reason}"
