"""Examples: what a learner is given, rows of features without leaks, and their labels."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from retail_forecast.clouds.hosts import ALONE, Hosts, union
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.labels import TIERS
from retail_forecast.domain.settings import TrainSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.features.leanings import learn_table, out_of_fold_features
from retail_forecast.kernel.arrival import ARRIVAL_FEATURES
from retail_forecast.kernel.features import BASKET_FEATURES, COARSE_FEATURES, FLAT_CATEGORIES, flat_features
from retail_forecast.kernel.lines import Baskets
from retail_forecast.kernel.products import ProductTable

__all__ = ["Examples", "Features", "Labels", "complete", "examples_of"]

Features = NDArray[np.float32]
"""Of shape (n, f): a row of features per basket, in the order of the task's feature names."""

Labels = NDArray[np.int8]
"""Of shape (n,): the label of each basket."""


@dataclass(frozen=True, slots=True)
class Examples:
    """The training baskets labelled LA, MM or UM, as a learner on features takes them.

    Attributes
    ----------
    features, label : n rows and their labels, positions in TIERS
    products, vocabularies : what the same features of other baskets need; the table for `basket` and `coarse`, the
        vocabularies for `flat`; `arrival` looks at what was joined
    """

    features: Features
    label: Labels
    products: ProductTable | None
    vocabularies: Mapping[str, Mapping[str, int]]


def examples_of(task: Task, baskets: Baskets, label: Labels, settings: TrainSettings, hosts: Hosts = ALONE) -> Examples:
    """The examples in n training baskets and their labels (positions in LABELS), with leanings learned out of fold; of
    several `hosts`, each gives its share of the baskets.

    Raises
    ------
    UsageError : the task is `arrival`, and what was known of the baskets is not joined to them
    """
    scaled = label < len(TIERS)
    if task is Task.ARRIVAL:
        return Examples(_known(baskets, settings)[scaled], label[scaled], None, {})
    if task is Task.FLAT:
        vocabularies = {name: _vocabulary(baskets, name, hosts) for name in FLAT_CATEGORIES}
        return Examples(flat_features(baskets, vocabularies)[scaled], label[scaled], None, vocabularies)
    coarse, rng = task is Task.COARSE, np.random.default_rng(settings.seed)
    features = np.zeros((len(baskets), len(COARSE_FEATURES if coarse else BASKET_FEATURES)), np.float32)
    penalty, folds = settings.leaning_penalty, settings.folds
    for rows, values in out_of_fold_features(baskets, label, penalty, folds, rng, coarse=coarse, hosts=hosts):
        features[rows] = values
    table = learn_table(baskets, label, penalty, coarse=coarse, hosts=hosts)
    return Examples(features[scaled], label[scaled], table, {})


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


def _known(baskets: Baskets, settings: TrainSettings) -> Features:
    if baskets.known is None:
        raise UsageError(
            "what was known of the baskets before they began is not joined to them",
            where="task arrival",
            mend="train where the lake is, on one host: `retail-forecast train --task arrival`",
        )
    return baskets.known if settings.segments else baskets.known[:, : len(ARRIVAL_FEATURES)]


def _vocabulary(baskets: Baskets, name: str, hosts: Hosts) -> dict[str, int]:
    codes = getattr(baskets, name)
    present = union(hosts, (codes.values[i] for i in np.unique(codes.index) if i >= 0))
    return {code: number for number, code in enumerate(present)}
