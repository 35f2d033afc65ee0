"""Temperature scaling finds the temperature that was put in, keeps every answer, and refuses to fit on nothing."""

import numpy as np
import pytest
from scipy.special import softmax

from retail_forecast.domain.errors import DataError
from retail_forecast.models.calibration import TEMPERATURE_BOUNDS, apply_temperature, fit_temperature


def _drawn(temperature: float, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from honest probabilities, and those probabilities made too sure by `temperature`."""
    rng = np.random.default_rng(11)
    logits = rng.normal(size=(n, 4)) * 1.5
    label = (logits + rng.gumbel(size=(n, 4))).argmax(axis=1).astype(np.int8)
    return label, softmax(logits * temperature, axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_the_temperature_put_in_is_found(temperature: float) -> None:
    label, probabilities = _drawn(temperature)
    assert fit_temperature(label, probabilities) == pytest.approx(temperature, rel=0.05)


def test_apply_is_softmax_of_log_probabilities_over_t() -> None:
    _, probabilities = _drawn(1.0, 500)
    assert apply_temperature(probabilities, 2.5) == pytest.approx(softmax(np.log(probabilities) / 2.5, axis=1))
    assert apply_temperature(probabilities, 1.0) == pytest.approx(probabilities)


def test_answers_and_impossible_classes_stay() -> None:
    _, probabilities = _drawn(1.0, 500)
    probabilities[::2, 3] = 0.0
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    for temperature in (*TEMPERATURE_BOUNDS, 0.7):
        scaled = apply_temperature(probabilities, temperature)
        assert (scaled.argmax(axis=1) == probabilities.argmax(axis=1)).all()
        assert (scaled[::2, 3] == 0).all()
        assert scaled.sum(axis=1) == pytest.approx(np.ones(500))


def test_it_lowers_the_log_loss_of_a_boastful_model() -> None:
    label, probabilities = _drawn(3.0)
    rows = np.arange(len(label))
    calibrated = apply_temperature(probabilities, fit_temperature(label, probabilities))
    assert -np.log(calibrated[rows, label]).mean() < -np.log(probabilities[rows, label]).mean() - 0.1


def test_baskets_of_an_impossible_class_say_nothing() -> None:
    label, probabilities = _drawn(2.0)
    impossible = np.tile([1.0, 0.0, 0.0, 0.0], (50, 1))
    found = fit_temperature(np.append(label, np.full(50, 2, np.int8)), np.vstack([probabilities, impossible]))
    assert found == pytest.approx(fit_temperature(label, probabilities))


def test_separable_baskets_end_at_the_bound_not_at_zero() -> None:
    label = np.array([0, 1, 2, 1], np.int8)
    probabilities = np.full((4, 4), 0.1) + 0.6 * np.eye(4)[label]
    assert fit_temperature(label, probabilities) == pytest.approx(TEMPERATURE_BOUNDS[0], rel=0.1)


def test_nothing_to_calibrate_on_is_refused() -> None:
    with pytest.raises(DataError, match="no basket to calibrate on"):
        fit_temperature(np.array([], np.int8), np.empty((0, 4)))
