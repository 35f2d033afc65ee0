"""Figures as lines of CloudWatch's embedded metric format, of which CloudWatch makes metrics by itself.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import math
from collections.abc import Mapping
from datetime import datetime

import msgspec

from retail_forecast.domain.errors import DataError

__all__ = ["metric_line"]

_MOST_METRICS = 100
_MOST_DIMENSIONS = 30


def metric_line(namespace: str, dimensions: Mapping[str, str], metrics: Mapping[str, float], now: datetime) -> str:
    """One line of the format; the metrics are without a unit.

    Parameters
    ----------
    namespace : of the metrics
    dimensions : that tell the metrics from others of their names, with their values
    metrics : values by name, at least one
    now : when they were measured, with its time zone

    Raises
    ------
    DataError : there is no metric, too many, or one that is no finite number
    """
    names = set(dimensions) & set(metrics)
    if not 1 <= len(metrics) <= _MOST_METRICS or len(dimensions) > _MOST_DIMENSIONS or names:
        raise DataError(
            f"{len(metrics)} metrics in {len(dimensions)} dimensions make no line of metrics",
            mend=f"give 1 to {_MOST_METRICS} metrics, at most {_MOST_DIMENSIONS} dimensions, and each another name",
        )
    if not all(map(math.isfinite, metrics.values())):
        raise DataError(f"a metric is no finite number: {dict(metrics)}", mend="leave it out")
    directive = {
        "Namespace": namespace,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": name, "Unit": "None"} for name in metrics],
    }
    about = {"Timestamp": round(now.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    return msgspec.json.encode({"_aws": about, **dimensions, **metrics}).decode()
