"""Graphs answer as the models they were made of."""

import numpy as np
import onnxruntime
import pytest
from xgboost import QuantileDMatrix, train

from retail_forecast.models.graphs import booster_graph


@pytest.mark.parametrize("rounds", [1, 50, 120])
def test_a_booster_answers_alike_however_its_trees_are_dealt_out(rounds: int) -> None:
    rng = np.random.default_rng(rounds)
    features = rng.normal(size=(400, 5)).astype(np.float32)
    label = np.digitize(features[:, 0] + features[:, 1] * features[:, 2], [-0.4, 0.6])
    settings = {"objective": "multi:softprob", "num_class": 3, "max_depth": 4, "nthread": 1}
    model = train(settings, QuantileDMatrix(features, label), rounds)
    session = onnxruntime.InferenceSession(booster_graph(model, 5, {"said": "so"}), providers=["CPUExecutionProvider"])
    asked = np.concatenate([features, rng.normal(scale=3, size=(100, 5)).astype(np.float32)])
    answers = session.run(None, {"features": asked})[-1]
    assert session.get_modelmeta().custom_metadata_map == {"said": "so"}
    np.testing.assert_allclose(answers, model.inplace_predict(asked), rtol=0, atol=1e-6)
