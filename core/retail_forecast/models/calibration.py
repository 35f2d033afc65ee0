"""Calibration: the temperature and the noise that make a model's probabilities as sure as its answers deserve, of
maximum likelihood on the calibration window (`bundle.calibration` says how they are applied)."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize_scalar

from retail_forecast.bundle.calibration import calibrate
from retail_forecast.domain.errors import DataError

__all__ = ["NOISE_BOUNDS", "TEMPERATURE_BOUNDS", "fit_calibration"]

TEMPERATURE_BOUNDS = (0.05, 20.0)
"""Search interval of T; separable data would drive it to 0, useless probabilities to infinity."""

NOISE_BOUNDS = (1e-6, 0.5)
"""Search interval of the noise; above 0, for a label that the model calls impossible must stay possible."""


def fit_calibration(label: NDArray[np.int8], probabilities: NDArray[np.float64]) -> tuple[float, float]:
    """Temperature and noise of maximum likelihood, within their bounds.

    Parameters
    ----------
    label : positions in the columns of `probabilities`, shape (n,)
    probabilities : uncalibrated, shape (n, k), rows sum to one

    Raises
    ------
    DataError : there is no basket to calibrate on
    """
    if not len(label):
        raise DataError("no basket to calibrate on", mend="give the calibration window weeks with labelled baskets")
    rows = np.arange(len(label))

    def best_noise(log_temperature: float) -> OptimizeResult:
        chance = calibrate(probabilities, float(np.exp(log_temperature)), 0.0)[rows, label]
        other = 1 / probabilities.shape[1] - chance
        return _least(lambda noise: -float(np.log(chance + noise * other).mean()), NOISE_BOUNDS)

    found = _least(lambda point: best_noise(point).fun, tuple(np.log(TEMPERATURE_BOUNDS)))
    return float(np.exp(found.x)), float(best_noise(found.x).x)


def _least(loss: Callable[[float], float], bounds: tuple[float, float]) -> OptimizeResult:
    return minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-6})
