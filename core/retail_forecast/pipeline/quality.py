"""Quality: the weeks that an ingest wrote are judged among the others, and a report of it is kept in the workspace."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import QualitySettings, Settings
from retail_forecast.lake.accounts import read_report
from retail_forecast.lake.profiles import Profile, read_profiles
from retail_forecast.lake.state import LakeState, LakeStates
from retail_forecast.lake.storage import told_as_place
from retail_forecast.monitoring.weeks import remarks, shifts
from retail_forecast.pipeline.workspace import lake_path, lake_state
from retail_forecast.report.data import IngestFacts, WeekFacts
from retail_forecast.report.incoming import write_quality

__all__ = ["report_quality", "write_report"]

_FOLDER = Path("reports") / "quality"
_LABEL = "BASKET_PRICE_SENSITIVITY"


def report_quality(
    workspace: Path, settings: Settings, *, state: int | None, now: datetime
) -> tuple[Path, IngestFacts]:
    """Write the report on the ingest that led to `state`, by default on the newest; returns the page and its facts.

    Raises
    ------
    DataError : nothing has been ingested yet
    UsageError : no ingest led to that state, or its report was not kept
    """
    root, newest = lake_path(workspace), lake_state(workspace)
    # A state may have come otherwise than by an ingest: by optimising, restoring or migrating.
    numbers = (number for number in range(newest.number, 0, -1) if state in (None, number))
    report = next(filter(None, (read_report(root, number) for number in numbers)), None)
    if report is None:
        raise UsageError(
            "no report of an ingest is kept" if state is None else f"no report of an ingest to state {state} is kept",
            where=str(root),
            mend=f"name a state from 1 to {newest.number} that an ingest led to",
        )
    return write_report(workspace, settings, report, now=now)


def write_report(
    workspace: Path, settings: Settings, report: Mapping[str, Any], *, now: datetime
) -> tuple[Path, IngestFacts]:
    """Write the report on a call of ingest, given as its `to_dict()`; returns the page and its facts.

    Raises
    ------
    PlaceError : it cannot be written; what was ingested stays
    """
    root, limits = lake_path(workspace), settings.lake.quality
    state = LakeStates(root).read(report["state"]) if report["state"] is not None else None
    profiles = read_profiles(root, state.number, state.weeks) if state else {}
    facts = _facts(report, state, profiles, limits, now)
    name = f"state-{report['state']:06d}" if report["files"] else f"refused-{now:%Y%m%dT%H%M%SZ}"
    page = workspace / _FOLDER / f"{name}.html"
    with told_as_place(page):
        write_quality(facts, page)
    return page, facts


def _facts(
    report: Mapping[str, Any],
    state: LakeState | None,
    profiles: Mapping[int, Profile],
    limits: QualitySettings,
    now: datetime,
) -> IngestFacts:
    accounts = state.weeks if state else {}
    rows = {week: account.rows_silver + account.rows_quarantined for week, account in accounts.items()}
    weeks = {
        week: WeekFacts(
            account.baskets, account.rows_silver, account.rows_quarantined, profiles.get(week, {}).get(_LABEL, {})
        )
        for week, account in accounts.items()
    }
    shifted = shifts(profiles, limits)
    new = set(report["weeks"]).difference(report["replaced"])
    told = remarks(rows, report["weeks"], new, report["new_columns"], report["misfits"], shifted, limits)
    return IngestFacts(report, weeks, told, shifted, limits, now)
