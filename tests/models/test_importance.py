"""Permutation importance: high for what decides, nothing for what does not."""

import numpy as np
from numpy.typing import NDArray

from retail_forecast.models.importance import permutation_importance


def test_only_the_feature_that_decides_is_important() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 600).astype(np.int8)
    features = np.column_stack([rng.random(600), label]).astype(np.float32)

    def score(rows: NDArray[np.float32]) -> NDArray[np.float64]:
        answers: NDArray[np.float64] = np.eye(3)[rows[:, 1].astype(int)]
        return answers

    found = permutation_importance(score, features, label, ("noise", "truth"), rng)
    assert list(found) == ["truth", "noise"]
    assert found["truth"] > 0.5
    assert found["noise"] == 0.0
