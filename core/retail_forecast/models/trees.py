"""One decision tree, and a forest of them, by scikit-learn.

Both are held small by the number of their leaves: a bundle stays within a megabyte or so, and loads at once. More
leaves gained nothing on the validation window.
"""

from collections.abc import Mapping
from typing import Any

from retail_forecast.models.examples import Features, Labels, complete
from retail_forecast.models.graphs import scikit_graph

__all__ = ["FOREST", "TREE", "fit_forest", "fit_tree"]

TREE: dict[str, Any] = {"max_leaf_nodes": 256, "min_samples_leaf": 20}
FOREST: dict[str, Any] = {
    "n_estimators": 30,
    "max_leaf_nodes": 256,
    "min_samples_leaf": 5,
    "max_features": "sqrt",
    "max_samples": 0.3,
}


def fit_tree(
    features: Features,
    label: Labels,
    settings: Mapping[str, Any],
    seed: int,
    threads: int,  # noqa: ARG001 - one thread by nature
) -> bytes:
    """The fitted tree as ONNX bytes; parameters as in `learners.Learner.train`."""
    from sklearn.tree import DecisionTreeClassifier

    model = DecisionTreeClassifier(**settings, random_state=seed)
    model.fit(features, complete(label))
    return scikit_graph(model, features.shape[1])


def fit_forest(features: Features, label: Labels, settings: Mapping[str, Any], seed: int, threads: int) -> bytes:
    """The fitted forest as ONNX bytes; parameters as in `learners.Learner.train`."""
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(**settings, random_state=seed, n_jobs=threads or None)
    model.fit(features, complete(label))
    return scikit_graph(model, features.shape[1])
