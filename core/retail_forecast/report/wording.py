"""How the report writes numbers, times and names, and the table that every section is made of."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from retail_forecast.domain.labels import LABELS, SENSITIVITIES, Label
from retail_forecast.models.bootstrap import Interval

__all__ = [
    "METRICS",
    "Kind",
    "Table",
    "baseline_name",
    "count",
    "figure",
    "interval",
    "label_name",
    "lookup",
    "metric_name",
    "moment",
    "numbers",
    "share",
]

METRICS = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro F1",
    "log_loss": "Log loss [nats]",
    "ece": "Expected calibration error",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
    "pricing_error": "Pricing error [tiers]",
    "pricing_error_reduction": "Pricing error below the best rule without a model [share]",
}
"""Names of the figures by their keys in a record, in the order of their weight."""

_BASELINES = {
    "always_mm": "always MM",
    "flat": "nine columns",
    "likeliest": "this model, likeliest label",
    "held_history": "this model, history as of its last week",
    "with_segments": "this learner, with segments",
    "without_segments": "this learner, without segments",
}

Kind = Literal["word", "number", "code"]


@dataclass(frozen=True, slots=True)
class Table:
    """One table; the first column names the row.

    Attributes
    ----------
    caption : what it shows
    header : titles of the columns
    rows : cells as text
    kinds : of each column: words, right-aligned numbers, or codes
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    kinds: tuple[Kind, ...]


def numbers(columns: int) -> tuple[Kind, ...]:
    """Kinds of a table whose first column is words, and the others, `columns` of them, numbers."""
    number: Kind = "number"
    return ("word", *[number] * columns)


def figure(value: float) -> str:
    """A metric, to four decimals.

    >>> figure(0.5)
    '0.5000'
    """
    return f"{value:.4f}"


def count(value: int) -> str:
    """A whole number, with separators of thousands.

    >>> count(2676334)
    '2,676,334'
    """
    return f"{value:,}"


def share(part: float, whole: float) -> str:
    """`part` of `whole` in per cent, to one decimal; of nothing, a dash.

    >>> share(1, 3), share(0, 0)
    ('33.3 %', '–')
    """
    return f"{100 * part / whole:.1f} %" if whole else "–"


def interval(found: Interval | None) -> str:
    """An interval, or that none was drawn."""
    return "not drawn" if found is None else f"{figure(found.lower)} to {figure(found.upper)}"


def moment(time: datetime) -> str:
    """A time in UTC, to the minute.

    >>> moment(datetime(2026, 11, 22, 15, 27, tzinfo=UTC))
    '2026-11-22 15:27 UTC'
    """
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def metric_name(key: str) -> str:
    """Name of a metric by its key in the record, such as `macro_f1` or `precision.LA`."""
    name, _, label = key.partition(".")
    words = METRICS.get(name, name)
    return f"{words}, {label_name(label)}" if label else words


def baseline_name(key: str) -> str:
    """Name of a simpler answer by its key in the record."""
    return _BASELINES.get(key, key)


def label_name(label: str) -> str:
    """A label with what it means.

    >>> label_name("LA")
    'LA (High)'
    """
    return f"{label} ({SENSITIVITIES[Label(label)]})" if label in LABELS else label


def lookup(metrics: dict[str, Any], key: str) -> float:
    """A figure of `Metrics.to_dict()` by its key, such as `accuracy` or `f1.UM`."""
    name, _, label = key.partition(".")
    return float(metrics[name][label] if label else metrics[name])
