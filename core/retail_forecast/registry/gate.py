"""The gate: whether a candidate may become champion. `decide` is pure, and returns what it judged by.

What would make any figure worthless comes first: a leak, or behaviour that is wrong whatever the figures are. Then come
floors: those of the settings for task `basket`, and for any other task macro F1 above the baseline at its
lower bound. Beside a champion the candidate must not be worse: the one-sided lower bound of the difference in macro F1
must reach minus the margin, on baskets later than anything either model learned from. An override needs a name and a
reason; the checks that failed stay on record.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.labels import TIERS, LabelSource
from retail_forecast.domain.settings import Floors, GateSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.registry.comparison import Check, Comparison, comparison_checks
from retail_forecast.registry.record import RunRecord

__all__ = ["Decision", "Override", "decide"]

_BASELINE = "always_mm"


@dataclass(frozen=True, slots=True)
class Override:
    """Somebody's decision against the gate's.

    Raises
    ------
    UsageError : the name or the reason is missing
    """

    who: str
    reason: str

    def __post_init__(self) -> None:
        if not (self.who.strip() and self.reason.strip()):
            raise UsageError("an override needs a name and a reason", mend="say who overrides the gate, and why")


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gate said.

    Attributes
    ----------
    candidate, champion : run ids of the models it is about; champion is None when there was none
    promoted : all checks passed, or somebody overrode those that did not
    reasons : findings of the checks that failed; of all checks when none did
    evidence : checks, figures, windows and settings behind the decision, as plain values
    override : who stood in for the checks that failed
    """

    candidate: str
    champion: str | None
    promoted: bool
    reasons: tuple[str, ...]
    evidence: dict[str, Any]
    override: Override | None = None


def decide(
    candidate: RunRecord,
    settings: GateSettings,
    *,
    champion: RunRecord | None = None,
    comparison: Comparison | None = None,
    override: Override | None = None,
) -> Decision:
    """Judge `candidate`.

    Parameters
    ----------
    candidate : run to promote
    settings : floors, margin and what a comparison needs
    champion : run of the model in place; None when there is none, then floors alone decide
    comparison : of candidate and champion; None when no later basket is there to compare them on
    override : promotes whatever the checks find
    """
    checks = [_unseen_figures(candidate), _no_leak(candidate), _sound_behaviour(candidate)]
    checks += [*_made_labels(candidate), *_floors(candidate, settings)]
    if champion is not None:
        checks += comparison_checks(candidate, champion, comparison, settings)
    failed = [check.finding for check in checks if not check.passed]
    evidence = {
        "checks": [asdict(check) for check in checks],
        "candidate": _figures(candidate),
        "champion": None if champion is None else _figures(champion),
        "comparison": None if comparison is None else asdict(comparison),
        "settings": settings.model_dump(),
    }
    reasons = tuple(failed or [check.finding for check in checks])
    return Decision(
        candidate=candidate.run_id,
        champion=None if champion is None else champion.run_id,
        promoted=not failed or override is not None,
        reasons=reasons,
        evidence=evidence,
        override=override if failed else None,
    )


def _unseen_figures(run: RunRecord) -> Check:
    """Whether the figures are of weeks that the model did not learn from."""
    test = run.windows.test
    if run.metrics_from == "parent":
        return Check("figures", True, f"figures are those of its parent {run.parent}")
    if run.metrics_from == "validation" or test is None:
        return Check("figures", True, "figures are of the validation window: there was no later week")
    learned = run.windows.last_learned_week
    if test.first <= learned:
        finding = f"its test window starts in week {test.first}, but it learned from weeks up to {learned}"
        return Check("figures", False, finding)
    return Check("figures", True, f"figures are of weeks {test.first} to {test.last}, learned up to week {learned}")


def _no_leak(run: RunRecord) -> Check:
    """What the leakage guard found; a run that it was not asked about may leak."""
    found = run.leakage
    if found is None:
        return Check("leakage", False, "the leakage guard was not asked about this run: train again")
    if found.leaks:
        return Check("leakage", False, "it leaks: " + "; ".join(found.leaks))
    looked = f"{found.learned} baskets learned from and {found.held_out} held out"
    return Check("leakage", True, f"the leakage guard found nothing in {looked}")


def _sound_behaviour(run: RunRecord) -> Check:
    if not run.behaviour:
        return Check("behaviour", False, "its behaviour was not tried: train again")
    failed = [f"{t.name} ({t.share:.1%}, at least {t.least:.0%})" for t in run.behaviour if not t.passed]
    if failed:
        return Check("behaviour", False, "its behaviour is wrong, this does not hold: " + "; ".join(failed))
    return Check("behaviour", True, f"it passed {len(run.behaviour)} trials of its behaviour")


def _made_labels(run: RunRecord) -> Iterator[Check]:
    """Says of figures by made labels what they are; they count, for a retailer without labels has no others."""
    if run.label_source is not LabelSource.GIVEN:
        yield Check("labels", True, f"labels are {run.label_source}: figures say how well that rule was learned")


def _floors(run: RunRecord, settings: GateSettings) -> Iterator[Check]:
    if run.task is Task.BASKET:
        yield from _fixed_floors(run.metrics, settings.basket)
        return
    bound, baseline = run.intervals["macro_f1"].bound, run.baselines[_BASELINE]["macro_f1"]
    passed = bound > baseline
    word = "above" if passed else "not above"
    yield Check("baseline", passed, f"macro F1 is at least {bound:.4f}, {word} the {baseline:.4f} of {_BASELINE}")


def _fixed_floors(metrics: dict[str, Any], floors: Floors) -> Iterator[Check]:
    figures = [("accuracy", metrics["accuracy"], floors.accuracy), ("macro F1", metrics["macro_f1"], floors.macro_f1)]
    figures += [(f"precision of {tier}", metrics["precision"][tier], floors.precision) for tier in TIERS]
    for name, value, floor in figures:
        passed = value >= floor
        word = "reaches" if passed else "is below"
        yield Check(name, passed, f"{name} {value:.4f} {word} its floor of {floor:.4f}")


def _figures(run: RunRecord) -> dict[str, Any]:
    names = ("accuracy", "macro_f1", "precision")
    return {
        "run_id": run.run_id,
        "last_learned_week": run.windows.last_learned_week,
        "metrics_from": run.metrics_from,
        **{name: run.metrics[name] for name in names},
    }
