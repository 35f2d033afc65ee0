"""Where the model comes from, with the digests that prove it, and how its figures were measured."""

from collections.abc import Iterator
from dataclasses import dataclass

from retail_forecast.domain.tasks import Task
from retail_forecast.registry.card import card_sections
from retail_forecast.registry.record import RunRecord, Span, Windows
from retail_forecast.report.data import ReportData
from retail_forecast.report.wording import Table, count, figure, moment

__all__ = [
    "Step",
    "chain",
    "deviations",
    "library_table",
    "limits",
    "phase_table",
    "source_table",
    "window_table",
    "window_uses",
]

_LEARNED = {
    "train": "product leanings and the weights of the model",
    "validation": "settings, where any are chosen; then the same as in training",
    "calibration": "the temperature and the noise that make probabilities honest",
    "test": "nothing: the figures are taken here",
}


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the chain.

    Attributes
    ----------
    title, name : what kind of thing it is, and which one
    facts : terms and what is to be said of them
    digest : sha256 of it, empty where it has none
    """

    title: str
    name: str
    facts: tuple[tuple[str, str], ...]
    digest: str = ""


def chain(data: ReportData) -> tuple[Step, ...]:
    """The chain from files to the model in force."""
    record = data.record
    tables = ", ".join(f"{name} {version}" for name, version in sorted(record.data.tables.items()))
    weeks = sorted({week for _, span in _spans(record.windows) if span for week in span.weeks})
    held = f"{count(len(weeks))}, {weeks[0]} to {weeks[-1]}"
    trained = [("task", str(record.task)), ("learner", record.model), ("trained", moment(record.created_at))]
    trained += [("seed", str(record.seed)), ("learned from", f"{count(record.train_baskets)} baskets")]
    if record.parent:
        trained.append(("refit of", record.parent))
    return (
        Step("Till files", f"{count(len(record.data.sources))} files", (("weeks", held),)),
        Step("Lake", f"state {record.data.number}", (("table versions", tables or "none named"),)),
        Step("Run", record.run_id, tuple(trained)),
        Step("Bundle", "the model as files", (("holds", "ONNX graph, lookup tables, card"),), record.bundle_digest),
        _in_force(data),
    )


def source_table(record: RunRecord) -> Table:
    """The source files and their digests."""
    rows = tuple(sorted((name, digest) for digest, name in record.data.sources.items()))
    return Table("Files that the run has read", ("file", "sha256"), rows, ("word", "code"))


def window_table(windows: Windows) -> Table:
    """The windows in time order, and what was learned in each."""
    rows = tuple(
        (name, str(span.first), str(span.last), count(len(span.weeks)), _LEARNED[name])
        if span
        else (name, "none", "none", "0", "the run did without")
        for name, span in _spans(windows)
    )
    header = ("window", "first week", "last week", "weeks present", "what was learned there")
    return Table("Windows of weeks, in time order", header, rows, ("word", "number", "number", "number", "word"))


def window_uses(data: ReportData) -> str:
    """How often the test window was used, in a sentence."""
    if data.record.windows.test is None:
        return "This run has no test window of its own."
    times = "once" if data.window_uses == 1 else f"{count(data.window_uses)} times"
    return (
        f"The test window has been used for figures {times}, this run included. Each use makes it a little less of a "
        "surprise: choose among models by the validation window, and let later weeks confirm."
    )


def limits(record: RunRecord, uses: int) -> tuple[str, ...]:
    """What the model is not for and where its figures end, as its card says."""
    sections = card_sections(record, uses)
    return tuple(line.removeprefix("- ") for title in ("Use", "Limits") for line in sections[title].splitlines())


def deviations(record: RunRecord) -> tuple[str, ...]:
    """Where the measurement departs from the specification, and why."""
    flat = record.baselines.get("flat")
    reached = f" (accuracy {figure(flat['accuracy'])} on the same baskets)" if flat else ""
    products = (
        "The specification names nine columns; this model also looks at which products are in the basket, which decide "
        f"its label. A model of the nine columns alone stands beside it{reached}."
    )
    return (
        *([products] if record.task is Task.BASKET else []),
        "Baskets are split by time, not at random: a random split of lines has one basket on both sides, and flatters.",
        "The main figures leave baskets labelled XX out, and are given again with them: XX is unclassified, no tier.",
        "LA is read as High sensitivity, MM as Medium and UM as Low: LA are the less affluent, who watch prices.",
    )


def phase_table(record: RunRecord) -> Table:
    """Wall time of each phase of the run."""
    rows = tuple((name, f"{seconds:.1f}") for name, seconds in record.seconds.items())
    return Table("Time that the run took", ("phase", "seconds"), rows, ("word", "number"))


def library_table(record: RunRecord) -> Table:
    """Versions of the libraries behind the model."""
    return Table("Libraries", ("library", "version"), tuple(sorted(record.libraries.items())), ("word", "code"))


def _in_force(data: ReportData) -> Step:
    champion = data.champion
    if champion is None:
        return Step("In force", "no model", (("why", "no run has been promoted for this task"),))
    facts = (("since", moment(champion.when)), ("by", champion.who), ("run", champion.run_id))
    mine = champion.bundle_digest == data.record.bundle_digest
    name = f"version {champion.version}, {'this bundle' if mine else 'another bundle'}"
    return Step("In force", name, facts, champion.bundle_digest)


def _spans(windows: Windows) -> Iterator[tuple[str, Span | None]]:
    for name in ("train", "validation", "calibration", "test"):
        yield name, getattr(windows, name)
