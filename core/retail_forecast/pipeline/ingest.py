"""Ingest: files into the lake of a workspace, and the report on their quality."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

from retail_forecast.clouds.addresses import below
from retail_forecast.domain.progress import Progress
from retail_forecast.domain.settings import Settings
from retail_forecast.lake.engines import EngineName, open_engine
from retail_forecast.lake.ingest import IngestReport, ingest
from retail_forecast.lake.schemas import TABLES
from retail_forecast.lake.tables import PATHS
from retail_forecast.monitoring.weeks import Remark
from retail_forecast.pipeline.places import here
from retail_forecast.pipeline.registry import job_told
from retail_forecast.pipeline.workspace import lake_address, lake_path, lake_state
from retail_forecast.registry.events import Job

__all__ = ["Ingested", "ingest_files"]


@dataclass(frozen=True, slots=True)
class Ingested:
    """What came of a call: the lake's report, remarks on the weeks, and the page; no page where nothing happened."""

    report: IngestReport
    remarks: tuple[Remark, ...]
    page: Path | None

    def to_dict(self) -> dict[str, Any]:
        """The result as a JSON document."""
        remarks = [{"code": remark.code, "week": remark.week, "what": remark.what} for remark in self.remarks]
        return self.report.to_dict() | {"remarks": remarks, "quality_report": str(self.page) if self.page else None}


def ingest_files(
    workspace: Path,
    settings: Settings,
    sources: Sequence[str],
    *,
    clock: Callable[[], datetime],
    accept: Collection[str] = (),
    engine: EngineName = EngineName.DUCKDB,
    progress: Progress | None = None,
) -> Ingested:
    """Take the files that `sources` name into the lake, and write the quality report unless all were known already.

    Parameters
    ----------
    sources : files, folders, patterns, or addresses of folders in a store

    Raises
    ------
    the errors of `lake.ingest`
    """
    Thread(target=import_module, args=("retail_forecast.pipeline.quality",)).start()
    with job_told(workspace, "ingest", clock) as told, here(sources) as files:
        report = ingest(
            lake_path(workspace),
            files,
            settings.lake,
            clock=clock,
            accept=accept,
            engine=open_engine(engine, settings.lake, lake_path(workspace)),
            progress=progress,
        )
        _tell(told, workspace, report)
    if not (report.files or report.refused):
        return Ingested(report, (), None)
    # What draws takes half a second to import, which passed while files were read.
    from retail_forecast.pipeline.quality import write_report

    page, facts = write_report(workspace, settings, report.to_dict(), now=clock())
    return Ingested(report, facts.remarks, page)


def _tell(told: Job, workspace: Path, report: IngestReport) -> None:
    """The files that were taken in, and the tables that they went to."""
    if not report.files:
        return
    root, state = lake_address(workspace), lake_state(workspace, report.state)
    for digest in sorted({digest for week in report.weeks for digest in state.weeks[week].sources}):
        told.reads(below(root, f"raw/{digest}/{state.sources[digest].name}"), digest)
    rows = {"silver": report.rows_silver, "gold": report.baskets, "quarantine": report.rows_quarantined}
    for name, version in state.tables.items():
        told.writes(below(root, PATHS[name]), version, columns=TABLES[name], rows=rows.get(name))
