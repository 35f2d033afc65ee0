"""The reliability curve holds every basket once, in bins of equal mass, and its error is the textbook one."""

import numpy as np
import pytest

from retail_forecast.models.reliability import BINS, expected_calibration_error, reliability_curve


def test_bins_hold_equal_shares_in_rising_confidence() -> None:
    rng = np.random.default_rng(3)
    curve = reliability_curve(rng.uniform(0.4, 1.0, 3000), rng.random(3000) < 0.7)
    assert [b.count for b in curve] == [3000 // BINS] * BINS
    assert [b.confidence for b in curve] == sorted(b.confidence for b in curve)


def test_the_error_is_that_of_a_plain_loop_over_sorted_baskets() -> None:
    rng = np.random.default_rng(4)
    confidence = rng.uniform(0.4, 1.0, 1500)
    right = rng.random(1500) < confidence**2
    chunks = np.array_split(np.argsort(confidence), BINS)
    by_hand = sum(abs(confidence[c].mean() - right[c].mean()) * len(c) for c in chunks) / 1500
    assert expected_calibration_error(reliability_curve(confidence, right)) == pytest.approx(by_hand)


def test_equal_confidences_share_a_bin() -> None:
    right = np.arange(100) % 2 == 0
    for low in (3, 97):
        curve = reliability_curve(np.array([0.5] * low + [0.9] * (100 - low)), right)
        assert [(b.confidence, b.count) for b in curve] == [(0.5, low), (pytest.approx(0.9), 100 - low)]


def test_one_basket_is_a_curve() -> None:
    curve = reliability_curve(np.array([0.8]), np.array([True]))
    assert [b.count for b in curve] == [1]
    assert expected_calibration_error(curve) == pytest.approx(0.2)


def test_an_honest_model_has_a_smaller_error_than_a_boastful_one() -> None:
    rng = np.random.default_rng(5)
    confidence = rng.uniform(0.4, 0.9, 20_000)
    right = rng.random(20_000) < confidence
    honest = expected_calibration_error(reliability_curve(confidence, right))
    boastful = expected_calibration_error(reliability_curve(confidence + 0.1, right))
    assert honest < 0.02
    assert boastful == pytest.approx(0.1, abs=0.02)
