"""Temperature scaling: one parameter that makes a model's probabilities as sure as its answers deserve.

`softmax(log p / T)` with T of maximum likelihood on the calibration window (Guo, Pleiss, Sun and Weinberger, 2017, "On
Calibration of Modern Neural Networks", section 4.2; log p stands for the logits, of which softmax needs only the
differences). Written without logarithms it is `p ** (1 / T)`, divided by its sum: a probability of 0 stays 0, and T = 1
changes nothing. The order of the classes is kept, so that no answer changes.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from retail_forecast.domain.errors import DataError

__all__ = ["TEMPERATURE_BOUNDS", "apply_temperature", "fit_temperature"]

TEMPERATURE_BOUNDS = (0.05, 20.0)
"""Search interval of T; separable data would drive it to 0, useless probabilities to infinity."""


def apply_temperature(probabilities: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """`probabilities` of shape (n, k), rows summing to one, at `temperature` > 0."""
    powers = probabilities ** (1.0 / temperature)
    scaled: NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return scaled


def fit_temperature(label: NDArray[np.int8], probabilities: NDArray[np.float64]) -> float:
    """The temperature of maximum likelihood, within `TEMPERATURE_BOUNDS`.

    Baskets whose true class has probability 0 are left out: they are
    impossible at every temperature and say nothing about it.

    Parameters
    ----------
    label : positions in the columns of `probabilities`, shape (n,)
    probabilities : uncalibrated, shape (n, k), rows sum to one

    Raises
    ------
    DataError : no basket is left to calibrate on
    """
    rows = np.arange(len(label))
    possible = probabilities[rows, label] > 0
    if not possible.any():
        raise DataError("no basket to calibrate on", mend="give the calibration window weeks with labelled baskets")
    kept, column = probabilities[possible], label[possible]
    truth = np.log(kept[np.arange(len(kept)), column])

    def loss(log_temperature: float) -> float:
        inverse = float(np.exp(-log_temperature))
        return float((np.log((kept**inverse).sum(axis=1)) - inverse * truth).mean())

    found = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURE_BOUNDS)), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))
