"""Leakage guard: nothing that a model learns may hold the answer that it is asked for.

A basket's features must not move when its own label does: whatever a feature is made of, an honest one has this
property. The guard changes labels, computes all features again and names the columns that moved, for a basket that is
learned from (leanings must be out of fold) and for those held out (their weeks must not be in the leanings). Beside
that, no basket may stand on both sides of the split, and no column that the task looks at may be a copy of the label.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.labels import TIERS
from retail_forecast.domain.settings import TrainSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.features.history import join_history, learned_past, week_of
from retail_forecast.kernel.arrival import ARRIVAL_FEATURES, SEGMENT_FEATURES
from retail_forecast.kernel.features import BASKET_FEATURES, COARSE_FEATURES, FLAT_CATEGORIES, FLAT_FEATURES
from retail_forecast.kernel.lines import HEADER, Baskets
from retail_forecast.models.examples import Features, Labels
from retail_forecast.models.findings import Leakage
from retail_forecast.models.fitting import fit_model
from retail_forecast.models.learners import Learner
from retail_forecast.models.linear import LOGISTIC, fit_logistic
from retail_forecast.models.twin import row_random_twin

__all__ = ["copied_columns", "find_leaks", "guard", "leaking_features"]

_LEARNED = 600
_HELD_OUT = 300
_TWIN = 1000
_COPY = 0.95
_LEAST_TOLD = 50
_LEAST_TIER = 20

Compute = Callable[[NDArray[np.int8]], NDArray[np.float32]]


def guard(
    task: Task,
    baskets: Baskets,
    label: NDArray[np.int8],
    learned: NDArray[np.intp],
    held_out: NDArray[np.intp],
    settings: TrainSettings,
) -> Leakage:
    """Look for leaks on a sample (600 baskets learned from and 300 held out, at most), with the code that trains.

    Parameters
    ----------
    baskets, label : all baskets that are at hand and their labels, positions in LABELS, shape (n,)
    learned, held_out : positions of the baskets that the model learns from, and of those it is measured on

    Raises
    ------
    UsageError : a whole tier is missing among the labels of the sample
    """
    rng = np.random.default_rng(settings.seed)
    leaks = [*_shared(baskets, learned, held_out)]
    one, other = _drawn(label, learned, _LEARNED, rng), _drawn(label, held_out, _HELD_OUT, rng)
    rows = np.concatenate([one, other])
    sample, truth, inside = baskets.take(rows), label[rows], np.arange(len(rows)) < len(one)
    compute, names = _features_of(task, sample, inside, settings)
    asked = _history_asked(sample, truth, inside) if task is Task.ARRIVAL else None
    leaks += find_leaks(compute, truth, inside, names, asked)
    leaks += [f"column {name} is a copy of the label" for name in copied_columns(sample, truth, inside, _columns(task))]
    few = _drawn(label, learned, _TWIN, rng)
    return Leakage(tuple(leaks), len(one), len(other), row_random_twin(baskets.take(few), label[few], rng))


def find_leaks(
    compute: Compute,
    label: NDArray[np.int8],
    learned: NDArray[np.bool_],
    names: tuple[str, ...],
    asked: tuple[int, NDArray[np.bool_]] | None = None,
) -> Iterator[str]:
    """Features that know the label of the basket they describe, each in a sentence.

    Parameters
    ----------
    compute, label, names : as in `leaking_features`
    learned : baskets that are learned from, bool of shape (n,); the others are held out
    asked : a basket that is learned from, to be looked at, and which baskets may know nothing of each other (bool of
        shape (n,)); the first one, and all, when None
    """
    scaled, as_they_are = label < len(TIERS), compute(label)
    first = int(np.flatnonzero(learned & scaled)[0])
    one, strangers = asked or (first, np.ones(len(label), np.bool_))
    sides = (
        ("a basket that is learned from", np.array([one])),
        ("baskets that are held out", np.flatnonzero(~learned & scaled & strangers)),
    )
    for side, rows in sides:
        for name in leaking_features(compute, label, rows, names, as_they_are):
            yield f"feature {name} of {side} depends on their own label"


def leaking_features(
    compute: Compute,
    label: NDArray[np.int8],
    rows: NDArray[np.intp],
    names: tuple[str, ...],
    before: NDArray[np.float32] | None = None,
) -> tuple[str, ...]:
    """Names of the features of the baskets at `rows` that depend on those baskets' own labels.

    Parameters
    ----------
    compute : labels of all n baskets -> features of all n baskets, shape (n, len(names)); deterministic
    label : labels as they are, positions in LABELS, shape (n,)
    rows : baskets whose labels are changed together; for out-of-fold features, baskets of one fold
    names : of the features, in order
    before : `compute(label)`, where it is known already
    """
    changed = label.copy()
    changed[rows] = np.where(label[rows] < len(TIERS), (label[rows] + 1) % len(TIERS), label[rows])
    known = compute(label) if before is None else before
    moved = (known[rows] != compute(changed)[rows]).any(axis=0)
    return tuple(name for name, moves in zip(names, moved, strict=True) if moves)


def copied_columns(
    baskets: Baskets, label: NDArray[np.int8], learned: NDArray[np.bool_], columns: Collection[str]
) -> tuple[str, ...]:
    """Those of `columns` that tell the label of nearly every basket held out, each by itself.

    A value is taken to mean the label that it mostly had among the baskets learned from. Columns that tell of few
    baskets, because their values do not come again, are not judged.

    Parameters
    ----------
    baskets, label : n baskets and their labels, positions in LABELS, shape (n,)
    learned : baskets that meanings are learned from, bool of shape (n,)
    columns : of the baskets' header
    """
    found = []
    for name in columns:
        codes = getattr(baskets, name)
        value, width = codes.index.astype(np.int64) % (len(codes.values) + 1), len(codes.values) + 1
        cells = value[learned] * len(TIERS) + np.minimum(label[learned], len(TIERS) - 1)
        counts = np.bincount(cells[label[learned] < len(TIERS)], minlength=width * len(TIERS)).reshape(width, -1)
        told = ~learned & (label < len(TIERS)) & (counts.sum(axis=1) > 0)[value]
        right = counts.argmax(axis=1)[value[told]] == label[told]
        if told.sum() >= _LEAST_TOLD and right.mean() >= _COPY:
            found.append(name)
    return tuple(found)


def _drawn(label: NDArray[np.int8], rows: NDArray[np.intp], size: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """A sample of `rows`, in order, that holds some of every tier which is there."""
    order = rng.permutation(rows)
    some = (order[label[order] == tier][:_LEAST_TIER] for tier in range(len(TIERS)))
    return np.unique(np.concatenate([order[:size], *some]))


def _shared(baskets: Baskets, learned: NDArray[np.intp], held_out: NDArray[np.intp]) -> Iterator[str]:
    both = np.intersect1d(baskets.basket_id.index[learned], baskets.basket_id.index[held_out])
    if len(both):
        yield f"{len(both)} baskets are learned from and held out at once"


def _features_of(
    task: Task, baskets: Baskets, learned: NDArray[np.bool_], settings: TrainSettings
) -> tuple[Compute, tuple[str, ...]]:
    """Labels -> features of all `baskets`, as training makes them for those `learned` and the scorer for the others."""
    if task is Task.ARRIVAL:
        return partial(_known, baskets, learned, settings), _names(task)
    quick = Learner("logistic", LOGISTIC, fit_logistic)

    def compute(label: NDArray[np.int8]) -> NDArray[np.float32]:
        seen: list[Features] = []

        def listen(features: Features, labels: Labels, given: Mapping[str, Any], seed: int, threads: int) -> bytes:
            seen.append(features)
            return fit_logistic(features, labels, given, seed, threads)

        rows = np.flatnonzero(learned)
        fitted = fit_model(task, replace(quick, train=listen), baskets.take(rows), label[rows], settings, 1)
        features = fitted.bundle().features(baskets)
        features[rows[label[rows] < len(TIERS)]] = seen[0]
        return features

    return compute, _names(task)


def _known(
    baskets: Baskets, learned: NDArray[np.bool_], settings: TrainSettings, label: NDArray[np.int8]
) -> NDArray[np.float32]:
    """What is known of each basket when rows arrive at once, at the end of their week."""
    rng, week = np.random.default_rng(settings.seed), week_of(baskets.shop_day)
    past, _ = learned_past(baskets, label, learned, settings.leaning_penalty, settings.folds, rng)
    until = int(week[learned].max())
    known = join_history(baskets, past, np.ones(len(week), np.bool_), 0, until=until).baskets.known
    assert known is not None  # noqa: S101 - joining is what gives it
    return known


def _history_asked(
    baskets: Baskets, label: NDArray[np.int8], learned: NDArray[np.bool_]
) -> tuple[int, NDArray[np.bool_]]:
    """A basket that is learned from and has a history, the newest one of a customer who came before; and the baskets
    of the newest week, which may know nothing of each other."""
    week, customer = week_of(baskets.shop_day), baskets.customer.index
    rows = np.flatnonzero(learned & (label < len(TIERS)))
    earlier = {int(code) for code in customer[rows[week[rows] < week[rows].max()]]} - {-1}
    back = [row for row in rows[np.argsort(week[rows], kind="stable")] if int(customer[row]) in earlier]
    newest: NDArray[np.bool_] = week == week.max()
    return int(back[-1] if back else rows[-1]), newest


def _names(task: Task) -> tuple[str, ...]:
    if task is Task.ARRIVAL:
        return ARRIVAL_FEATURES + SEGMENT_FEATURES
    return {Task.FLAT: FLAT_FEATURES, Task.COARSE: COARSE_FEATURES}.get(task, BASKET_FEATURES)


def _columns(task: Task) -> tuple[str, ...]:
    """Columns of the header that the task looks at."""
    if task is Task.FLAT:
        return tuple(name for name in FLAT_CATEGORIES if name in HEADER)
    return ("store_code",) if task is Task.COARSE else ()
