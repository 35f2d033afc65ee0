"""All figures of one model on baskets that it never saw: metrics, intervals, what simpler answers reach, and
importances."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retail_forecast.bundle.scorer import Bundle, Predictions
from retail_forecast.domain.labels import TIERS
from retail_forecast.kernel.lines import Baskets
from retail_forecast.models.bootstrap import Interval, basket_clusters, intervals
from retail_forecast.models.evaluation import evaluate
from retail_forecast.models.findings import CurvePoint, Leakage, Slice
from retail_forecast.models.importance import permutation_importance
from retail_forecast.models.pricing import assigned_tier, pricing_figures
from retail_forecast.models.slices import slice_figures

__all__ = ["Figures", "measure"]

_IMPORTANCE_BASKETS = 4000


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures on n baskets.

    Attributes
    ----------
    metrics : `Metrics.to_dict()` and `pricing.pricing_figures`
    intervals : by the names of `bootstrap.intervals`
    importance : loss of macro F1 per shuffled feature, largest first
    baskets : n
    slices : figures per kind of basket
    attributions : mean absolute SHAP value per feature, largest first; empty for learners that have none
    leakage : what the leakage guard found; None until it was asked
    curve : the learning curve; empty when it was not asked for
    agreement : of made labels with given ones (`pipeline.labelling`); None where the labels are given
    """

    metrics: dict[str, Any]
    intervals: dict[str, Interval]
    importance: dict[str, float]
    baskets: int
    slices: tuple[Slice, ...] = ()
    attributions: dict[str, float] = field(default_factory=dict)
    leakage: Leakage | None = None
    curve: tuple[CurvePoint, ...] = ()
    agreement: dict[str, Any] | None = None


def measure(
    bundle: Bundle,
    answers: Predictions,
    baskets: Baskets,
    label: NDArray[np.int8],
    rng: np.random.Generator,
    before: tuple[Baskets, NDArray[np.int8]],
) -> Figures:
    """Measure `bundle` by its `answers` for `baskets`, with their labels (positions in LABELS).

    Parameters
    ----------
    before : baskets that were there to learn from, and their labels: what simple rules of pricing learn from
    rng : of the bootstrap, the shuffles and the sample that the importances are taken on (4,000 baskets at most)
    """
    metrics = evaluate(label, answers.probabilities, answers.label).to_dict()
    metrics |= pricing_figures(*before, baskets, label, assigned_tier(answers.probabilities))
    bounds = intervals(label, answers.label, basket_clusters(baskets.customer.index), rng)
    tiers = np.flatnonzero(label < len(TIERS))
    sample = np.sort(rng.permutation(tiers)[:_IMPORTANCE_BASKETS])
    features = bundle.features(baskets.take(sample))
    importance = permutation_importance(
        lambda rows: bundle.score(rows) * bundle.manifest.weights[: len(TIERS)],
        features,
        label[sample],
        bundle.manifest.features,
        rng,
    )
    slices = slice_figures(baskets, label, answers.label)
    return Figures(metrics, bounds, importance, len(baskets), slices, bundle.attributions())
