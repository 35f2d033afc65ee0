"""Pricing error: how far the tier assigned to a basket lies from its actual one, where LA = 0, MM = 1, UM = 2.

The tier assigned is the one with the least expected distance under the model's probabilities; the error is the mean
distance to the actual tier over baskets labelled LA, MM or UM. The baseline is the best of three rules that need no
model.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.errors import DataError
from retail_forecast.domain.labels import TIERS, Label
from retail_forecast.kernel.lines import Baskets

__all__ = ["PricingBaseline", "assigned_tier", "pricing_baseline", "pricing_error", "pricing_figures"]

_GROUPINGS = {"segment": "seg_1", "store": "store_code"}

_MIDDLE = TIERS.index(Label.MM)
_MIDDLE_FIRST = np.array([_MIDDLE, *(t for t in range(len(TIERS)) if t != _MIDDLE)])


@dataclass(frozen=True, slots=True)
class PricingBaseline:
    """The best rule without a model.

    Attributes
    ----------
    rule : "always_mm", or the name of the grouping whose modes were best
    error : its mean distance in tiers
    """

    rule: str
    error: float


def assigned_tier(probabilities: NDArray[np.float64]) -> NDArray[np.int8]:
    """Tier of least expected distance for each row.

    Parameters
    ----------
    probabilities : shape (n, 4) in the order of LABELS; the share of XX has no place on the scale and is ignored

    Returns
    -------
    positions in TIERS, shape (n,); of equal tiers MM is taken
    """
    tiers = np.arange(len(TIERS))
    distance = np.abs(tiers[:, None] - _MIDDLE_FIRST[None, :]).astype(np.float64)
    expected = probabilities[:, : len(TIERS)] @ distance
    assigned: NDArray[np.int8] = _MIDDLE_FIRST[expected.argmin(axis=1)].astype(np.int8)
    return assigned


def pricing_error(label: NDArray[np.int8], tier: NDArray[np.int8]) -> float:
    """Mean distance [tiers] of `tier`, positions in TIERS of shape (n,), to `label`, positions in LABELS; no XX.

    Raises
    ------
    DataError : no basket is labelled LA, MM or UM
    """
    rows = label < len(TIERS)
    if not rows.any():
        raise DataError("no basket labelled LA, MM or UM to price", mend="choose weeks that hold labelled baskets")
    return float(np.abs(label[rows].astype(np.int64) - tier[rows]).mean())


def pricing_baseline(
    train_label: NDArray[np.int8],
    label: NDArray[np.int8],
    train_groups: Mapping[str, NDArray[np.int32]],
    groups: Mapping[str, NDArray[np.int32]],
) -> PricingBaseline:
    """The best of always-MM and of the commonest tier per group (segment, store), learned on training baskets.

    Which rule is best is read off the evaluated baskets themselves, in the baselines' favour.

    Parameters
    ----------
    train_label, label : positions in LABELS, shapes (m,) and (n,)
    train_groups, groups : per grouping its codes in one common numbering, shapes (m,) and (n,); -1, the missing
        code, is a group of its own
    """
    errors = {"always_mm": pricing_error(label, np.full(len(label), _MIDDLE, np.int8))}
    for name, train_codes in train_groups.items():
        errors[name] = pricing_error(label, _modes(train_label, train_codes, groups[name]))
    rule = min(errors, key=lambda name: errors[name])
    return PricingBaseline(rule, errors[rule])


def pricing_figures(
    train: Baskets, train_label: NDArray[np.int8], baskets: Baskets, label: NDArray[np.int8], tier: NDArray[np.int8]
) -> dict[str, Any]:
    """The pricing error of `tier`, that of the best rule without a model, and by how much the one is below the other.

    Parameters
    ----------
    train, train_label : m baskets that simple rules learn from, and their labels, positions in LABELS
    baskets, label, tier : n baskets, their labels, and the tiers assigned to them (positions in TIERS)

    Returns
    -------
    `pricing_error` [tiers], `pricing_baseline` with its rule and error, and `pricing_error_reduction`, a share of the
    baseline's error
    """
    groups, train_groups = {}, {}
    for name, column in _GROUPINGS.items():
        known, asked = getattr(train, column), getattr(baskets, column)
        numbers = {value: number for number, value in enumerate(dict.fromkeys((*known.values, *asked.values)))}
        train_groups[name], groups[name] = known.lookup(numbers), asked.lookup(numbers)
    baseline = pricing_baseline(train_label, label, train_groups, groups)
    error = pricing_error(label, tier)
    return {
        "pricing_error": error,
        "pricing_baseline": {"rule": baseline.rule, "error": baseline.error},
        "pricing_error_reduction": 1 - error / baseline.error if baseline.error else 0.0,
    }


def _modes(train_label: NDArray[np.int8], train_codes: NDArray[np.int32], codes: NDArray[np.int32]) -> NDArray[np.int8]:
    """Commonest training tier of each basket's group; MM where training has not seen the group."""
    rows = train_label < len(TIERS)
    size = int(max(train_codes.max(initial=-1), codes.max(initial=-1))) + 2
    cells = (train_codes[rows].astype(np.int64) + 1) * len(TIERS) + train_label[rows]
    counts = np.bincount(cells, minlength=size * len(TIERS)).reshape(size, len(TIERS))
    modes = _MIDDLE_FIRST.astype(np.int8)[counts[:, _MIDDLE_FIRST].argmax(axis=1)]
    found: NDArray[np.int8] = modes[codes + 1]
    return found
