"""Calibrated probabilities: as sure as the answers deserve, and never surer than the labels are right.

`(1 - noise) softmax(log p / T) + noise / k`: temperature scaling (Guo, Pleiss, Sun and Weinberger, 2017, "On
Calibration of Modern Neural Networks", section 4.2; log p stands for the logits, of which softmax needs only the
differences), and a share of labels that fall at random whatever the model saw (Patrini et al., 2017, "Making Deep
Neural Networks Robust to Label Noise", forward correction with equal chances). Without the latter a few wrong labels
among sure answers set T, and all other answers have to doubt themselves. The order of the classes is kept, so that no
answer changes.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["calibrate"]


def calibrate(probabilities: NDArray[np.float64], temperature: float, noise: float) -> NDArray[np.float64]:
    """`probabilities` of shape (n, k), rows summing to one, at `temperature` > 0 and `noise` in [0, 1).

    Written without logarithms, softmax(log p / T) is `p ** (1 / T)`, divided by its sum: a probability of 0 stays 0.
    """
    powers = probabilities ** (1.0 / temperature)
    powers *= (1.0 - noise) / powers.sum(axis=1, keepdims=True)
    powers += noise / probabilities.shape[1]
    return powers
