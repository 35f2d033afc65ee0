"""Feature groups as SageMaker Feature Store is told of them, which Terraform reads.

`aws/feature-groups.json` is `document()`, written by `make docs`; a test compares them.
"""

import json

import pyarrow as pa

from retail_forecast.features.groups import GROUPS

__all__ = ["document", "feature_type"]


def feature_type(kind: pa.DataType) -> str:
    """SageMaker's type of a column (`FeatureDefinition.FeatureType`): Integral, Fractional or String.

    >>> feature_type(pa.decimal128(12, 2))
    'Fractional'
    """
    if pa.types.is_integer(kind):
        return "Integral"
    return "Fractional" if pa.types.is_decimal(kind) or pa.types.is_floating(kind) else "String"


def document() -> str:
    """The whole of `aws/feature-groups.json`: by group, the names of id and event time, and the features with their
    types; the event time is text as ISO 8601 writes it."""
    keys = {"record_id": "String", "event_time": "String"}
    groups = {
        str(name): {
            "record_id": "record_id",
            "event_time": "event_time",
            "features": keys | {field.name: feature_type(field.type) for field in group.features},
        }
        for name, group in sorted(GROUPS.items())
    }
    return json.dumps(groups, indent=2) + "\n"
