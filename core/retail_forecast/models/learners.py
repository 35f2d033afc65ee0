"""The learners, behind one interface: fit on features, then leave as ONNX.

Each trains deterministically from its seed (for the same versions, processor and thread count) and takes its input in
the order of the task's feature names. The ONNX graph has one float input (n, features) and, as its last output,
probabilities (n, 3) in the order of TIERS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from retail_forecast.clouds.hosts import ALONE, Hosts
from retail_forecast.domain.errors import UsageError
from retail_forecast.models.boosting import XGBOOST, fit_xgboost
from retail_forecast.models.examples import Features, Labels
from retail_forecast.models.linear import LOGISTIC, fit_logistic
from retail_forecast.models.trees import FOREST, TREE, fit_forest, fit_tree

__all__ = ["LEARNERS", "Learner", "learner"]


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


LEARNERS: dict[str, Learner] = {
    "tree": Learner("tree", TREE, fit_tree),
    "forest": Learner("forest", FOREST, fit_forest),
    "logistic": Learner("logistic", LOGISTIC, fit_logistic),
    "xgboost": Learner("xgboost", XGBOOST, fit_xgboost, fit_xgboost),
}
