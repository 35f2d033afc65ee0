"""Calibration finds the temperature and the noise put in, keeps every answer, and refuses to fit on nothing."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax

from retail_forecast.bundle.calibration import calibrate
from retail_forecast.domain.errors import DataError
from retail_forecast.models.calibration import NOISE_BOUNDS, TEMPERATURE_BOUNDS, fit_calibration
from retail_forecast.models.reliability import expected_calibration_error, reliability_curve


def _drawn(temperature: float, noise: float = 0.0, n: int = 20_000) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Labels drawn from honest probabilities but for a share of `noise`, and those probabilities made too sure by
    `temperature`."""
    rng = np.random.default_rng(11)
    logits = rng.normal(size=(n, 4)) * 3
    label = (logits + rng.gumbel(size=(n, 4))).argmax(axis=1)
    label = np.where(rng.random(n) < noise, rng.integers(4, size=n), label).astype(np.int8)
    return label, softmax(logits * temperature, axis=1)


def _error(label: NDArray[np.int8], probabilities: NDArray[np.float64]) -> float:
    right = probabilities.argmax(axis=1) == label
    return expected_calibration_error(reliability_curve(probabilities.max(axis=1), right))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_temperature_and_noise_put_in_are_found(temperature: float, noise: float) -> None:
    found = fit_calibration(*_drawn(temperature, noise))
    assert found[0] == pytest.approx(temperature, rel=0.1)
    assert found[1] == pytest.approx(noise, abs=0.01)


def test_without_noise_it_is_softmax_of_log_probabilities_over_t() -> None:
    _, probabilities = _drawn(1.0, n=500)
    assert calibrate(probabilities, 2.5, 0) == pytest.approx(softmax(np.log(probabilities) / 2.5, axis=1))
    assert calibrate(probabilities, 1.0, 0) == pytest.approx(probabilities)


@pytest.mark.parametrize("noise", [0, *NOISE_BOUNDS])
@pytest.mark.parametrize("temperature", [*TEMPERATURE_BOUNDS, 0.7])
def test_answers_stay_and_rows_sum_to_one(temperature: float, noise: float) -> None:
    _, probabilities = _drawn(1.0, n=500)
    probabilities[::2, 3] = 0.0
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    scaled = calibrate(probabilities, temperature, noise)
    assert (scaled.argmax(axis=1) == probabilities.argmax(axis=1)).all()
    assert scaled[::2, 3] == pytest.approx(np.full(250, noise / 4))
    assert scaled.sum(axis=1) == pytest.approx(np.ones(500))


def test_it_mends_a_boastful_model_whose_labels_are_noisy() -> None:
    label, probabilities = _drawn(3.0, 0.02)
    mended = calibrate(probabilities, *fit_calibration(label, probabilities))
    assert _error(label, probabilities) > 0.05
    assert _error(label, mended) < 0.01


def test_labels_that_the_model_calls_impossible_are_noise() -> None:
    label, probabilities = _drawn(2.0)
    impossible = np.tile([1.0, 0.0, 0.0, 0.0], (1000, 1))
    _, noise = fit_calibration(np.append(label, np.full(1000, 2, np.int8)), np.vstack([probabilities, impossible]))
    assert fit_calibration(label, probabilities)[1] < 0.01
    assert noise > 1000 / 21_000


def test_separable_baskets_end_at_the_bounds_not_at_zero() -> None:
    label = np.array([0, 1, 2, 1], np.int8)
    probabilities = np.full((4, 4), 0.1) + 0.6 * np.eye(4)[label]
    temperature, noise = fit_calibration(label, probabilities)
    assert TEMPERATURE_BOUNDS[0] <= temperature < 0.3
    assert noise == pytest.approx(NOISE_BOUNDS[0], abs=1e-4)


def test_nothing_to_calibrate_on_is_refused() -> None:
    with pytest.raises(DataError, match="no basket to calibrate on"):
        fit_calibration(np.array([], np.int8), np.empty((0, 4)))
