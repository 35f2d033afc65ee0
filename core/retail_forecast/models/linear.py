"""Logistic regression on standardised features, by scikit-learn."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from retail_forecast.models.examples import Features, Labels, complete
from retail_forecast.models.graphs import scikit_graph

__all__ = ["LOGISTIC", "fit_logistic"]

LOGISTIC: dict[str, Any] = {"C": 1.0, "solver": "newton-cholesky"}


def fit_logistic(
    features: Features,
    label: Labels,
    settings: Mapping[str, Any],
    seed: int,
    threads: int,  # noqa: ARG001 - one thread by nature
) -> bytes:
    """The fitted model as ONNX bytes; parameters as in `learners.Learner.train`."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(**settings, random_state=seed))
    # In single precision the Hessian of features that say nearly the same is singular.
    model.fit(features.astype(np.float64), complete(label))
    return scikit_graph(model, features.shape[1])
