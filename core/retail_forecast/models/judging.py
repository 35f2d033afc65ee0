"""A model judged on baskets that it did not learn from, as tuning and jobs judge it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from retail_forecast.kernel.lines import Baskets
from retail_forecast.models.deciding import WEIGHTED_TASKS, choose_weights
from retail_forecast.models.evaluation import Metrics, evaluate
from retail_forecast.models.fitting import Fitted, calibrated

__all__ = ["judged"]


def judged(fitted: Fitted, baskets: Baskets, label: NDArray[np.int8], threads: int) -> Metrics:
    """Figures of `fitted` on n baskets and their labels (positions in LABELS, shape (n,)), by the decision rule of the
    task: where that is one of weights, it is chosen on the same baskets, which therefore flatter it."""
    if fitted.task in WEIGHTED_TASKS:
        even = calibrated(fitted, baskets, label)
        fitted = replace(even, weights=choose_weights(even.bundle(threads).predict(baskets).probabilities))
    answers = fitted.bundle(threads).predict(baskets)
    return evaluate(label, answers.probabilities, answers.label)
