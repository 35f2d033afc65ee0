"""The pricing error is a distance between tiers, and its baseline the best of the three rules without a model."""

import numpy as np
import pytest

from retail_forecast.domain.errors import DataError
from retail_forecast.models.pricing import assigned_tier, pricing_baseline, pricing_error


@pytest.mark.parametrize(
    ("probabilities", "tier"),
    [
        ([0.6, 0.2, 0.2, 0.0], 0),
        ([0.4, 0.2, 0.4, 0.0], 1),  # either end is likelier, the middle is nearer to both
        ([0.1, 0.2, 0.7, 0.0], 2),
        ([0.3, 0.0, 0.1, 0.6], 0),  # XX has no place on the scale
        ([0.0, 0.0, 0.0, 1.0], 1),
        ([0.5, 0.5, 0.0, 0.0], 1),
    ],
)
def test_the_tier_assigned_has_the_least_expected_distance(probabilities: list[float], tier: int) -> None:
    assert assigned_tier(np.array([probabilities])).tolist() == [tier]


def test_the_error_is_the_mean_distance_without_xx() -> None:
    label = np.array([0, 1, 2, 3], np.int8)
    assert pricing_error(label, np.array([2, 1, 1, 0], np.int8)) == pytest.approx(1.0)


def test_baskets_of_xx_alone_cannot_be_priced() -> None:
    with pytest.raises(DataError, match="no basket labelled"):
        pricing_error(np.array([3], np.int8), np.array([1], np.int8))


def test_the_best_rule_is_the_baseline() -> None:
    train = np.array([0, 0, 2, 2, 1, 3], np.int8)
    segment = np.array([0, 0, 1, 1, -1, -1], np.int32)
    label = np.array([0, 2, 1, 1], np.int8)
    found = pricing_baseline(
        train, label, {"segment": segment, "store": np.zeros(6, np.int32)},
        {"segment": np.array([0, 1, -1, 5], np.int32), "store": np.zeros(4, np.int32)},
    )  # fmt: skip
    assert (found.rule, found.error) == ("segment", 0.0)


def test_always_mm_stands_where_the_groupings_mislead() -> None:
    train, label = np.array([0, 2], np.int8), np.array([1, 1], np.int8)
    codes = {"segment": np.array([0, 1], np.int32)}
    found = pricing_baseline(train, label, codes, codes)
    assert (found.rule, found.error) == ("always_mm", 0.0)
