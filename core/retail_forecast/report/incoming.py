"""The quality report: what one call of ingest took in, refused and put aside, and what is remarkable of its weeks.

Two files with one content: a page for people and a document for scripts.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from markupsafe import Markup

from retail_forecast.lake.standards import ALL_RULES
from retail_forecast.report import timelines
from retail_forecast.report.data import IngestFacts, LakeFacts
from retail_forecast.report.quality import holdings, reason_table, refused_table, week_table
from retail_forecast.report.rendering import render, write_page
from retail_forecast.report.wording import Kind, Table, count, moment, numbers, share

__all__ = ["document", "render_quality", "told", "write_quality"]

_TEMPLATE = "quality.html.j2"
_TEXTS = {rule.code: rule.text for rule in ALL_RULES}


def write_quality(facts: IngestFacts, path: Path) -> None:
    """Write the page to `path` (.html) and the document beside it (.json).

    Raises
    ------
    OSError : the folder cannot be made or written
    """
    write_page(msgspec.json.format(msgspec.json.encode(document(facts)), indent=2).decode(), path.with_suffix(".json"))
    write_page(render_quality(facts), path)


def document(facts: IngestFacts) -> dict[str, Any]:
    """The report as a JSON document: the call's own report, the remarks, and the trend over all weeks."""
    trend = [
        {
            "week": week,
            "rows_silver": held.lines,
            "rows_quarantined": held.quarantined,
            "baskets": held.baskets,
            "shift": {name: round(shift.index, 6) for name, shift in facts.shifted.get(week, {}).items()},
        }
        for week, held in sorted(facts.weeks.items())
    ]
    remarks = [{"code": r.code, "week": r.week, "what": r.what} for r in facts.remarks]
    return {"written_at": moment(facts.generated_at), "ingest": facts.report, "remarks": remarks, "trend": trend}


def render_quality(facts: IngestFacts) -> str:
    """The report as an HTML document that stands alone."""
    call = LakeFacts((facts.report,), facts.weeks)
    return render(
        _TEMPLATE,
        title=_title(facts.report),
        generated_at=moment(facts.generated_at),
        sound=not (facts.report["refused"] or facts.report["rows_quarantined"] or facts.remarks),
        told=told(facts),
        holdings=holdings(facts.weeks),
        remarks=_remark_table(facts) if facts.remarks else None,
        refused=refused_table(call),
        accepted=_accepted_table(facts.report["accepted"]),
        corrections=_correction_table(facts.report["corrections"]["weeks"]),
        changes=_change_table(facts.report["corrections"]["examples"]),
        reasons=reason_table(call),
        examples=_example_tables(facts.report["examples"]),
        plots=_plots(facts),
        weeks=week_table(facts.weeks) if facts.weeks else None,
        shift_table=_shift_table(facts) if facts.shifted else None,
    )


def told(facts: IngestFacts) -> str:
    """What came of the call, in a sentence or two."""
    report = facts.report
    aside = report["rows_quarantined"]
    said = [f"{_files(len(report['refused']))} refused, {_files(len(report['unchanged']))} known already."]
    if report["files"]:
        said.insert(
            0,
            f"{_files(report['files'])} taken in with {count(report['rows_read'])} lines, of which {count(aside)} "
            f"({share(aside, report['rows_read'])}) went to quarantine: {count(len(report['weeks']))} weeks, "
            f"{count(len(report['replaced']))} of them replaced.",
        )
    said.append(f"{count(len(facts.remarks))} remarks on the weeks." if facts.remarks else "No remarks on the weeks.")
    return " ".join(said)


def _title(report: Mapping[str, Any]) -> str:
    return f"Ingest to lake state {report['state']}" if report["files"] else "Ingest that took nothing in"


def _files(number: int) -> str:
    return f"{count(number)} file{'s' * (number != 1)}"


def _remark_table(facts: IngestFacts) -> Table:
    rows = tuple((str(r.week), r.code, r.what, _TEXTS[r.code]) for r in facts.remarks)
    header = ("week", "code", "what was found", "rule")
    return Table("Remarks on the weeks; nothing was refused for them", header, rows, ("word", "code", "word", "word"))


def _accepted_table(accepted: Sequence[Mapping[str, str]]) -> Table | None:
    rows = tuple((a["file"], a["code"], a["reason"]) for a in accepted)
    header = ("file", "code", "what spoke against it")
    return Table("Files taken in by --accept", header, rows, ("word", "code", "word")) if rows else None


def _correction_table(weeks: Sequence[Mapping[str, int]]) -> Table | None:
    names = ("added", "removed", "changed", "kept")
    rows = tuple((str(week["week"]), *(count(week[name]) for name in names)) for week in weeks)
    header = ("week", *(f"lines {name}" for name in names))
    return Table("Weeks that were replaced, line by line", header, rows, numbers(len(names))) if rows else None


def _change_table(examples: Sequence[Mapping[str, Any]]) -> Table | None:
    rows = tuple(
        (
            e["kind"],
            str(e["week"]),
            e["basket_id"],
            e["prod_code"],
            "; ".join(f"{name}: {old or '–'} → {new or '–'}" for name, (old, new) in e["columns"].items()),
        )
        for e in examples
    )
    header = ("line was", "week", "basket", "product", "before → after")
    kinds: tuple[Kind, ...] = ("word", "word", "code", "code", "word")
    return Table("The first lines of each kind", header, rows, kinds) if rows else None


def _example_tables(examples: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Table]:
    return [
        Table(
            f"{code}: {_TEXTS.get(code, '')}",
            ("file", "row", "the row as it stands there"),
            tuple((e["file"], count(e["row"]), e["text"]) for e in rows),
            ("word", "number", "code"),
        )
        for code, rows in sorted(examples.items())
    ]


def _plots(facts: IngestFacts) -> list[tuple[Markup, str]]:
    labelled = {week: held for week, held in facts.weeks.items() if held.labels}
    plots = []
    if facts.weeks:
        plots.append((timelines.lines_plot(facts.weeks), "Till lines in each fiscal week."))
    if any(week.quarantined for week in facts.weeks.values()):
        plots.append((timelines.quarantine_plot(facts.weeks), "Lines in quarantine, of the lines of each week."))
    if labelled:
        plots.append((timelines.labels_plot(labelled), "Labels of the baskets in each week."))
    if facts.shifted:
        plot = timelines.shift_plot(facts.shifted, facts.limits.shift_index)
        weeks = facts.limits.trailing_weeks
        plots.append((plot, f"How far the column that moved most lies from the {weeks} weeks before."))
    return plots


def _shift_table(facts: IngestFacts) -> Table:
    names = list(next(iter(facts.shifted.values())))
    weeks = sorted(facts.shifted.items())
    rows = tuple((str(week), *(f"{columns[name].index:.3f}" for name in names)) for week, columns in weeks)
    caption = "Population stability index of each column against the trailing weeks"
    return Table(caption, ("week", *names), rows, numbers(len(names)))
