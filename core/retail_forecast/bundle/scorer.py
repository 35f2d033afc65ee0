"""The one scorer: a verified bundle answers for baskets, one or a million, with the same arithmetic.

Probabilities of LA, MM and UM come from the ONNX model over the kernel's features, calibrated (`calibration`). XX is a
property of products: a basket is XX as far as all its products are (the least of the lines' chances). A basket without
one known product gets the prior of the training baskets. Where lines are not looked at, every basket has the training
baskets' share of XX.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as _pybind

from retail_forecast.bundle.calibration import calibrate
from retail_forecast.bundle.history import KEYS, SUMS, read_history
from retail_forecast.bundle.manifest import MANIFEST, Manifest, digest_of, read_manifest
from retail_forecast.bundle.ordering import FEW, ORDER, alike
from retail_forecast.bundle.products import CODES, ROWS, read_products
from retail_forecast.bundle.snapshot import Snapshot, known_by
from retail_forecast.domain.basket import Basket
from retail_forecast.domain.errors import BundleError
from retail_forecast.domain.labels import LABELS, TIERS
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.arrival import (
    ARRIVAL_COLUMNS,
    ARRIVAL_FEATURES,
    SEEN,
    SEGMENT_FEATURES,
    History,
)
from retail_forecast.kernel.features import (
    FLAT_CATEGORIES,
    FLAT_FEATURES,
    basket_features,
    feature_names,
    flat_features,
    look_up,
)
from retail_forecast.kernel.lines import LEVELS, Baskets, baskets_from_rows
from retail_forecast.kernel.prices import by_price_key
from retail_forecast.kernel.products import ProductTable

__all__ = ["ATTRIBUTIONS", "MODEL", "VOCABULARIES", "Bundle", "Predictions", "load_bundle"]

MODEL = "model.onnx"
VOCABULARIES = "vocabularies.json"
ATTRIBUTIONS = "attributions"
"""Key in the model's metadata: a JSON list with the mean absolute SHAP value of each input."""

_NEEDS = {
    Task.BASKET: (CODES, ROWS),
    Task.COARSE: (CODES, ROWS),
    Task.ARRIVAL: (CODES, ROWS, KEYS, SUMS),
    Task.FLAT: (VOCABULARIES,),
}
"""Files of a bundle for each task, beside the model."""

_ROWS = 1 << 15

_IS_XX = -1


class Predictions(msgspec.Struct, frozen=True):
    """Answers for n baskets.

    Attributes
    ----------
    probabilities : float64 array of shape (n, 4), order of LABELS, rows sum to one
    label : int8 array of shape (n,), positions in LABELS, by the rule of the manifest
    unknown_share : float64 array of shape (n,), share of a basket's lines whose product the model never saw; 1 without
        lines. Where lines are not looked at: 1 for a customer without a history, else 0
    features : float32 array of shape (n, len(manifest.features)), what the model looked at
    history_week : int32 array of shape (n,), week at whose end the history ends that answered, counted from the
        calendar's EPOCH; None where there is none
    """

    probabilities: NDArray[np.float64]
    label: NDArray[np.int8]
    unknown_share: NDArray[np.float64]
    features: NDArray[np.float32]
    history_week: NDArray[np.int32] | None = None

    def part(self, first: int, last: int) -> "Predictions":
        """The answers for baskets `first` to `last`, the latter not among them."""
        return Predictions(
            self.probabilities[first:last],
            self.label[first:last],
            self.unknown_share[first:last],
            self.features[first:last],
            None if self.history_week is None else self.history_week[first:last],
        )


