"""Lines of metrics are what CloudWatch's specification asks for, and bear the names that the alarms stand on."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import pytest

from retail_forecast.domain.errors import DataError
from retail_forecast.monitoring.emf import metric_line
from retail_forecast.pipeline.emission import NAMESPACE

NOW = datetime(2026, 11, 22, 15, 27, tzinfo=UTC)
METRICS = json.loads((Path(__file__).parents[2] / "aws/metrics.json").read_text("utf-8"))

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=250)]


# The specification's schema, without what is not used here (storage resolution, nested targets).
class Metric(msgspec.Struct, forbid_unknown_fields=True):
    Name: Name
    Unit: Literal["None"]


class Directive(msgspec.Struct, forbid_unknown_fields=True):
    Namespace: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    Dimensions: Annotated[list[Annotated[list[Name], msgspec.Meta(max_length=30)]], msgspec.Meta(min_length=1)]
    Metrics: Annotated[list[Metric], msgspec.Meta(max_length=100)]


class About(msgspec.Struct, forbid_unknown_fields=True):
    Timestamp: Annotated[int, msgspec.Meta(ge=0)]
    CloudWatchMetrics: list[Directive]


def test_a_line_fits_the_specification_and_names_only_what_it_holds() -> None:
    text = metric_line("RetailForecast/dev", {"Task": "basket"}, {"LiveAccuracy": 0.9, "DriftIndex": 0.01}, NOW)
    assert "\n" not in text
    line = json.loads(text)
    (directive,) = msgspec.convert(line["_aws"], About).CloudWatchMetrics
    for name in (*directive.Dimensions[0], *(metric.Name for metric in directive.Metrics)):
        assert name in line, "a target that is missing makes no metric"
    assert line["_aws"]["Timestamp"] == 1795361220000
    assert (line["LiveAccuracy"], line["Task"]) == (0.9, "basket")


@pytest.mark.parametrize(
    ("dimensions", "metrics"),
    [
        ({"Task": "basket"}, {}),
        ({}, {"a": float("nan")}),
        ({"a": "x"}, {"a": 1.0}),
        ({}, {str(number): 1.0 for number in range(101)}),
        ({str(number): "x" for number in range(31)}, {"a": 1.0}),
    ],
)
def test_what_is_no_line_is_refused(dimensions: dict[str, str], metrics: dict[str, float]) -> None:
    with pytest.raises(DataError):
        metric_line("RetailForecast/dev", dimensions, metrics, NOW)


def test_the_alarms_stand_on_what_is_sent() -> None:
    watched = {name: metric for name, metric in METRICS["metrics"].items() if metric["source"] == "emf"}
    assert set(watched) == {"LiveAccuracy", "DriftIndex"}
    assert all(metric["dimensions"] == {"Task": "basket"} for metric in watched.values())
    assert METRICS["namespace"] == NAMESPACE
