"""Examples: what a learner is given, rows of features and their labels."""

import numpy as np
from numpy.typing import NDArray

from retail_forecast.clouds.hosts import ALONE, Hosts
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.labels import TIERS

__all__ = ["Features", "Labels", "complete"]

Features = NDArray[np.float32]
"""Of shape (n, f): a row of features per basket, in the order of the task's feature names."""

Labels = NDArray[np.int8]
"""Of shape (n,): the label of each basket."""


def complete(label: Labels, hosts: Hosts = ALONE) -> Labels:
    """The labels (positions in TIERS), once it is sure that every tier occurs: the graph's columns are the tiers by
    position.

    Raises
    ------
    UsageError : a whole tier is missing on all hosts together
    """
    absent = np.flatnonzero(hosts.total(np.bincount(label, minlength=len(TIERS))) == 0).tolist()
    if absent:
        raise UsageError(
            f"no training basket is labelled {', '.join(TIERS[i] for i in absent)}",
            where="training weeks",
            mend="train on more weeks, or look at the quarantine: a whole class is missing",
        )
    return label
