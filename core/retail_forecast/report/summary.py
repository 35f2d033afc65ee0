"""The summary: whether the model is the champion and why, and its headline figures beside what they must beat."""

from dataclasses import dataclass
from typing import Literal

import msgspec

from retail_forecast.domain.labels import TIERS, LabelSource
from retail_forecast.domain.tasks import Task
from retail_forecast.registry.champion import Champion
from retail_forecast.registry.gate import Decision
from retail_forecast.registry.record import RunRecord
from retail_forecast.registry.refusals import Refusal
from retail_forecast.report.data import ReportData
from retail_forecast.report.wording import (
    Table,
    baseline_name,
    count,
    figure,
    interval,
    lookup,
    metric_name,
    moment,
    numbers,
)

__all__ = ["Headline", "Verdict", "figures_of", "headline_table", "headlines", "refusal_table", "verdict"]

_MADE_LABELS = "Labels are not given but made by a rule, so that the figures say how well the rule was learned."
_PRECISIONS = tuple(f"precision.{tier}" for tier in TIERS)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the model answers.

    Attributes
    ----------
    state : how it stands
    sentence : the verdict
    reasons : findings of the gate
    """

    state: Literal["champion", "refused", "waiting"]
    sentence: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Headline:
    """One figure, large.

    Attributes
    ----------
    name, value, interval : the figure
    target : its target and whether it is reached; empty for a task without one
    reached : None where there is no target
    beside : the same figure of simpler answers
    """

    name: str
    value: str
    interval: str
    target: str
    reached: bool | None
    beside: str


def verdict(data: ReportData) -> Verdict:
    """How the run of the report stands, and what the gate found."""
    in_force = data.champion is not None and data.champion.run_id == data.record.run_id
    decision = data.decision
    if decision is None and in_force and data.champion is not None:
        decision = msgspec.convert(data.champion.decision, Decision)
    reasons = decision.reasons if decision else ("No decision of the gate on this model is on record.",)
    if in_force and data.champion is not None:
        return Verdict("champion", _in_force(data.champion, decision), reasons)
    answers = _who_answers(data.champion, data.record.task)
    if decision is None or decision.promoted:
        passed = "It was not promoted" if decision is None else "The gate let it pass, but it is not in force"
        return Verdict("waiting", f"Not the champion. {passed}. {answers}", reasons)
    return Verdict("refused", f"Refused by the gate. {answers}", reasons)


def figures_of(record: RunRecord) -> str:
    """Which baskets the figures are of, and by which labels, in a sentence or two."""
    return _baskets_of(record) + ("" if record.label_source is LabelSource.GIVEN else f" {_MADE_LABELS}")


def _baskets_of(record: RunRecord) -> str:
    baskets = f"{count(record.test_baskets)} baskets, {count(record.metrics['n'])} of them labelled LA, MM or UM,"
    test, validation = record.windows.test, record.windows.validation
    if record.metrics_from == "test" and test is not None:
        return (
            f"Figures are of {baskets} in the {len(test.weeks)} test weeks {test.first} to {test.last}, "
            "from which nothing was learned or chosen."
        )
    if record.metrics_from == "validation" and validation is not None:
        return (
            f"Figures are of {baskets} in the validation weeks {validation.first} to {validation.last}, as no "
            "later week was there. They flatter as far as settings were chosen on these weeks."
        )
    return f"Figures are of its parent {record.parent}, on {baskets} as this run is a refit with the same settings."


def headlines(data: ReportData) -> tuple[Headline, ...]:
    """Accuracy, macro F1 and the lowest precision."""
    lowest = min(_PRECISIONS, key=lambda key: lookup(data.record.metrics, key))
    return tuple(_headline(data, key) for key in ("accuracy", "macro_f1", lowest))


def headline_table(data: ReportData) -> Table:
    """The figures that have targets, beside those of simpler answers."""
    record = data.record
    keys = ("accuracy", "macro_f1", *_PRECISIONS)
    rows = [
        (
            metric_name(key),
            figure(lookup(record.metrics, key)),
            interval(record.intervals.get(key)),
            *(figure(lookup(metrics, key)) for metrics in record.baselines.values()),
            _target_cell(data, key),
        )
        for key in keys
    ]
    others = tuple(baseline_name(name) for name in record.baselines)
    return Table(
        "Headline figures over baskets labelled LA, MM or UM",
        ("figure", "this model", f"{_confidence(record)} interval", *others, "target"),
        tuple(rows),
        numbers(3 + len(others)),
    )


def refusal_table(refusals: tuple[Refusal, ...]) -> Table:
    """What the gate has refused, the newest first."""
    rows = tuple(
        (moment(entry.when), entry.run_id, "; ".join(entry.reasons), entry.who, entry.why)
        for entry in reversed(refusals)
    )
    header = ("when", "run", "what the gate found", "asked by", "for")
    return Table("Runs that the gate refused for this task", header, rows, ("word", "code", "word", "word", "word"))


def _headline(data: ReportData, key: str) -> Headline:
    record, target = data.record, _target(data, key)
    value = lookup(record.metrics, key)
    reached = None if target is None else value >= target
    word = "reached" if reached else "missed"
    return Headline(
        name=f"Lowest precision: {metric_name(key).partition(', ')[2]}" if "." in key else metric_name(key),
        value=figure(value),
        interval=f"{_confidence(record)} interval {interval(record.intervals.get(key))}",
        target="" if target is None else f"Target {figure(target)}: {word}",
        reached=reached,
        beside="Beside it: "
        + ", ".join(f"{baseline_name(n)} {figure(lookup(m, key))}" for n, m in record.baselines.items()),
    )


def _target(data: ReportData, key: str) -> float | None:
    if data.record.task is not Task.BASKET:
        return None
    return float(getattr(data.floors, key.partition(".")[0]))


def _target_cell(data: ReportData, key: str) -> str:
    target = _target(data, key)
    return "none" if target is None else figure(target)


def _confidence(record: RunRecord) -> str:
    levels = sorted({found.confidence for found in record.intervals.values()})
    return " / ".join(f"{100 * level:g} %" for level in levels) or "confidence"


def _in_force(champion: Champion, decision: Decision | None) -> str:
    how = "promoted" if champion.action == "promote" else "put back in force"
    sentence = f"Champion. It answers for task {champion.task}: {how} on {moment(champion.when)} by {champion.who}"
    override = decision.override if decision else None
    over = f" The gate was overridden by {override.who}: {override.reason}." if override else ""
    return f"{sentence} ({champion.why}).{over}"


def _who_answers(champion: Champion | None, task: Task) -> str:
    if champion is None:
        return f"No model is in force for task {task}, so nothing answers."
    return f"In force is {champion.run_id}, since {moment(champion.when)}."
