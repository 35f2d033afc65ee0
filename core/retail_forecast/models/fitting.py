"""Baskets and labels to a fitted model: features without leaks, one learner, and the files of a bundle."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from retail_forecast.bundle.history import history_files
from retail_forecast.bundle.manifest import FORMAT, Manifest
from retail_forecast.bundle.products import product_files
from retail_forecast.bundle.scorer import MODEL, VOCABULARIES, Bundle
from retail_forecast.clouds.hosts import ALONE, Hosts
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.labels import LABELS, TIERS
from retail_forecast.domain.settings import TrainSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.arrival import ARRIVAL_FEATURES, SEGMENT_FEATURES, History
from retail_forecast.kernel.features import FLAT_FEATURES, feature_names
from retail_forecast.kernel.lines import Baskets
from retail_forecast.kernel.prices import by_price_key
from retail_forecast.kernel.products import ProductTable
from retail_forecast.models.calibration import fit_calibration
from retail_forecast.models.deciding import LIKELIEST, Weights
from retail_forecast.models.examples import Examples, examples_of
from retail_forecast.models.learners import AnyLearner, VectorLearner, learners_of

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
    temperature, noise : of the calibration; 1 and 0 until then
    weights : of the probabilities, before the likeliest label is taken
    history : what was known of customers and stores when the model was made; of `arrival` only
    segments : whether `arrival` looks at the customer file
    """

    task: Task
    model: bytes
    products: ProductTable | None
    vocabularies: Mapping[str, Mapping[str, int]]
    prior: tuple[float, float, float, float]
    temperature: float = 1.0
    noise: float = 0.0
    weights: Weights = LIKELIEST
    history: History | None = None
    segments: bool = False

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the model's inputs."""
        if self.task is Task.ARRIVAL:
            return ARRIVAL_FEATURES + (SEGMENT_FEATURES if self.segments else ())
        return FLAT_FEATURES if self.products is None else feature_names(self.products.columns)

    def files(self) -> dict[str, bytes]:
        """The bundle's files, but for card and manifest."""
        if self.products is not None:
            known = history_files(self.history) if self.history else {}
            return {MODEL: self.model, **product_files(self.products), **known}
        return {MODEL: self.model, VOCABULARIES: msgspec.json.encode(self.vocabularies, order="sorted")}

    def bundle(self, threads: int = 1) -> Bundle:
        """The scorer of this model, as the bundle will be once it is written and loaded."""
        unnamed = manifest_of(self, run_id="", model="", created_at=datetime.fromtimestamp(0, UTC), last_learned_week=0)
        return Bundle(unnamed, "", self.model, self.products, self.vocabularies, threads, self.history)


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
        noise=fitted.noise,
        prior=fitted.prior,
        weights=fitted.weights,
        last_learned_week=last_learned_week,
        files={},
        **(empty | facts),
    )


def fit_model(
    task: Task,
    learner: AnyLearner,
    baskets: Baskets,
    label: NDArray[np.int8],
    settings: TrainSettings,
    threads: int,
    hosts: Hosts = ALONE,
    examples: Examples | None = None,
) -> Fitted:
    """Fit `learner` on n training baskets and their labels (positions in LABELS, shape (n,)).

    XX baskets teach which products are XX, and the prior; the learner itself sees the tiers only. Of several `hosts`,
    each gives its share of the baskets and ends with the same model.

    Parameters
    ----------
    examples : those of the baskets, where they are at hand: learners of one task share them

    Raises
    ------
    UsageError : a whole tier is missing among the labels, or the learner is not one for the task or for several hosts
    """
    counts = hosts.total(np.bincount(label, minlength=len(LABELS)))
    shares = counts / max(counts.sum(), 1)
    prior = (float(shares[0]), float(shares[1]), float(shares[2]), float(shares[3]))
    if isinstance(learner, VectorLearner):
        model, table = learner.fit(_with_products(task, learner, baskets), label, settings.seed, hosts)
        return Fitted(task, model, table, {}, prior)
    given = examples or examples_of(task, baskets, label, settings, hosts)
    model = learner.fit(given.features, given.label, settings.seed, threads, hosts)
    return Fitted(task, model, given.products, given.vocabularies, prior, segments=settings.segments)


def calibrated(fitted: Fitted, baskets: Baskets, label: NDArray[np.int8]) -> Fitted:
    """`fitted` with the calibration of maximum likelihood on n baskets that it was not fitted on.

    Raises
    ------
    DataError : no basket labelled LA, MM or UM is among them
    """
    rows = np.flatnonzero(label < len(TIERS))
    bundle = fitted.bundle()
    temperature, noise = fit_calibration(label[rows], bundle.score(bundle.features(baskets.take(rows))))
    return replace(fitted, temperature=temperature, noise=noise)


def _with_products(task: Task, learner: VectorLearner, baskets: Baskets) -> Baskets:
    """The baskets as `task` sees them, with something to learn vectors of."""
    if learner.name not in learners_of(task):
        raise UsageError(
            f"{learner.name} learns vectors of products, and the task {task} does not look at products",
            where="--model",
            mend="choose another model, or another task",
        )
    return by_price_key(baskets) if task is Task.COARSE else baskets
