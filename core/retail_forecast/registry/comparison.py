"""Candidate against champion, on baskets later than anything that either of them learned from."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.settings import GateSettings
from retail_forecast.models.bootstrap import PairedBound, paired_bound
from retail_forecast.registry.record import RunRecord

__all__ = ["Check", "Comparison", "compare", "comparison_checks", "comparison_weeks"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing the gate looked at, and what it found, in a sentence."""

    name: str
    passed: bool
    finding: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candidate and champion on the same baskets.

    Attributes
    ----------
    candidate, champion : run ids of the models whose answers were compared
    weeks : weeks of the baskets, ascending
    result : difference in macro F1 and its bound
    """

    candidate: str
    champion: str
    weeks: tuple[int, ...]
    result: PairedBound


def comparison_weeks(candidate: RunRecord, champion: RunRecord, present: NDArray[np.int32]) -> NDArray[np.int32]:
    """Weeks among `present` (YYYYWW, shape (w,)) that neither model learned anything from, because they are later."""
    return present[present > max(candidate.windows.last_learned_week, champion.windows.last_learned_week)]


def compare(
    candidate: tuple[str, NDArray[np.int8]],
    champion: tuple[str, NDArray[np.int8]],
    label: NDArray[np.int8],
    *,
    cluster: NDArray[np.int64],
    shop_week: NDArray[np.int32],
    settings: GateSettings,
    rng: np.random.Generator,
) -> Comparison:
    """Compare two models' answers to the same n baskets.

    Parameters
    ----------
    candidate, champion : run id and its answers, positions in LABELS, shape (n,)
    label, cluster, shop_week : true labels, clusters (see `basket_clusters`) and weeks YYYYWW, each of shape (n,)
    settings : confidence and draws of the bound
    rng : source of the draws

    Raises
    ------
    DataError : no basket is labelled LA, MM or UM
    """
    bound = paired_bound(
        label, candidate[1], champion[1], cluster, rng, draws=settings.draws, confidence=settings.confidence
    )
    return Comparison(candidate[0], champion[0], tuple(np.unique(shop_week).tolist()), bound)


def comparison_checks(
    candidate: RunRecord, champion: RunRecord, comparison: Comparison | None, settings: GateSettings
) -> Iterator[Check]:
    """What speaks for and against `candidate` beside `champion`; a check that makes the later ones void ends the list.

    Parameters
    ----------
    candidate, champion : runs of the two models
    comparison : of the two; None when there is no basket to compare them on
    settings : margin, confidence, draws and the baskets needed
    """
    learned = max(candidate.windows.last_learned_week, champion.windows.last_learned_week)
    if candidate.run_id == champion.run_id:
        yield Check("pair", False, f"{candidate.run_id} is the champion already: nothing to compare it with")
        return
    if comparison is None:
        finding = f"no labelled basket is later than week {learned}, up to which the two models learned"
        yield Check("window", False, finding)
        return
    if (comparison.candidate, comparison.champion) != (candidate.run_id, champion.run_id):
        finding = f"the comparison is of {comparison.candidate} with {comparison.champion}, not of these two models"
        yield Check("pair", False, finding)
        return
    yield _window(comparison, learned)
    yield _enough(comparison.result.baskets, settings.minimum_baskets)
    yield _not_worse(comparison.result, champion.run_id, settings)


def _window(comparison: Comparison, learned: int) -> Check:
    first, last = comparison.weeks[0], comparison.weeks[-1]
    if first <= learned:
        finding = f"the comparison starts in week {first}, but a model learned from weeks up to {learned}"
        return Check("window", False, finding)
    return Check("window", True, f"compared on weeks {first} to {last}, later than anything learned from")


def _enough(baskets: int, minimum: int) -> Check:
    return Check("baskets", baskets >= minimum, f"{baskets} baskets to compare on, {minimum} are needed")


def _not_worse(result: PairedBound, champion: str, settings: GateSettings) -> Check:
    if (result.confidence, result.draws) != (settings.confidence, settings.draws):
        return Check("difference", False, "the bound was drawn with other settings than those in force")
    passed = result.bound >= -settings.margin
    bound = f"lower bound {result.bound:+.4f} is {'not below' if passed else 'below'} {-settings.margin:+.4f}"
    return Check("difference", passed, f"macro F1 differs by {result.difference:+.4f} from {champion}; its {bound}")
