"""The learners, behind one interface: fit on features, then leave as ONNX.

Each trains deterministically from its seed (for the same versions, processor and thread count) and takes its input in
the order of the task's feature names. The ONNX graph has one float input (n, features) and, as its last output,
probabilities (n, 3) in the order of TIERS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.labels import TIERS

__all__ = ["LEARNERS", "Learner", "learner"]

_OPSET = 15

Features = NDArray[np.float32]
Labels = NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Learner:
    """One kind of model.

    Attributes
    ----------
    name : as the command line knows it
    settings : its hyperparameters
    train : features (n, f), labels (n,) of positions in TIERS, settings, seed, threads -> the model as ONNX bytes
    """

    name: str
    settings: Mapping[str, Any]
    train: Callable[[Features, Labels, Mapping[str, Any], int, int], bytes]

    def fit(self, features: Features, label: Labels, seed: int, threads: int) -> bytes:
        """The model learned from n rows of features and their labels, with the learner's settings, as ONNX bytes."""
        return self.train(features, label, self.settings, seed, threads)


def learner(name: str, overrides: Mapping[str, Any] | None = None) -> Learner:
    """The learner called `name`, with `overrides` in the place of its own settings of these names.

    Raises
    ------
    UsageError : there is none of that name, or it has no setting of a name in `overrides`
    """
    if name not in LEARNERS:
        raise UsageError(f"no model is called {name!r}", where="--model", mend=f"choose one of {', '.join(LEARNERS)}")
    chosen = LEARNERS[name]
    unknown = sorted(set(overrides or {}) - set(chosen.settings))
    if unknown:
        raise UsageError(
            f"{name} has no setting {', '.join(unknown)}",
            where=name,
            mend=f"it has {', '.join(sorted(chosen.settings))}",
        )
    return replace(chosen, settings={**chosen.settings, **(overrides or {})})


_XGBOOST: dict[str, Any] = {
    "n_estimators": 100,
    "max_depth": 6,
    "learning_rate": 0.2,
    "subsample": 0.8,
    "tree_method": "hist",
}
_LOGISTIC: dict[str, Any] = {"C": 1.0, "solver": "newton-cholesky"}


def _fit_xgboost(features: Features, label: Labels, settings: Mapping[str, Any], seed: int, threads: int) -> bytes:
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType
    from xgboost import XGBClassifier

    model = XGBClassifier(**settings, random_state=seed, n_jobs=threads or None)
    model.fit(features, _complete(label))
    graph = convert_xgboost(
        model, initial_types=[("features", FloatTensorType([None, features.shape[1]]))], target_opset=_OPSET
    )
    return bytes(graph.SerializeToString())


def _fit_logistic(
    features: Features,
    label: Labels,
    settings: Mapping[str, Any],
    seed: int,
    threads: int,  # noqa: ARG001 - one thread by nature
) -> bytes:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(**settings, random_state=seed))
    model.fit(features, _complete(label))
    graph = convert_sklearn(
        model,
        initial_types=[("features", FloatTensorType([None, features.shape[1]]))],
        target_opset=_OPSET,
        options={id(model): {"zipmap": False}},
    )
    return bytes(graph.SerializeToString())


def _complete(label: Labels) -> Labels:
    """The labels, once it is sure that every tier occurs: the graph's columns are the tiers by position."""
    absent = sorted(set(range(len(TIERS))) - set(np.unique(label).tolist()))
    if absent:
        raise UsageError(
            f"no training basket is labelled {', '.join(TIERS[i] for i in absent)}",
            where="training weeks",
            mend="train on more weeks, or look at the quarantine: a whole class is missing",
        )
    return label


LEARNERS: dict[str, Learner] = {
    "logistic": Learner("logistic", _LOGISTIC, _fit_logistic),
    "xgboost": Learner("xgboost", _XGBOOST, _fit_xgboost),
}
