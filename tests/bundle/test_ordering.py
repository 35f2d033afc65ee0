"""Rows are put in order without losing one, and a model's answers stay with their rows."""

import numpy as np
import pytest

from retail_forecast.bundle.ordering import alike


@pytest.mark.parametrize("count", [0, 1, 16, 256, 257, 1000])
@pytest.mark.parametrize("columns", [[2], [2, 0]])
def test_each_row_has_its_place(count: int, columns: list[int]) -> None:
    features = np.random.default_rng(count).normal(size=(count, 3)).astype(np.float32)
    assert sorted(alike(features, columns).tolist()) == list(range(count))


def test_neighbours_are_alike_in_the_first_column_and_then_in_the_second() -> None:
    features = np.random.default_rng(1).normal(size=(1024, 3)).astype(np.float32)
    ordered = features[alike(features, [2, 0])].reshape(4, 256, 3)
    assert (ordered[:-1, :, 2].max(axis=1) <= ordered[1:, :, 2].min(axis=1)).all()
    assert (np.diff(ordered[:, :, 0], axis=1) >= 0).all()
