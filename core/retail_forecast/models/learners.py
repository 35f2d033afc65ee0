"""The learners, behind one interface: fit on features, then leave as ONNX.

Each trains deterministically from its seed (for the same versions, processor and thread count) and takes its input in
the order of the task's feature names. The ONNX graph has one float input (n, features) and, as its last output,
probabilities (n, 3) in the order of TIERS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retail_forecast.clouds.hosts import ALONE, Hosts
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.labels import TIERS

if TYPE_CHECKING:
    from xgboost import Booster

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
    train_together : the same on several hosts, each of which gives its share of the rows; None when it cannot
    """

    name: str
    settings: Mapping[str, Any]
    train: Callable[[Features, Labels, Mapping[str, Any], int, int], bytes]
    train_together: Callable[[Features, Labels, Mapping[str, Any], int, int, Hosts], bytes] | None = None

    def fit(self, features: Features, label: Labels, seed: int, threads: int, hosts: Hosts = ALONE) -> bytes:
        """The model learned from n rows of features and their labels, with the learner's settings, as ONNX bytes.

        Raises
        ------
        UsageError : there are several `hosts`, and the learner is not made for them
        """
        if self.train_together is not None:
            return self.train_together(features, label, self.settings, seed, threads, hosts)
        if hosts.size > 1:
            able = ", ".join(name for name, one in LEARNERS.items() if one.train_together)
            raise UsageError(f"{self.name} learns on one host only", where="--hosts", mend=f"choose one of {able}")
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


def _fit_xgboost(
    features: Features, label: Labels, settings: Mapping[str, Any], seed: int, threads: int, hosts: Hosts = ALONE
) -> bytes:
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    model = _boosted(features, _complete(label, hosts), settings, seed, threads, hosts)
    graph = convert_xgboost(
        model, initial_types=[("features", FloatTensorType([None, features.shape[1]]))], target_opset=_OPSET
    )
    return bytes(graph.SerializeToString())


def _boosted(
    features: Features, label: Labels, settings: Mapping[str, Any], seed: int, threads: int, hosts: Hosts
) -> "Booster":
    """All rounds of boosting, from where an earlier start of the same job came to.

    Each round draws its rows by its own number, so that an interrupted job ends with the trees of one that was not.
    """
    from xgboost import Booster, DMatrix

    own = {name: value for name, value in settings.items() if name != "n_estimators"}
    fixed = {"objective": "multi:softprob", "num_class": len(TIERS), "seed_per_iteration": True}
    rows = DMatrix(features, label, nthread=threads or None)
    kept = hosts.kept()
    model = Booster(
        {**own, **fixed, "seed": seed, "nthread": threads}, [rows], model_file=bytearray(kept) if kept else None
    )
    for number in range(model.num_boosted_rounds(), settings["n_estimators"]):
        model.update(rows, number)
        hosts.reached(lambda: bytes(model.save_raw("ubj")))
    return model


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


def _complete(label: Labels, hosts: Hosts = ALONE) -> Labels:
    """The labels, once it is sure that every tier occurs: the graph's columns are the tiers by position."""
    absent = np.flatnonzero(hosts.total(np.bincount(label, minlength=len(TIERS))) == 0).tolist()
    if absent:
        raise UsageError(
            f"no training basket is labelled {', '.join(TIERS[i] for i in absent)}",
            where="training weeks",
            mend="train on more weeks, or look at the quarantine: a whole class is missing",
        )
    return label


LEARNERS: dict[str, Learner] = {
    "logistic": Learner("logistic", _LOGISTIC, _fit_logistic),
    "xgboost": Learner("xgboost", _XGBOOST, _fit_xgboost, _fit_xgboost),
}
