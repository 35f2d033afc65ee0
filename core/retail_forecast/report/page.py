"""The report: one HTML file that stands alone, from what came in to what was measured.

It loads nothing, runs no script, and says of whatever is absent that it is absent, and why. Equal data give equal
bytes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retail_forecast.models.segments import LAPSED_WEEKS
from retail_forecast.registry.record import RunRecord
from retail_forecast.report import (
    customers,
    findings,
    measures,
    plots,
    provenance,
    quality,
    rivals,
    served,
    summary,
    timelines,
)
from retail_forecast.report.data import LakeFacts, ReportData, SegmentFacts, ServedPrediction
from retail_forecast.report.rendering import render, write_page
from retail_forecast.report.wording import moment

__all__ = ["render_report", "write_report"]

_TEMPLATE = "page.html.j2"


def render_report(data: ReportData) -> str:
    """The report as an HTML document."""
    return render(
        _TEMPLATE,
        record=data.record,
        generated_at=moment(data.generated_at),
        card=data.card,
        summary=_summary(data),
        quality=None if data.lake is None else _quality(data.lake, data.record),
        model=_model(data),
        customers=None if data.segments is None else _customers(data.segments),
        served=None if data.served is None else _served(data.served),
        provenance=_provenance(data),
        method=_method(data),
    )


def write_report(data: ReportData, path: Path) -> None:
    """Write the report to `path`; an earlier report there is replaced in one step, or not at all.

    Raises
    ------
    OSError : the folder cannot be made or written
    """
    write_page(render_report(data), path)


def _summary(data: ReportData) -> Mapping[str, Any]:
    return {
        "verdict": summary.verdict(data),
        "figures_of": summary.figures_of(data.record),
        "headlines": summary.headlines(data),
        "table": summary.headline_table(data),
        "refused": summary.refusal_table(data.refusals) if data.refusals else None,
    }


def _quality(lake: LakeFacts, record: RunRecord) -> Mapping[str, Any]:
    return {
        "holdings": quality.holdings(lake.weeks),
        "drift": quality.label_drift(lake.weeks, record.windows.train.weeks, record.windows.last_learned_week),
        "plots": [timelines.lines_plot(lake.weeks), timelines.labels_plot(lake.weeks)] if lake.weeks else [],
        "ingests": quality.ingest_table(lake) if lake.ingests else None,
        "reasons": quality.reason_table(lake),
        "refused": quality.refused_table(lake),
        "weeks": quality.week_table(lake.weeks) if lake.weeks else None,
    }


def _model(data: ReportData) -> Mapping[str, Any]:
    metrics, drops = data.record.metrics, data.record.importance
    counts, curve = metrics["with_xx"]["confusion"], metrics["reliability"]
    return {
        "figures": measures.figure_table(data.record),
        "classes": measures.class_table(data.record),
        "rates": plots.rates_plot(metrics, data.record.intervals),
        "confusion": plots.confusion_plot(counts),
        "confusion_table": measures.confusion_table(counts),
        "reliability": plots.reliability_plot(curve, metrics["ece"]),
        "reliability_table": measures.reliability_table(curve),
        "importance": plots.importance_plot(drops) if drops else None,
        "importance_table": measures.importance_table(drops, data.record.attributions) if drops else None,
        "rivals": rivals.rival_plot(data.rivals) if len(data.rivals) > 1 else None,
        "rival_table": rivals.rival_table(data.rivals) if len(data.rivals) > 1 else None,
        **_findings(data.record),
    }


def _findings(record: RunRecord) -> Mapping[str, Any]:
    return {
        "weakness": findings.weakness(record.slices) if record.slices else None,
        "slices": findings.slice_table(record.slices),
        "curve": findings.curve_plot(record.curve) if record.curve else None,
        "curve_table": findings.curve_table(record.curve),
        "trials": findings.trial_table(record.behaviour) if record.behaviour else None,
        "guarded": findings.guarded(record.leakage) if record.leakage else None,
    }


def _customers(facts: SegmentFacts) -> Mapping[str, Any]:
    return {"told": customers.told(facts), "tiers": customers.tier_table(facts), "lapsed_weeks": LAPSED_WEEKS}


def _served(prediction: ServedPrediction) -> Mapping[str, Any]:
    return {
        "asked": served.asked(prediction),
        "told": served.told(prediction),
        "basket": served.basket_table(prediction),
        "answer": served.answer_table(prediction),
        "explained": bool(prediction.contributions),
    }


def _provenance(data: ReportData) -> Mapping[str, Any]:
    return {
        "chain": provenance.chain(data),
        "sources": provenance.source_table(data.record),
        "libraries": provenance.library_table(data.record),
    }


def _method(data: ReportData) -> Mapping[str, Any]:
    return {
        "strip": timelines.windows_plot(data.record.windows),
        "windows": provenance.window_table(data.record.windows),
        "uses": provenance.window_uses(data),
        "limits": provenance.limits(data.record, data.window_uses),
        "deviations": provenance.deviations(data.record),
        "phases": provenance.phase_table(data.record),
    }
