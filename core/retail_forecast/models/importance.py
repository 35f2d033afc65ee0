"""Permutation importance: how much macro F1 is lost when one feature is shuffled among the baskets (Breiman, 2001,
"Random Forests", section 10, with macro F1 as the figure)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.labels import TIERS
from retail_forecast.models.confusion import confusion_counts, rates

__all__ = ["permutation_importance"]


def permutation_importance(
    score: Callable[[NDArray[np.float32]], NDArray[np.float64]],
    features: NDArray[np.float32],
    label: NDArray[np.int8],
    names: tuple[str, ...],
    rng: np.random.Generator,
) -> dict[str, float]:
    """Loss of macro F1 for each feature, largest first.

    Parameters
    ----------
    score : features (n, f) -> probabilities of the tiers (n, 3), weighted by the decision rule
    features, label : n baskets labelled LA, MM or UM, positions in TIERS
    names : of the f features
    rng : of the shuffles
    """
    whole = _macro_f1(score(features), label)
    losses = {}
    for column, name in enumerate(names):
        shuffled = features.copy()
        shuffled[:, column] = rng.permutation(shuffled[:, column])
        losses[name] = whole - _macro_f1(score(shuffled), label)
    return dict(sorted(losses.items(), key=lambda item: -item[1]))


def _macro_f1(probabilities: NDArray[np.float64], label: NDArray[np.int8]) -> float:
    answers = probabilities.argmax(axis=1).astype(np.int8)
    return float(rates(confusion_counts(label, answers, len(TIERS))).macro_f1)