class Bundle:
    """A loaded bundle. Made by `load_bundle`; safe to share between threads."""

    def __init__(
        self,
        manifest: Manifest,
        digest: str,
        model: bytes,
        products: ProductTable | None,
        vocabularies: Mapping[str, Mapping[str, int]],
        threads: int,
        history: History | None = None,
    ) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.manifest = manifest
        self.digest = digest
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._facts = self._session.get_modelmeta().custom_metadata_map
        self._input = self._session.get_inputs()[0].name
        self._output = self._session.get_outputs()[-1].name
        self.products = products
        self._is_xx = np.ascontiguousarray(products.values[:, _IS_XX]) if products else np.empty(0)
        self.vocabularies = vocabularies
        self._prior = np.asarray(manifest.prior)
        self._weights = np.asarray(manifest.weights)
        self.history = history
        self._snapshot: Snapshot | None = None
        self._order = msgspec.json.decode(self._facts.get(ORDER, "[]"), type=list[int])

    @property
    def snapshot(self) -> Snapshot | None:
        """What it follows; None while it answers from its own history."""
        return self._snapshot

    def follow(self, snapshot: Snapshot) -> None:
        """Answer from `snapshot` from now on, where it knows more than the history of the bundle; requests under way
        end as they began.

        Raises
        ------
        BundleError : it was made for another bundle
        """
        if snapshot.bundle_digest != self.digest:
            raise BundleError(
                "the snapshot was made for another model",
                where=self.manifest.run_id,
                mend="`retail-forecast features materialize` makes one for the champion",
            )
        self._snapshot = snapshot

    def predict_rows(self, rows: Sequence[Basket]) -> Predictions:
        """Answer for baskets as they come in a request."""
        return self.predict(self.baskets(rows))

    def baskets(self, rows: Sequence[Basket]) -> Baskets:
        """Baskets of a request in columns, as far as this model looks at them."""
        return baskets_from_rows(rows, self._columns(rows))

    def predict(self, baskets: Baskets) -> Predictions:
        """Answer for every basket; an arriving one by what was known of it (`Baskets.known`), else by the history that
        the bundle holds."""
        if self.manifest.task is Task.ARRIVAL:
            return self._predict_arrival(baskets)
        if self.products is None:
            return self._predict_flat(baskets)
        baskets = self._visible(baskets)
        found = look_up(baskets, self.products)
        features = basket_features(baskets, self.products, found)
        counts = baskets.line_counts
        probabilities = self._with_xx(features, _least(self._is_xx.take(found.rows), baskets.offsets))
        probabilities[found.unknown == counts] = self._prior
        unknown_share = np.where(counts > 0, found.unknown / np.maximum(counts, 1), 1.0)
        return self._answers(probabilities, unknown_share, features)

    def score(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated probabilities of LA, MM, UM for rows of features; float64 of shape (n, 3)."""
        raw = np.empty((len(features), len(TIERS)))
        for first in range(0, len(features), _ROWS):
            part = slice(first, first + _ROWS)
            raw[part] = self._run(features[part])
        return calibrate(raw, self.manifest.temperature, self.manifest.noise)

    def _run(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """The model's own probabilities.

        A lone row is run twice: ONNX Runtime multiplies one row by another routine than several, and its rounding would
        set a basket alone apart from the same basket in a batch. Many rows are run in the order that suits the model.
        """
        probabilities = np.empty((len(features), len(TIERS)), np.float32)
        order: NDArray[np.intp] | slice = slice(len(features))
        rows = features
        if len(features) == 1:
            rows = np.repeat(features, 2, axis=0)
        elif self._order and len(features) >= FEW:
            order = alike(features, self._order)
            rows = features.take(order, axis=0)
        probabilities[order] = self._session.run([self._output], {self._input: rows})[0][: len(features)]
        return probabilities

    def features(self, baskets: Baskets) -> NDArray[np.float32]:
        """The model's inputs for `baskets`, shape (n, len(manifest.features))."""
        if self.manifest.task is Task.ARRIVAL:
            return self._known(baskets)[0][:, : len(self.manifest.features)]
        if self.products is None:
            return flat_features(baskets, self.vocabularies)
        return basket_features(self._visible(baskets), self.products)

    def attributions(self) -> dict[str, float]:
        """Mean absolute SHAP value of each feature, largest first; empty where the learner left none in its model."""
        left = self._facts.get(ATTRIBUTIONS, "[]")
        values = zip(self.manifest.features, msgspec.json.decode(left, type=list[float]), strict=False)
        return dict(sorted(values, key=lambda item: -item[1]))

    def _visible(self, baskets: Baskets) -> Baskets:
        """What the task may look at."""
        if self.products is None or self.manifest.task is not Task.COARSE:
            return baskets
        return by_price_key(baskets, self.products.products)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of baskets that may decide."""
        if self.manifest.task is Task.ARRIVAL:
            return ARRIVAL_COLUMNS
        if self.products is None:
            return FLAT_CATEGORIES
        return (*LEVELS, "store_code") if self.manifest.task is Task.COARSE else LEVELS

    def _columns(self, rows: Sequence[Basket]) -> tuple[str, ...]:
        """The columns of `rows` that decide; groups of products do where a product is unknown."""
        if self.manifest.task is not Task.BASKET or self.products is None:
            return self.columns
        known = self.products.products
        return LEVELS[:1] if all(line.prod_code in known for row in rows for line in row.lines) else LEVELS

    def _predict_flat(self, baskets: Baskets) -> Predictions:
        share = np.full(len(baskets), self._prior[3])
        features = self.features(baskets)
        probabilities = self._with_xx(features, share)
        return self._answers(probabilities, np.where(baskets.line_counts > 0, 0.0, 1.0), features)

    def _predict_arrival(self, baskets: Baskets) -> Predictions:
        known, week = self._known(baskets)
        features = known[:, : len(self.manifest.features)]
        probabilities = self._with_xx(features, np.full(len(baskets), self._prior[3]))
        return self._answers(probabilities, np.where(known[:, SEEN] > 0, 0.0, 1.0), features, week)

    def _known(self, baskets: Baskets) -> tuple[NDArray[np.float32], NDArray[np.int32] | None]:
        """What was known of each basket, and at the end of which week where the bundle knows that."""
        if baskets.known is not None:
            return baskets.known, None
        if self.history is None:
            raise BundleError("the model has no history of customers and stores", mend="join it to the baskets first")
        followed = self._snapshot
        if followed is None:
            return known_by(baskets, [self.history], 0)
        later = [history for history in followed.histories if history.week > self.history.week]
        return known_by(baskets, [self.history, *later], followed.lag_days)

    def _answers(
        self,
        probabilities: NDArray[np.float64],
        unknown_share: NDArray[np.float64],
        features: NDArray[np.float32],
        history_week: NDArray[np.int32] | None = None,
    ) -> Predictions:
        label = (probabilities * self._weights).argmax(axis=1).astype(np.int8)
        return Predictions(probabilities, label, unknown_share, features, history_week)

    def _with_xx(self, features: NDArray[np.float32], chance: NDArray[np.float64]) -> NDArray[np.float64]:
        probabilities = np.empty((len(features), len(LABELS)))
        np.multiply(self.score(features), (1 - chance)[:, None], out=probabilities[:, :-1])
        probabilities[:, -1] = chance
        return probabilities


def load_bundle(folder: Path, expected: str | None = None, threads: int = 1) -> Bundle:
    """Verify the bundle in `folder` and load it.

    Parameters
    ----------
    expected : digest of the bundle, as the champion pointer names it
    threads : of ONNX Runtime within one call

    Raises
    ------
    BundleError : missing, damaged, of another format, or made for features that this version computes differently
    """
    manifest = read_manifest(folder, expected)
    needed = _NEEDS[manifest.task]
    if absent := sorted({MODEL, *needed} - set(manifest.files)):
        raise BundleError(f"the bundle lacks {', '.join(absent)}", where=str(folder), mend="train again")
    products = read_products(folder) if CODES in needed else None
    history = read_history(folder) if KEYS in needed else None
    if manifest.features not in _features_of(manifest.task, products):
        raise BundleError(
            "the model was trained on other features than this version computes",
            where=str(folder),
            mend="train again with this version",
        )
    vocabularies: dict[str, Any] = {} if products else msgspec.json.decode((folder / VOCABULARIES).read_bytes())
    digest = expected or digest_of((folder / MANIFEST).read_bytes())
    try:
        return Bundle(manifest, digest, (folder / MODEL).read_bytes(), products, vocabularies, threads, history)
    except (_pybind.InvalidProtobuf, _pybind.Fail, _pybind.InvalidGraph, _pybind.InvalidArgument) as error:
        raise BundleError(
            f"the model cannot be opened: {error}", where=str(folder / MODEL), mend="train again"
        ) from error


def _features_of(task: Task, products: ProductTable | None) -> tuple[tuple[str, ...], ...]:
    """The lists of features that a model of `task` may have."""
    if task is Task.ARRIVAL:
        return ARRIVAL_FEATURES, ARRIVAL_FEATURES + SEGMENT_FEATURES
    return (feature_names(products.columns) if products else FLAT_FEATURES,)


def _least(values: NDArray[np.float64], offsets: NDArray[np.int64]) -> NDArray[np.float64]:
    """Least value of each basket's lines, 0 for a basket without lines; shape (n,)."""
    starts = offsets[:-1]
    filled = offsets[1:] > starts
    if filled.all() and len(filled):
        least: NDArray[np.float64] = np.minimum.reduceat(values, starts)
        return least
    out = np.zeros(len(filled))
    if filled.any():
        out[filled] = np.minimum.reduceat(values, starts[filled])
    return out
