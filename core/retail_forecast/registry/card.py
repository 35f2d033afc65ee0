"""The model card: what a model is for, what it learned from, how good it is, and where it ends.

A card is made of the record of its run and holds no figure of its own. Sections are addressed by their titles, so that
a report can take one and a test can look at one (the idea of skops' cards; the sections follow Mitchell et al., 2019,
"Model Cards for Model Reporting").
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from retail_forecast.domain.labels import LABELS, SENSITIVITIES, TIERS, LabelSource
from retail_forecast.domain.tasks import Task
from retail_forecast.models.slices import weakest
from retail_forecast.registry.record import RunRecord, Span

__all__ = ["card_sections", "render_card"]

_LOOKS_AT = {
    Task.BASKET: "all lines of a finished basket, with their products",
    Task.COARSE: "all lines of a finished basket: product groups, quantity and spend, hence unit price, and the store; "
    "no PROD_CODE",
    Task.ARRIVAL: "what is known before a basket begins: time, and the past of its customer, store, region, format",
    Task.FLAT: "nine columns of a basket: size, type, mission, spend, items, region, format, PROD_CODE_20, _30",
}

_NOT_FOR_CUSTOMERS = "Not for customers: the label is of a basket, and one customer has baskets of several labels."
_NOT_FOR_ARRIVAL = (
    "Not for an arriving customer: the basket must be finished, because its products are what is looked at."
)
_NOT_FOR_OTHERS = "Not for other retailers or product codes than those it was trained on."

_LIMITS = {
    Task.BASKET: (
        "The figures therefore say how well products were learned, not how customers behave.",
        "A product that training has not seen says nothing; a basket of such products alone is answered by the prior.",
        "A basket of only unclassified products is XX, and no other basket is.",
    ),
    Task.COARSE: (
        "A product is known by its group, unit price and store: those that share all three are told apart by chance.",
        "A change of prices makes keys unknown: watch the unknown share.",
    ),
    Task.ARRIVAL: (
        "What a customer will buy this time is not known: most of the label is open when the basket begins.",
        "A customer without a history is answered by store and time.",
        "The figures are those of a history that goes on with each delivered week; the bundle holds it as of the last "
        "week learned (held_history).",
    ),
    Task.FLAT: ("PROD_CODE is not among the columns looked at: the figures say how far one gets without it.",),
}

_LABELS = {
    LabelSource.GIVEN: "given, the label column of the tills",
    LabelSource.PRICE_TIERS: "made from the prices of products within their category",
    LabelSource.CUSTOMER_FILE: "made from a file of customers and their tiers",
}

_FIGURES_OF = {
    "test": "the test window, from which nothing was learned or chosen",
    "validation": "the validation window, as no later week was there; measured by a fit that stops before it",
    "parent": "the parent run's test window: this run is a refit of {parent} with the same settings on later weeks",
}


def card_sections(record: RunRecord, window_uses: int | None) -> dict[str, str]:
    """Sections of the card, by title, in order; each is Markdown.

    Parameters
    ----------
    record : run that the card is of
    window_uses : how many runs, itself included, took test figures from its test window (`runs.test_window_uses`);
        None where nobody can say
    """
    return {
        "Model": _model(record),
        "Use": _use(record.task),
        "Data": _data(record),
        "Figures": _figures(record),
        "Confusion": _confusion(record),
        "Weaknesses": _weaknesses(record),
        "Trials": _trials(record),
        "Limits": _limits(record, window_uses),
        "Making": _making(record),
    }


def render_card(record: RunRecord, window_uses: int | None) -> str:
    """The whole card as one Markdown document; parameters as in `card_sections`."""
    sections = card_sections(record, window_uses).items()
    parts = [f"# {record.run_id}", *(f"## {title}\n\n{text}" for title, text in sections)]
    return "\n\n".join(parts) + "\n"


def _model(record: RunRecord) -> str:
    return _list(
        f"Task: `{record.task}`",
        f"Learner: `{record.model}`",
        f"Trained: {record.created_at:%Y-%m-%d %H:%M} UTC",
        *([f"Bundle: `{record.bundle_digest}`"] if record.bundle_digest else []),
        *([f"Parent: `{record.parent}`"] if record.parent else []),
        f"Labels: {_LABELS[record.label_source]}",
        f"Decision rule: {_rule(record)}",
    )


def _rule(record: RunRecord) -> str:
    weights = record.settings.get("weights")
    if weights is None or len(set(weights)) == 1:
        return "the likeliest label"
    shown = ", ".join(f"{label} {weight:.2f}" for label, weight in zip(LABELS, weights, strict=True))
    return f"the likeliest label once probabilities are weighted ({shown}), for macro F1 as they foretell it"


def _use(task: Task) -> str:
    meaning = ", ".join(f"{label} = {SENSITIVITIES[label]}" for label in LABELS)
    return _list(
        f"Looks at {_LOOKS_AT[task]}.",
        f"Answers how sensitive to price the basket is: {meaning}.",
        _NOT_FOR_CUSTOMERS,
        *([_NOT_FOR_ARRIVAL] if task is not Task.ARRIVAL else []),
        _NOT_FOR_OTHERS,
    )


def _data(record: RunRecord) -> str:
    tables = ", ".join(f"{name} {version}" for name, version in sorted(record.data.tables.items()))
    names = ("train", "validation", "calibration", "test")
    rows = [(name, *_span(getattr(record.windows, name))) for name in names]
    return "\n\n".join(
        (
            _list(
                f"Lake state: {record.data.number} (table versions: {tables})",
                f"Source files: {len(record.data.sources)}",
                f"Baskets learned from: {record.train_baskets:,}",
                f"Baskets behind the figures: {record.test_baskets:,}",
            ),
            _table(("window", "first week", "last week", "weeks present"), rows),
        )
    )


def _span(span: Span | None) -> tuple[str, str, str]:
    return ("none", "none", "0") if span is None else (str(span.first), str(span.last), str(len(span.weeks)))


def _figures(record: RunRecord) -> str:
    names = ["accuracy", "macro_f1", "log_loss", "ece"]
    names += [f"{rate}.{tier}" for rate in ("precision", "recall", "f1") for tier in TIERS]
    rows = [
        (
            name,
            _figure(record.metrics, name),
            _interval(record, name),
            *(_figure(b, name) for b in record.baselines.values()),
        )
        for name in names
    ]
    with_xx = record.metrics["with_xx"]
    return "\n\n".join(
        (
            f"Of {_FIGURES_OF[record.metrics_from].format(parent=record.parent)}. Baskets labelled {', '.join(TIERS)}:",
            _table(("figure", "this model", "interval", *record.baselines), rows),
            "Intervals are drawn by bootstrap over customers, anonymous baskets one by one.",
            f"With XX as a fourth class: accuracy {with_xx['accuracy']:.4f}, macro F1 {with_xx['macro_f1']:.4f}.",
            *_pricing(record),
        )
    )


def _pricing(record: RunRecord) -> list[str]:
    """The pricing error; runs of earlier versions have none."""
    if "pricing_error" not in record.metrics:
        return []
    error, baseline = record.metrics["pricing_error"], record.metrics["pricing_baseline"]
    told = "" if record.task is Task.ARRIVAL else " Prices are set before a basket is finished: an upper bound."
    return [
        f"Pricing error: {error:.4f} tiers, {record.metrics['pricing_error_reduction']:.1%} below the best rule "
        f"without a model ({baseline['rule']}, {baseline['error']:.4f}).{told}"
    ]


def _figure(metrics: Mapping[str, Any], name: str) -> str:
    rate, _, tier = name.partition(".")
    value = metrics[rate][tier] if tier else metrics[rate]
    return f"{value:.4f}"


def _interval(record: RunRecord, name: str) -> str:
    found = record.intervals.get(name)
    return "" if found is None else f"{found.lower:.4f} to {found.upper:.4f} ({found.confidence:.0%})"


def _confusion(record: RunRecord) -> str:
    counts = record.metrics["confusion"]
    rows = [(tier, *(f"{counts[tier][label]:,}" for label in LABELS)) for tier in counts]
    return _table(("label", *(f"answered {label}" for label in LABELS)), rows)


def _weaknesses(record: RunRecord) -> str:
    """Figures per kind of basket, and with fewer weeks where that was measured."""
    if not record.slices:
        return "Figures per kind of basket were not taken for this run."
    least = weakest(record.slices)
    said = f"Weakest: {least.by} {least.value}, macro F1 {least.macro_f1:.4f}." if least else "All slices are small."
    slices = [(f"{s.by}: {s.value}", f"{s.n:,}", f"{s.accuracy:.4f}", f"{s.macro_f1:.4f}") for s in record.slices]
    curve = [(str(p.weeks), f"{p.baskets:,}", f"{p.accuracy:.4f}", f"{p.macro_f1:.4f}") for p in record.curve]
    parts = [said, _table(("baskets with", "baskets", "accuracy", "macro F1"), slices)]
    if curve:
        parts += ["After fewer weeks:", _table(("weeks", "baskets fitted on", "accuracy", "macro F1"), curve)]
    return "\n\n".join(parts)


def _trials(record: RunRecord) -> str:
    """Behaviour, and what the leakage guard found."""
    found = record.leakage
    if found is None or not record.behaviour:
        return "Neither leaks nor behaviour were looked at in this run."
    twin = found.twin
    rows = [(t.name, f"{t.cases:,}", f"{t.share:.4f}", f"{t.least:.4f}") for t in record.behaviour]
    return "\n\n".join(
        (
            _list(
                f"Leaks: {'; '.join(found.leaks) or 'none found'}",
                f"A split by lines at random would pretend macro F1 {twin.row_random:.4f}; whole baskets: "
                f"{twin.grouped:.4f}",
            ),
            _table(("what must hold", "baskets", "held for", "asked for"), rows),
        )
    )


def _limits(record: RunRecord, window_uses: int | None) -> str:
    known = "not known" if window_uses is None else window_uses
    uses = f"Runs that took figures from this test window, this one included: {known}."
    return _list(
        *_made_labels(record),
        *(["The label of a finished basket is decided by its products."] if record.task is not Task.ARRIVAL else []),
        *_LIMITS[record.task],
        "Figures hold for the weeks named above; labels drift slowly, so that later weeks must be watched.",
        *([uses] if record.windows.test is not None else []),
    )


def _made_labels(record: RunRecord) -> list[str]:
    """What labels made by a rule mean for the figures; nothing to say where they are given."""
    if record.label_source is LabelSource.GIVEN:
        return []
    said = f"Labels are not given but {_LABELS[record.label_source]}: figures say how well that rule was learned."
    if record.agreement is None:
        return [said, "The tills give no tiers, so that nobody knows how far the rule is right."]
    figures = "; ".join(f"{name} {_both(record.agreement[name])}" for name in ("model", "rule", "always_mm"))
    return [said, f"Agreement with the labels of the tills on the same baskets: {figures}."]


def _both(figures: Mapping[str, float]) -> str:
    return f"accuracy {figures['accuracy']:.4f}, macro F1 {figures['macro_f1']:.4f}"


def _making(record: RunRecord) -> str:
    phases = [(name, f"{seconds:.1f}") for name, seconds in record.seconds.items()]
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(record.libraries.items()))
    return "\n\n".join(
        (
            _list(
                f"Training cost {sum(record.seconds.values()):.1f} s{_means(record)}{_price(record)}",
                f"Seed: {record.seed}",
                f"Made with {libraries}",
            ),
            _table(("phase", "seconds"), phases),
        )
    )


def _means(record: RunRecord) -> str:
    """What the seconds were spent on; older records do not say."""
    if record.machine is None or record.peak_memory_mib is None:
        return ""
    machine = record.machine
    return f" on {machine.threads} threads of {machine.cpu}, and at most {record.peak_memory_mib:,} MiB of memory"


def _price(record: RunRecord) -> str:
    """What that cost, where the price of an hour was set."""
    return "" if record.cost_usd is None else f"; {record.cost_usd:.4f} USD by the price of an hour that was set"


def _list(*items: str) -> str:
    return "\n".join(f"- {item}" for item in items)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
