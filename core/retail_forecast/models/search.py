"""What tuning may change: one search space per learner, searched here and exported to the clouds.

A setting is the learner's own, or one of the training settings that shape its product leanings. Each range holds the
default, so that a search can start from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import TrainSettings
from retail_forecast.domain.tasks import Task

__all__ = [
    "SPACES",
    "Choice",
    "Parameter",
    "Range",
    "azureml_space",
    "sagemaker_ranges",
    "search_space",
    "split_settings",
]


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, both included.

    Attributes
    ----------
    name : of the setting
    log : searched on a logarithmic scale
    whole : integers only
    """

    name: str
    low: float
    high: float
    log: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values without an order."""

    name: str
    values: tuple[str, ...]


Parameter = Range | Choice

_LEANINGS: tuple[Parameter, ...] = (
    Range("leaning_penalty", 0.005, 1.0, log=True),
    Range("folds", 2, 6, whole=True),
)

SPACES: dict[str, tuple[Parameter, ...]] = {
    "embedding": (
        Range("kinds", 4, 24, log=True, whole=True),
        Range("hidden", 16, 64, log=True, whole=True),
        Range("vector_rate", 0.02, 0.4, log=True),
        Range("rate", 0.002, 0.05, log=True),
        Range("penalty", 0.01, 3.0, log=True),
    ),
    "tree": (
        Range("max_leaf_nodes", 32, 1024, log=True, whole=True),
        Range("min_samples_leaf", 1, 100, log=True, whole=True),
    ),
    "forest": (
        Range("n_estimators", 10, 100, log=True, whole=True),
        Range("max_leaf_nodes", 64, 1024, log=True, whole=True),
        Range("min_samples_leaf", 1, 50, log=True, whole=True),
        Range("max_samples", 0.1, 0.9),
    ),
    "logistic": (Range("C", 0.01, 100.0, log=True),),
    "xgboost": (
        Range("n_estimators", 50, 400, log=True, whole=True),
        Range("max_depth", 3, 9, whole=True),
        Range("learning_rate", 0.03, 0.5, log=True),
        Range("subsample", 0.5, 1.0),
        Range("colsample_bytree", 0.2, 1.0),
        Range("min_child_weight", 1.0, 100.0, log=True),
    ),
}
"""Settings of each learner, by its name; those of the leanings stand beside them where leanings are learned."""

_WITHOUT_LEANINGS = ("embedding",)
_LEANING_TASKS = (Task.BASKET, Task.COARSE)


def search_space(task: Task, model: str) -> tuple[Parameter, ...]:
    """What `tune` may change for `model` on `task`.

    Raises
    ------
    UsageError : no space is declared for a learner of that name
    """
    if model not in SPACES:
        raise UsageError(
            f"no search space is declared for {model!r}", where="--model", mend=f"choose one of {', '.join(SPACES)}"
        )
    return SPACES[model] + (_LEANINGS if task in _LEANING_TASKS and model not in _WITHOUT_LEANINGS else ())


def split_settings(chosen: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of the learner itself, and those of `TrainSettings`."""
    train = {name: value for name, value in chosen.items() if name in TrainSettings.model_fields}
    return {name: value for name, value in chosen.items() if name not in train}, train


def sagemaker_ranges(space: Sequence[Parameter]) -> dict[str, list[dict[str, Any]]]:
    """`space` as ParameterRanges of SageMaker's CreateHyperParameterTuningJob, where every value is text."""
    ranges = [p for p in space if isinstance(p, Range)]
    return {
        "IntegerParameterRanges": [_sagemaker_range(p) for p in ranges if p.whole],
        "ContinuousParameterRanges": [_sagemaker_range(p) for p in ranges if not p.whole],
        "CategoricalParameterRanges": [
            {"Name": p.name, "Values": list(p.values)} for p in space if isinstance(p, Choice)
        ],
    }


def azureml_space(space: Sequence[Parameter]) -> dict[str, dict[str, Any]]:
    """`space` as search_space of an Azure ML sweep job (CLI v2), whose logarithmic expressions take natural logarithms
    as their bounds."""
    return {p.name: _azureml_expression(p) for p in space}


def _sagemaker_range(parameter: Range) -> dict[str, str]:
    low, high = (f"{bound:.0f}" if parameter.whole else f"{bound}" for bound in (parameter.low, parameter.high))
    scaling = "Logarithmic" if parameter.log else "Linear"
    return {"Name": parameter.name, "MinValue": low, "MaxValue": high, "ScalingType": scaling}


def _azureml_expression(parameter: Parameter) -> dict[str, Any]:
    if isinstance(parameter, Choice):
        return {"type": "choice", "values": list(parameter.values)}
    low, high = (log(bound) if parameter.log else bound for bound in (parameter.low, parameter.high))
    kind = ("q" if parameter.whole else "") + ("loguniform" if parameter.log else "uniform")
    step = {"q": 1} if parameter.whole else {}
    return {"type": kind, "min_value": low, "max_value": high, **step}
