"""ONNX graphs of fitted models: one float input (n, features), and probabilities (n, 3) in the order of TIERS as the
last output."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from xgboost import Booster

__all__ = ["booster_graph", "scikit_graph"]

_OPSET = 15


def scikit_graph(model: "BaseEstimator", width: int) -> bytes:
    """The graph of a classifier of scikit-learn that was fitted on `width` features."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    graph = convert_sklearn(
        model,
        name="classifier",
        initial_types=[("features", FloatTensorType([None, width]))],
        target_opset=_OPSET,
        options={id(model): {"zipmap": False}},
    )
    return bytes(graph.SerializeToString())


def booster_graph(model: "Booster", width: int, facts: Mapping[str, str]) -> bytes:
    """The graph of a model of XGBoost that was fitted on `width` features, with `facts` as its metadata."""
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    types = [("features", FloatTensorType([None, width]))]
    graph = convert_xgboost(model, name="booster", initial_types=types, target_opset=_OPSET)
    for key, value in facts.items():
        graph.metadata_props.add(key=key, value=value)
    return bytes(graph.SerializeToString())
