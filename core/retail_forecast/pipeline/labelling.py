"""Which labels a run learns: those of the tills, or labels made by a rule for a retailer that has none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retail_forecast.bundle.manifest import digest_of
from retail_forecast.bundle.scorer import Predictions
from retail_forecast.domain.errors import DataError
from retail_forecast.domain.labels import LABELS, TIERS, LabelSource
from retail_forecast.features.weak_labels import (
    UNLABELLED,
    customer_labels,
    price_labels,
    product_tiers,
    read_customers,
)
from retail_forecast.lake.reading import Labelled
from retail_forecast.models.evaluation import always_mm, evaluate

__all__ = ["GIVEN", "PRICE_TIERS", "Labels", "agreement", "kept_customers", "labels_of", "relabelled"]

GIVEN, PRICE_TIERS = "given", "price-tiers"

_FOLDER = "labels"


@dataclass(frozen=True, slots=True)
class Labels:
    """Where labels come from.

    Attributes
    ----------
    source : the kind
    customers : the file of customers as it is kept in the workspace, named by its digest; empty for other kinds
    """

    source: LabelSource = LabelSource.GIVEN
    customers: str = ""


def labels_of(workspace: Path, words: str) -> Labels:
    """What `words` means: "given", "price-tiers", or a file of customers, of which the workspace keeps a copy.

    Raises
    ------
    DataError : the file is not there, or does not fit
    """
    if words == GIVEN:
        return Labels()
    if words == PRICE_TIERS:
        return Labels(LabelSource.PRICE_TIERS)
    read_customers(Path(words))
    payload = Path(words).read_bytes()
    kept = workspace / _FOLDER / f"{digest_of(payload)}.csv"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(payload)
    return Labels(LabelSource.CUSTOMER_FILE, kept.name)


def relabelled(workspace: Path, gold: Labelled, labels: Labels, learned: Sequence[int]) -> Labelled:
    """`gold` with the labels of `labels`; a basket that gets none counts as incomplete, so that nothing looks at it.

    Parameters
    ----------
    learned : weeks of which prices may be learned, YYYYWW

    Raises
    ------
    DataError : the kept file of customers is gone or damaged, or no basket gets a label
    """
    if labels.source is LabelSource.GIVEN:
        return gold
    made = _made(workspace, gold, labels, learned)
    if not (made != UNLABELLED).any():
        raise DataError("no basket gets a label", where="--labels", mend="give a file that names customers of the lake")
    return replace(gold, label=made, complete=gold.complete & (made != UNLABELLED))


def agreement(given: NDArray[np.int8], made: NDArray[np.int8], answers: Predictions) -> dict[str, Any] | None:
    """How the answers of a model, the labels made for it, and MM for every basket agree with the labels of the tills.

    Parameters
    ----------
    given, made : labels of n baskets, positions in LABELS
    answers : the model's, for the same baskets

    Returns
    -------
    baskets counted, then accuracy and macro F1 over LA, MM and UM of each; None when the tills give no tier
    """
    if not (given < len(TIERS)).any():
        return None
    rule = np.eye(len(LABELS))[made]
    figures = {
        "model": evaluate(given, answers.probabilities, answers.label),
        "rule": evaluate(given, rule, made),
        "always_mm": always_mm(given, given),
    }
    shown = {name: {"accuracy": one.accuracy, "macro_f1": one.macro_f1} for name, one in figures.items()}
    return {"baskets": figures["model"].n, **shown}


def _made(workspace: Path, gold: Labelled, labels: Labels, learned: Sequence[int]) -> NDArray[np.int8]:
    if labels.source is LabelSource.PRICE_TIERS:
        rows = np.flatnonzero(np.isin(gold.shop_week, learned))
        return price_labels(gold.baskets, product_tiers(gold.baskets.take(rows)))
    return customer_labels(gold.baskets, read_customers(kept_customers(workspace, labels)))


def kept_customers(workspace: Path, labels: Labels) -> Path:
    """The file of customers that the workspace keeps for `labels`.

    Raises
    ------
    DataError : it is gone or damaged
    """
    kept = workspace / _FOLDER / labels.customers
    if not kept.is_file() or f"{digest_of(kept.read_bytes())}.csv" != labels.customers:
        raise DataError(
            "the file of customers is gone, or not what the labels were made from",
            where=str(kept),
            mend="restore it, or train again with --labels FILE",
        )
    return kept
