"""ONNX graphs of fitted models: one float input (n, features), and probabilities (n, 3) in the order of TIERS as the
last output."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator
    from xgboost import Booster

__all__ = ["booster_graph", "network_graph", "scikit_graph"]

_OPSET = 15
_IR = 8
"""Version of the format that opset 15 came with."""


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


def network_graph(squash: NDArray[np.float32], layers: Sequence[NDArray[np.float32]]) -> bytes:
    """The graph of a network with one hidden layer: softmax(relu(y W + b) V + c), where y = x / (1 + x squash).

    Parameters
    ----------
    squash : of each of the f features, 0 where it is taken as it is
    layers : W of shape (f, h), b (h,), V (h, 3), c (3,)
    """
    from onnx import TensorProto, helper, numpy_helper

    fixed = dict(zip(("squash", "one", "W", "b", "V", "c"), (squash, np.ones(1, np.float32), *layers), strict=True))
    steps = [
        ("Mul", ("features", "squash"), "scaled"),
        ("Add", ("scaled", "one"), "divisor"),
        ("Div", ("features", "divisor"), "squashed"),
        ("Gemm", ("squashed", "W", "b"), "weighed"),
        ("Relu", ("weighed",), "hidden"),
        ("Gemm", ("hidden", "V", "c"), "logits"),
        ("Softmax", ("logits",), "probabilities"),
    ]
    shapes = {"features": len(squash), "probabilities": len(layers[-1])}
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, width]) for name, width in shapes.items()]
    graph = helper.make_graph(
        [helper.make_node(operator, inputs, [output]) for operator, inputs, output in steps],
        "network",
        ends[:1],
        ends[1:],
        [numpy_helper.from_array(values, name) for name, values in fixed.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
    return bytes(model.SerializeToString())
