"""The graph of boosted trees that bundles hold, beside the one that the converter makes: CPU time of ONNX Runtime.

    python benchmarks/graphs.py [--rows 16 8192] [--rounds 15]

XGBoost learns with the settings of the project from features that are drawn at random, as many as a basket has, and
labels that lean on some of them; both graphs hold its trees, and answer the same rows on one core, in turn. The quicker
half of the rounds counts; a graph that answers otherwise than the other ends the run.
"""

import argparse
import sys
import time

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from xgboost import Booster, DMatrix, train

from retail_forecast.domain.labels import TIERS
from retail_forecast.kernel.features import BASKET_FEATURES
from retail_forecast.models.boosting import XGBOOST
from retail_forecast.models.graphs import booster_graph

WIDTH = len(BASKET_FEATURES)
LEARNED = 50_000
ENOUGH_S = 0.2
"""CPU time of a round."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[16, 8192])
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    model = learned(rng)
    ours, plain = session(booster_graph(model, WIDTH, {})), session(converted(model))
    print("rows at once | ours, us | converter's, us | ours / converter's")
    for rows in given.rows:
        asked = rng.standard_normal((rows, WIDTH)).astype(np.float32)
        if not np.allclose(answered(ours, asked), answered(plain, asked), atol=1e-5):
            sys.exit("the graphs answer otherwise")
        spent = np.array([[cpu_s(ours, asked), cpu_s(plain, asked)] for _ in range(given.rounds)])
        mine, other = np.sort(spent, axis=0)[: (given.rounds + 1) // 2].mean(axis=0)
        print(f"{rows} | {mine * 1e6:,.0f} | {other * 1e6:,.0f} | {mine / other:.2f}")


def learned(rng: np.random.Generator) -> Booster:
    """Boosted trees of the project's settings."""
    features = rng.standard_normal((LEARNED, WIDTH)).astype(np.float32)
    leaning = features[:, :3] + features[:, 3:6] * features[:, 6:9] + rng.gumbel(size=(LEARNED, 3))
    settings = {name: value for name, value in XGBOOST.items() if name != "n_estimators"}
    settings |= {"objective": "multi:softprob", "num_class": len(TIERS), "seed": 0}
    return train(settings, DMatrix(features, leaning.argmax(axis=1)), XGBOOST["n_estimators"])


def converted(model: Booster) -> bytes:
    """The converter's graph: one classifier of all trees."""
    types = [("features", FloatTensorType([None, WIDTH]))]
    return bytes(convert_xgboost(model, initial_types=types, target_opset=15).SerializeToString())


def session(graph: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def answered(graph: onnxruntime.InferenceSession, asked: NDArray[np.float32]) -> NDArray[np.float32]:
    probabilities: NDArray[np.float32] = graph.run(["probabilities"], {"features": asked})[0]
    return probabilities


def cpu_s(graph: onnxruntime.InferenceSession, asked: NDArray[np.float32]) -> float:
    """CPU seconds of one answer, by as many as take a while."""
    times, start = 0, time.process_time()
    while (spent := time.process_time() - start) < ENOUGH_S:
        answered(graph, asked)
        times += 1
    return spent / times


if __name__ == "__main__":
    main()
