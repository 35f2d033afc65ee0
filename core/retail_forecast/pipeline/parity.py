"""Parity: when two paths to an answer agree.

Features must be the same bit by bit, probabilities within 1e-6, and labels the same unless the two likeliest, as the
model's rule weighs them, lie within 1e-6 of each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail_forecast.bundle.scorer import Predictions
from retail_forecast.domain.tasks import Task
from retail_forecast.pipeline.replay import Replayed

__all__ = ["TOLERANCE", "TaskAudit", "differences"]

TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class TaskAudit:
    """What the audit of one task found.

    Attributes
    ----------
    baskets : baskets that were compared
    other_history : baskets beside them that the server answered by what was known at the end of another week
    differences : how many baskets differ, by what differs; without "features" where the server's were not seen
    largest_difference : of probabilities
    examples : ids of the first baskets that differ
    seconds : how long it took [s]
    """

    task: Task
    model_version: str
    baskets: int
    other_history: int
    differences: Mapping[str, int]
    largest_difference: float
    examples: tuple[str, ...]
    seconds: float

    @property
    def agrees(self) -> bool:
        """Whether something was compared, and nothing differs."""
        return self.baskets > 0 and not any(self.differences.values())


def differences(
    batch: Predictions,
    told: Replayed,
    model_version: str,
    weights: Sequence[float],
    features: NDArray[np.float32] | None,
) -> dict[str, NDArray[np.bool_]]:
    """Which of n baskets differ, by what differs: model, label, probabilities, unknown_share and, where they were seen,
    features.

    Parameters
    ----------
    batch, told : the answers of the two paths
    model_version : that should have answered
    weights : of the model's decision rule
    features : that the server answered from; None where they were not seen
    """
    weighed = np.sort(batch.probabilities * np.asarray(weights), axis=1)
    near = weighed[:, -1] - weighed[:, -2] <= TOLERANCE
    count = len(batch.label)
    apart = {} if features is None else {"features": _other_bits(features, batch.features)}
    return {
        "model": np.full(count, told.model_versions != {model_version}),
        "label": (told.label != batch.label) & ~near,
        "probabilities": ~(np.abs(told.probabilities - batch.probabilities).max(axis=1, initial=0) <= TOLERANCE),
        "unknown_share": told.unknown_share != batch.unknown_share,
    } | apart


def _other_bits(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.bool_]:
    left, right = (np.ascontiguousarray(array, np.float32).view(np.uint32) for array in (one, other))
    differs: NDArray[np.bool_] = np.any(left != right, axis=1)
    return differs
