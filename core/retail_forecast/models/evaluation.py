"""Figures of a model on labelled baskets.

The main figures are over baskets whose true label is LA, MM or UM; `with_xx` holds the same over all four labels.
Probabilities and answers always range over all four: a classified basket that is answered XX counts as an error. Rates
that are undefined are 0 (see `confusion`).
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.errors import DataError
from retail_forecast.domain.labels import LABELS, TIERS, Label
from retail_forecast.models.confusion import confusion_counts, rates
from retail_forecast.models.reliability import ReliabilityBin, expected_calibration_error, reliability_curve

__all__ = ["Metrics", "always_mm", "evaluate", "likeliest"]

_SUM_TOLERANCE = 1e-4
_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)  # scikit-learn's clip in log_loss, so that the figures compare


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures over n baskets.

    Attributes
    ----------
    n : baskets counted
    accuracy, macro_f1, log_loss : log loss in nats
    ece : expected calibration error over the bins of `reliability`
    precision, recall, f1 : per label
    confusion : baskets by true label, then by answer
    reliability : bins of equal mass, by rising confidence
    with_xx : the figures with XX as a fourth class; None within itself
    """

    n: int
    accuracy: float
    macro_f1: float
    log_loss: float
    ece: float
    precision: dict[str, float]
    recall: dict[str, float]
    f1: dict[str, float]
    confusion: dict[str, dict[str, int]]
    reliability: tuple[ReliabilityBin, ...]
    with_xx: "Metrics | None" = None

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values for JSON, `with_xx` nested; nothing is rounded."""
        figures = asdict(self)
        figures["reliability"] = list(figures["reliability"])
        figures.pop("with_xx")
        return figures if self.with_xx is None else figures | {"with_xx": self.with_xx.to_dict()}


def likeliest(probabilities: NDArray[np.float64]) -> NDArray[np.int8]:
    """The likeliest label of each row of shape (n, 4), as positions in LABELS of shape (n,); the first of equals."""
    answers: NDArray[np.int8] = probabilities.argmax(axis=1).astype(np.int8)
    return answers


def evaluate(
    label: NDArray[np.int8], probabilities: NDArray[np.float64], answer: NDArray[np.int8] | None = None
) -> Metrics:
    """Figures of `probabilities` against `label`.

    Parameters
    ----------
    label : true labels, positions in LABELS, shape (n,)
    probabilities : shape (n, 4) in the order of LABELS, rows sum to one
    answer : labels answered, positions in LABELS, shape (n,); the likeliest ones when None

    Raises
    ------
    DataError : shapes or values that do not fit, or no basket labelled LA, MM or UM
    """
    _check(label, probabilities)
    answered = likeliest(probabilities) if answer is None else answer
    tiers = label < len(TIERS)
    if not tiers.any():
        raise DataError("no basket labelled LA, MM or UM to evaluate", mend="choose weeks that hold labelled baskets")
    main = _figures(label[tiers], probabilities[tiers], answered[tiers], len(TIERS))
    return replace(main, with_xx=_figures(label, probabilities, answered, len(LABELS)))


def always_mm(train_label: NDArray[np.int8], label: NDArray[np.int8]) -> Metrics:
    """Figures of the simplest answer, MM for every basket, with the shares of the training labels as its probabilities.

    Parameters
    ----------
    train_label, label : labels of training and of the baskets evaluated, positions in LABELS, shapes (m,) and (n,)
    """
    shares = np.bincount(train_label, minlength=len(LABELS)) / max(len(train_label), 1)
    answer = np.full(len(label), LABELS.index(Label.MM), np.int8)
    return evaluate(label, np.tile(shares, (len(label), 1)), answer)


def _figures(
    label: NDArray[np.int8], probabilities: NDArray[np.float64], answer: NDArray[np.int8], classes: int
) -> Metrics:
    names = [str(name) for name in LABELS]
    counts = confusion_counts(label, answer, classes)
    rate = rates(counts)
    rows = np.arange(len(label))
    curve = reliability_curve(probabilities[rows, answer], label == answer)
    truth = np.maximum(probabilities[rows, label], _LEAST_PROBABILITY)
    return Metrics(
        n=len(label),
        accuracy=float(rate.accuracy),
        macro_f1=float(rate.macro_f1),
        log_loss=float(-np.log(truth).mean()),
        ece=expected_calibration_error(curve),
        precision=dict(zip(names, rate.precision.tolist(), strict=False)),
        recall=dict(zip(names, rate.recall.tolist(), strict=False)),
        f1=dict(zip(names, rate.f1.tolist(), strict=False)),
        confusion={names[i]: dict(zip(names, row, strict=True)) for i, row in enumerate(counts.tolist())},
        reliability=curve,
    )


def _check(label: NDArray[np.int8], probabilities: NDArray[np.float64]) -> None:
    if probabilities.shape != (len(label), len(LABELS)):
        raise DataError(f"{len(label)} labels need probabilities of shape ({len(label)}, 4), not {probabilities.shape}")
    if len(label) and not (label.min() >= 0 and label.max() < len(LABELS)):
        raise DataError(f"labels must be positions 0 to 3 in {'/'.join(LABELS)}", mend="leave unlabelled baskets out")
    if not (np.all(probabilities >= 0) and np.all(np.abs(probabilities.sum(axis=1) - 1) <= _SUM_TOLERANCE)):
        raise DataError("probabilities must be at least 0 and sum to one in every row")
