"""Data quality: what was read, what was put aside and why, what the lake holds, and which weeks are missing."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from retail_forecast.domain.calendar import add_weeks, date_of_week, missing_weeks
from retail_forecast.domain.labels import LABELS
from retail_forecast.lake.rules import RULES
from retail_forecast.monitoring.drift import STABLE, UNSTABLE, stability_index
from retail_forecast.report.data import LakeFacts, WeekFacts
from retail_forecast.report.wording import Kind, Table, count, figure, numbers, share

__all__ = [
    "holdings",
    "ingest_table",
    "label_drift",
    "reason_table",
    "refused_table",
    "week_ranges",
    "week_table",
]

_TEXTS = {rule.code: rule.text for rule in RULES}


def label_drift(weeks: Mapping[int, WeekFacts], learned: Sequence[int], last_learned: int) -> str:
    """How far the labels of the weeks after `last_learned` have moved from those learned from, in a sentence."""
    reference = _labels(weeks[week] for week in learned if week in weeks)
    later = [week for week in weeks if week > last_learned]
    current = _labels(weeks[week] for week in later)
    if not (reference.total() and current.total()):
        return ""
    index = stability_index(reference, current)
    reading = "which is no drift to act on" if index < STABLE else "which calls for a look at the tills"
    reading = "which calls for training again" if index >= UNSTABLE else reading
    return (
        f"Between the weeks learned from and the {count(len(later))} weeks after them the mix of labels moved by a "
        f"population stability index of {figure(index)}, {reading}."
    )


def week_ranges(weeks: Sequence[int]) -> str:
    """Weeks in words, neighbours joined.

    >>> week_ranges([200650, 200651, 200652, 200701, 200705])
    '200650 to 200701, 200705'
    """
    runs: list[list[int]] = []
    for week in sorted(weeks):
        if runs and add_weeks(runs[-1][-1], 1) == week:
            runs[-1].append(week)
        else:
            runs.append([week])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs)


def holdings(weeks: Mapping[int, WeekFacts]) -> str:
    """What the lake holds, in sentences."""
    if not weeks:
        return "The lake holds no week yet."
    lines, aside = (sum(getattr(week, name) for week in weeks.values()) for name in ("lines", "quarantined"))
    baskets = sum(week.baskets for week in weeks.values())
    first, last = min(weeks), max(weeks)
    absent = missing_weeks(weeks)
    gaps = (
        f"No file came for {'week' if len(absent) == 1 else 'weeks'} {week_ranges(absent)}."
        if absent
        else "No week between them is missing."
    )
    held = (
        f"{count(aside)} lines, {share(aside, lines + aside)} of all, lie in quarantine: not used, and not lost."
        if aside
        else "None of the lines is in quarantine."
    )
    return (
        f"The lake holds {count(baskets)} baskets with {count(lines)} lines, of {count(len(weeks))} weeks from {first} "
        f"(starting {date_of_week(first)}) to {last} (starting {date_of_week(last)}). {gaps} {held}"
    )


def ingest_table(facts: LakeFacts) -> Table:
    """One row for each ingest call."""
    rows = [
        (
            f"state {report['state']}" if report.get("state") is not None else "no state",
            *(count(report[name]) for name in ("files", "rows_read", "rows_silver", "rows_quarantined", "baskets")),
            count(len(report["refused"])),
        )
        for report in facts.ingests
    ]
    header = ("lake after", "files taken in", "lines read", "accepted", "in quarantine", "baskets", "files refused")
    return Table("Ingest calls, oldest first", header, tuple(rows), numbers(6))


def reason_table(facts: LakeFacts) -> Table | None:
    """Why lines were put aside; None when none was."""
    reasons: Counter[str] = Counter()
    for report in facts.ingests:
        reasons.update(report.get("reasons", {}))
    if not reasons:
        return None
    aside = sum(report["rows_quarantined"] for report in facts.ingests)
    ranked = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    rows = tuple((code, _TEXTS.get(code, ""), count(n), share(n, aside)) for code, n in ranked)
    header = ("reason", "rule that the line breaks", "lines", "of quarantined lines")
    return Table("Reasons for quarantine; a line can have several", header, rows, ("code", "word", "number", "number"))


def refused_table(facts: LakeFacts) -> Table | None:
    """Files that were left where they are; None when there is none."""
    refused = [r for report in facts.ingests for r in report["refused"]]
    rows = tuple((r["file"], r["code"], r["reason"], r.get("mend", "")) for r in refused)
    header = ("file", "code", "why", "what to do")
    kinds: tuple[Kind, ...] = ("word", "code", "word", "word")
    return Table("Refused files; each stays where it was", header, rows, kinds) if rows else None


def week_table(weeks: Mapping[int, WeekFacts]) -> Table:
    """One row a week."""
    rows = tuple(
        (
            str(week),
            str(date_of_week(week)),
            count(facts.baskets),
            count(facts.lines),
            count(facts.quarantined),
            *(share(facts.labels.get(label, 0), sum(facts.labels.values())) for label in LABELS),
        )
        for week, facts in sorted(weeks.items())
    )
    header = ("week", "starts", "baskets", "lines", "in quarantine", *LABELS)
    return Table("Weeks in the lake, with the shares of their baskets' labels", header, rows, numbers(8))


def _labels(weeks: Iterable[WeekFacts]) -> Counter[str]:
    return sum((Counter(week.labels) for week in weeks), Counter())
