"""ONNX graphs of fitted models: one float input (n, features), and probabilities (n, 3) in the order of TIERS as the
last output."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.labels import TIERS

if TYPE_CHECKING:
    from onnx import NodeProto
    from sklearn.base import BaseEstimator
    from xgboost import Booster

__all__ = ["booster_graph", "network_graph", "scikit_graph"]

_OPSET = 15
_IR = 8
"""Version of the format that opset 15 came with."""

_TREES = 50
"""Of a step; fewer are quicker for thousands of rows and slower for a dozen."""

_TREE_DOMAIN = "ai.onnx.ml"


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
    """The graph of a model of XGBoost that was fitted on `width` features, with `facts` as its metadata.

    The trees of each tier are summed by themselves, some at a time: ONNX Runtime takes less time for that than for one
    classifier, whose trees each add to a row of scores and do not fit the processor's cache together. How much less is
    measured by `benchmarks/graphs.py`.
    """
    from onnx import TensorProto, helper
    from onnxmltools import convert_xgboost
    from onnxmltools.convert.common.data_types import FloatTensorType

    types = [("features", FloatTensorType([None, width]))]
    whole = convert_xgboost(model, name="booster", initial_types=types, target_opset=_OPSET)
    trees = {one.name: np.asarray(helper.get_attribute_value(one)) for one in whole.graph.node[0].attribute}
    nodes, sums = [], []
    for tier in range(len(TIERS)):
        own = np.unique(trees["class_treeids"][trees["class_ids"] == tier])
        parts = [own[first : first + _TREES] for first in range(0, len(own), _TREES)]
        names = [f"sum_{tier}_{number}" for number in range(len(parts))]
        nodes += [_summed(trees, part, name) for part, name in zip(parts, names, strict=True)]
        nodes.append(helper.make_node("Sum", names, [f"sum_{tier}"]))
        sums.append(f"sum_{tier}")
    nodes += [
        helper.make_node("Concat", sums, ["sums"], axis=1),
        helper.make_node("Add", ["sums", "base"], ["margins"]),
        helper.make_node("Softmax", ["margins"], ["probabilities"], axis=1),
    ]
    base = helper.make_tensor("base", TensorProto.FLOAT, [1, len(TIERS)], trees["base_values"])
    answers = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, len(TIERS)])
    split = helper.make_graph(nodes, "booster", whole.graph.input, [answers], [base])
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_TREE_DOMAIN, 1)]
    graph = helper.make_model(split, opset_imports=opsets, ir_version=_IR)
    for key, value in facts.items():
        graph.metadata_props.add(key=key, value=value)
    return bytes(graph.SerializeToString())


def _summed(trees: Mapping[str, NDArray[Any]], chosen: NDArray[np.int64], output: str) -> "NodeProto":
    """A step that adds up the leaves that a row falls into, of the trees `chosen` of a TreeEnsembleClassifier whose
    attributes are `trees`."""
    from onnx import helper

    nodes, leaves = (np.isin(trees[name], chosen) for name in ("nodes_treeids", "class_treeids"))
    own: dict[str, Any] = {name: trees[name][nodes].tolist() for name in trees if name.startswith("nodes_")}
    own |= {
        "target_treeids": trees["class_treeids"][leaves].tolist(),
        "target_nodeids": trees["class_nodeids"][leaves].tolist(),
        "target_weights": trees["class_weights"][leaves].tolist(),
        "target_ids": [0] * int(leaves.sum()),
    }
    return helper.make_node("TreeEnsembleRegressor", ["features"], [output], domain=_TREE_DOMAIN, n_targets=1, **own)


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
