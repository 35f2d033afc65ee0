"""One search space per learner, and its form for the clouds."""

from math import exp

import pytest

from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import TrainSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.models.learners import LEARNERS
from retail_forecast.models.search import (
    SPACES,
    Choice,
    Range,
    azureml_space,
    sagemaker_ranges,
    search_space,
    split_settings,
)

SPACE = (
    Range("rate", 0.01, 1.0, log=True),
    Range("share", 0.5, 1.0),
    Range("depth", 2, 9, whole=True),
    Range("trees", 10, 1000, log=True, whole=True),
    Choice("kind", ("a", "b")),
)


def test_every_learner_has_a_space() -> None:
    assert set(SPACES) == set(LEARNERS)


@pytest.mark.parametrize("model", SPACES)
def test_spaces_name_settings_that_exist_and_hold_the_defaults(model: str) -> None:
    defaults = {**TrainSettings().model_dump(), **LEARNERS[model].settings}
    for parameter in search_space(Task.BASKET, model):
        start = defaults[parameter.name]
        if isinstance(parameter, Range):
            assert parameter.low <= start <= parameter.high
        else:
            assert start in parameter.values


def test_leanings_are_tuned_where_they_are_learned() -> None:
    names = {task: {p.name for p in search_space(task, "xgboost")} for task in (Task.BASKET, Task.FLAT)}
    assert names[Task.BASKET] - names[Task.FLAT] == {"leaning_penalty", "folds"}


def test_a_learner_without_a_space_is_refused() -> None:
    with pytest.raises(UsageError, match="oracle"):
        search_space(Task.BASKET, "oracle")


def test_settings_go_to_whom_they_belong() -> None:
    assert split_settings({"C": 2.0, "folds": 4}) == ({"C": 2.0}, {"folds": 4})


def test_sagemaker_ranges_are_text_of_the_documented_kinds() -> None:
    ranges = sagemaker_ranges(SPACE)
    assert set(ranges) == {"IntegerParameterRanges", "ContinuousParameterRanges", "CategoricalParameterRanges"}
    assert ranges["CategoricalParameterRanges"] == [{"Name": "kind", "Values": ["a", "b"]}]
    assert ranges["IntegerParameterRanges"] == [
        {"Name": "depth", "MinValue": "2", "MaxValue": "9", "ScalingType": "Linear"},
        {"Name": "trees", "MinValue": "10", "MaxValue": "1000", "ScalingType": "Logarithmic"},
    ]
    assert ranges["ContinuousParameterRanges"] == [
        {"Name": "rate", "MinValue": "0.01", "MaxValue": "1.0", "ScalingType": "Logarithmic"},
        {"Name": "share", "MinValue": "0.5", "MaxValue": "1.0", "ScalingType": "Linear"},
    ]


def test_a_sweep_takes_the_logarithms_of_the_bounds() -> None:
    space = azureml_space(SPACE)
    assert space["kind"] == {"type": "choice", "values": ["a", "b"]}
    assert space["share"] == {"type": "uniform", "min_value": 0.5, "max_value": 1.0}
    assert space["depth"] == {"type": "quniform", "min_value": 2, "max_value": 9, "q": 1}
    assert (space["rate"]["type"], space["trees"]["type"]) == ("loguniform", "qloguniform")
    assert [exp(space["trees"][bound]) for bound in ("min_value", "max_value")] == pytest.approx([10, 1000])
