"""What the emulator lacks of CloudWatch: metrics out of log lines, and alarms that are judged.

The emulator keeps log lines, metrics and alarms, and answers questions about them; nothing goes from one to the other
by itself. `judged` does, once, what CloudWatch does all the time, by the documented rules:

- a line with `_aws` gives each metric that its directives name, with their dimensions, at its timestamp
  (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html);
- an alarm looks at its last `EvaluationPeriods` periods; it goes off when `DatapointsToAlarm` of them breach. Where no
  period has data, `TreatMissingData` decides, of which `ignore` keeps the state
  (https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html).

Alarms on percentiles are passed over: of those the emulator makes no statistics.
"""

import json
import operator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

COMPARISONS = {
    "GreaterThanThreshold": operator.gt,
    "GreaterThanOrEqualToThreshold": operator.ge,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
WITHOUT_DATA = {"notBreaching": "OK", "breaching": "ALARM", "missing": "INSUFFICIENT_DATA"}


def judged(region: str, group: str, prefix: str) -> dict[str, str]:
    """The states of the alarms whose names begin with `prefix`, by name, after all lines of a log group have become
    metrics, each once."""
    logs, cloudwatch = boto3.client("logs", region_name=region), boto3.client("cloudwatch", region_name=region)
    for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]:
        found = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True)
        for event in found["events"]:
            _measure(cloudwatch, json.loads(event["message"]))
        logs.delete_log_stream(logGroupName=group, logStreamName=stream["logStreamName"])
    alarms = cloudwatch.describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
    return {alarm["AlarmName"]: _state(cloudwatch, alarm) for alarm in alarms if "Statistic" in alarm}


def _measure(cloudwatch: Any, line: dict[str, Any]) -> None:  # noqa: ANN401 - boto3 has no types
    now = datetime.fromtimestamp(line["_aws"]["Timestamp"] / 1000, UTC)
    for directive in line["_aws"]["CloudWatchMetrics"]:
        for names in directive["Dimensions"]:
            dimensions = [{"Name": name, "Value": line[name]} for name in names]
            data = [
                {"MetricName": m["Name"], "Dimensions": dimensions, "Timestamp": now, "Value": line[m["Name"]]}
                for m in directive["Metrics"]
            ]
            cloudwatch.put_metric_data(Namespace=directive["Namespace"], MetricData=data)


def _state(cloudwatch: Any, alarm: dict[str, Any]) -> str:  # noqa: ANN401
    end = datetime.now(UTC) + timedelta(seconds=1)
    about = {name: alarm[name] for name in ("Namespace", "MetricName", "Dimensions", "Period")}
    start = end - timedelta(seconds=alarm["Period"] * alarm["EvaluationPeriods"])
    found = cloudwatch.get_metric_statistics(StartTime=start, EndTime=end, Statistics=[alarm["Statistic"]], **about)
    values = [point[alarm["Statistic"]] for point in found["Datapoints"]]
    breaching = sum(COMPARISONS[alarm["ComparisonOperator"]](value, alarm["Threshold"]) for value in values)
    state = "ALARM" if breaching >= alarm.get("DatapointsToAlarm", alarm["EvaluationPeriods"]) else "OK"
    if not values:
        state = WITHOUT_DATA.get(alarm.get("TreatMissingData", "missing"), alarm["StateValue"])
    cloudwatch.set_alarm_state(
        AlarmName=alarm["AlarmName"], StateValue=state, StateReason=f"{values} of the last periods"
    )
    return state
