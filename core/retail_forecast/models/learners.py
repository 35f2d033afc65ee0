"""The learners: fit on features, then leave as ONNX; the network learns its features, product vectors, as well.

Each trains deterministically from its seed (for the same versions, processor and thread count) and takes its input in
the order of the task's feature names. The ONNX graph has one float input (n, features) and, as its last output,
probabilities (n, 3) in the order of TIERS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from retail_forecast.clouds.hosts import ALONE, Hosts
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.lines import Baskets
from retail_forecast.kernel.products import ProductTable
from retail_forecast.models.boosting import XGBOOST, fit_xgboost
from retail_forecast.models.embedding import EMBEDDING, fit_embedding, missing_torch
from retail_forecast.models.examples import Features, Labels
from retail_forecast.models.linear import LOGISTIC, fit_logistic
from retail_forecast.models.trees import FOREST, TREE, fit_forest, fit_tree

__all__ = ["LEARNERS", "AnyLearner", "Learner", "VectorLearner", "learner", "learners_of", "missing_library"]


@dataclass(frozen=True, slots=True)
class Learner:
    """One kind of model over the features of a task.

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
            raise _one_host_only(self.name)
        return self.train(features, label, self.settings, seed, threads)


@dataclass(frozen=True, slots=True)
class VectorLearner:
    """A kind of model that learns vectors of products, hence a product table of its own.

    Attributes
    ----------
    name, settings : as of `Learner`
    train : baskets, labels (n,) of positions in LABELS, settings, seed, hosts that have a share of the baskets each ->
        the model as ONNX bytes, and its table
    missing : says that the learner's library is not installed; None when it is
    """

    name: str
    settings: Mapping[str, Any]
    train: Callable[[Baskets, Labels, Mapping[str, Any], int, Hosts], tuple[bytes, ProductTable]]
    missing: Callable[[], UsageError | None]

    def fit(self, baskets: Baskets, label: Labels, seed: int, hosts: Hosts = ALONE) -> tuple[bytes, ProductTable]:
        """The model learned from n baskets and their labels, as ONNX bytes over the features of its table.

        Raises
        ------
        UsageError : the learner's library is not installed
        """
        return self.train(baskets, label, self.settings, seed, hosts)


AnyLearner = Learner | VectorLearner


def _one_host_only(name: str) -> UsageError:
    """Says which learners are made for several hosts."""
    able = ", ".join(one.name for one in LEARNERS.values() if not isinstance(one, Learner) or one.train_together)
    return UsageError(f"{name} learns on one host only", where="--hosts", mend=f"choose one of {able}")


def learner(name: str, overrides: Mapping[str, Any] | None = None, task: Task = Task.BASKET) -> AnyLearner:
    """The learner called `name` with its settings for `task`, and `overrides` in the place of those of these names.

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
    return replace(chosen, settings={**chosen.settings, **_FOR.get((task, name), {}), **(overrides or {})})


def learners_of(task: Task) -> tuple[str, ...]:
    """Names of the learners that can serve `task`: vectors of products are of use only where products are looked at."""
    by_products = task in (Task.BASKET, Task.COARSE)
    return tuple(name for name, one in LEARNERS.items() if by_products or isinstance(one, Learner))


def missing_library(name: str) -> UsageError | None:
    """Says that the library of the learner called `name` is not installed; None when nothing is missing."""
    one = LEARNERS[name]
    return one.missing() if isinstance(one, VectorLearner) else None


LEARNERS: dict[str, AnyLearner] = {
    "tree": Learner("tree", TREE, fit_tree),
    "forest": Learner("forest", FOREST, fit_forest),
    "logistic": Learner("logistic", LOGISTIC, fit_logistic),
    "xgboost": Learner("xgboost", XGBOOST, fit_xgboost, fit_xgboost),
    "embedding": VectorLearner("embedding", EMBEDDING, fit_embedding, missing_torch),
}

_FOR: dict[tuple[Task, str], Mapping[str, Any]] = {
    (Task.ARRIVAL, "xgboost"): {
        "n_estimators": 200,
        "max_depth": 5,
        "learning_rate": 0.05,
        "subsample": 0.7,
        "colsample_bytree": 0.3,
        "min_child_weight": 30,
    },
}
"""Settings where those of the learner do not fit the task: little of the label of an arriving basket is known, and many
features say nearly the same. Chosen on the validation window of the real data."""
