"""Baskets and labels to a fitted model: features without leaks, one learner, and the files of a bundle."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from retail_forecast.bundle.manifest import FORMAT, Manifest
from retail_forecast.bundle.products import product_files
from retail_forecast.bundle.scorer import MODEL, VOCABULARIES, Bundle
from retail_forecast.clouds.hosts import ALONE, Hosts, union
from retail_forecast.domain.labels import LABELS, TIERS
from retail_forecast.domain.settings import TrainSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.features.leanings import learn_table, out_of_fold_features
from retail_forecast.kernel.features import (
    BASKET_FEATURES,
    FLAT_CATEGORIES,
    FLAT_FEATURES,
    feature_names,
    flat_features,
)
from retail_forecast.kernel.lines import Baskets
from retail_forecast.kernel.products import ProductTable
from retail_forecast.models.calibration import fit_temperature
from retail_forecast.models.learners import Learner

__all__ = ["Fitted", "calibrated", "fit_model", "manifest_of"]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model, before it has a name.

    Attributes
    ----------
    task : what it answers
    model : ONNX bytes
    products, vocabularies : what its features need; the table for `basket` and `coarse`, the vocabularies for `flat`
    prior : shares of LA, MM, UM, XX among the training baskets
    temperature : of the softmax; 1 until calibrated
    """

    task: Task
    model: bytes
    products: ProductTable | None
    vocabularies: Mapping[str, Mapping[str, int]]
    prior: tuple[float, float, float, float]
    temperature: float = 1.0

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the model's inputs."""
        return FLAT_FEATURES if self.products is None else feature_names(self.products.columns)

    def files(self) -> dict[str, bytes]:
        """The bundle's files, but for card and manifest."""
        if self.products is not None:
            return {MODEL: self.model, **product_files(self.products)}
        return {MODEL: self.model, VOCABULARIES: msgspec.json.encode(self.vocabularies, order="sorted")}

    def bundle(self, threads: int = 1) -> Bundle:
        """The scorer of this model, as the bundle will be once it is written and loaded."""
        unnamed = manifest_of(self, run_id="", model="", created_at=datetime.fromtimestamp(0, UTC), last_learned_week=0)
        return Bundle(unnamed, "", self.model, self.products, self.vocabularies, threads)


def manifest_of(
    fitted: Fitted, *, run_id: str, model: str, created_at: datetime, last_learned_week: int, **facts: Any
) -> Manifest:
    """The manifest of `fitted`; `facts` are windows, data, metrics, metrics_from, parent and libraries of its run."""
    empty: dict[str, Any] = {
        "windows": {},
        "data": {},
        "metrics": {},
        "metrics_from": "",
        "parent": None,
        "libraries": {},
    }
    return Manifest(
        format=FORMAT,
        run_id=run_id,
        task=fitted.task,
        model=model,
        created_at=created_at,
        features=fitted.features,
        temperature=fitted.temperature,
        prior=fitted.prior,
        rule="likeliest",
        last_learned_week=last_learned_week,
        files={},
        **(empty | facts),
    )


def fit_model(
    task: Task,
    learner: Learner,
    baskets: Baskets,
    label: NDArray[np.int8],
    settings: TrainSettings,
    threads: int,
    hosts: Hosts = ALONE,
) -> Fitted:
    """Fit `learner` on n training baskets and their labels (positions in LABELS, shape (n,)).

    XX baskets teach which products are XX, and the prior; the learner itself sees the tiers only. Of several `hosts`,
    each gives its share of the baskets and ends with the same model.

    Raises
    ------
    UsageError : a whole tier is missing among the labels, or the learner is not one for several hosts
    """
    counts = hosts.total(np.bincount(label, minlength=len(LABELS)))
    shares = counts / max(counts.sum(), 1)
    prior = (float(shares[0]), float(shares[1]), float(shares[2]), float(shares[3]))
    scaled = label < len(TIERS)
    if task is not Task.FLAT:
        coarse = task is Task.COARSE
        features = np.zeros((len(baskets), len(BASKET_FEATURES)), np.float32)
        rng = np.random.default_rng(settings.seed)
        folds = out_of_fold_features(
            baskets, label, settings.leaning_penalty, settings.folds, rng, coarse=coarse, hosts=hosts
        )
        for rows, values in folds:
            features[rows] = values
        table = learn_table(baskets, label, settings.leaning_penalty, coarse=coarse, hosts=hosts)
        return Fitted(
            task, learner.fit(features[scaled], label[scaled], settings.seed, threads, hosts), table, {}, prior
        )
    vocabularies = {name: _vocabulary(baskets, name, hosts) for name in FLAT_CATEGORIES}
    features = flat_features(baskets, vocabularies)
    return Fitted(
        task, learner.fit(features[scaled], label[scaled], settings.seed, threads, hosts), None, vocabularies, prior
    )


def calibrated(fitted: Fitted, baskets: Baskets, label: NDArray[np.int8]) -> Fitted:
    """`fitted` with the temperature of maximum likelihood on n baskets that it was not fitted on.

    Raises
    ------
    DataError : no basket labelled LA, MM or UM is among them
    """
    rows = np.flatnonzero(label < len(TIERS))
    bundle = fitted.bundle()
    temperature = fit_temperature(label[rows], bundle.score(bundle.features(baskets.take(rows))))
    return Fitted(fitted.task, fitted.model, fitted.products, fitted.vocabularies, fitted.prior, temperature)


def _vocabulary(baskets: Baskets, name: str, hosts: Hosts) -> dict[str, int]:
    codes = getattr(baskets, name)
    present = union(hosts, (codes.values[i] for i in np.unique(codes.index) if i >= 0))
    return {code: number for number, code in enumerate(present)}
