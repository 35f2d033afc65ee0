"""The rules of fields and of XX in Great Expectations, on a pandas frame of text, generated from the contract.

The calendar's rules and the pairing of customer and segment have no expectation of their own there, and are left out.
"""

import great_expectations as gx
import great_expectations.expectations as gxe
import pandas as pd

from retail_forecast.domain.columns import COLUMNS, Column, Kind
from retail_forecast.lake.fields import SHAPES


def with_pandas(frame: pd.DataFrame) -> int:
    """Rows of `frame` at fault; text columns, empty fields as empty strings."""
    frame = frame.replace("", None)
    for column in COLUMNS:
        if column.minimum is not None:
            frame[f"{column.name} as number"] = pd.to_numeric(frame[column.name], errors="coerce")
    context = gx.get_context(mode="ephemeral")
    asset = context.data_sources.add_pandas("tills").add_dataframe_asset("rows")
    rules = [rule for column in COLUMNS for rule in _expectations(column)]
    suite = context.suites.add(gx.ExpectationSuite("rules", expectations=rules))
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    found = batch.validate(suite, result_format={"result_format": "COMPLETE"})
    return len({row for result in found.results for row in result.result.get("unexpected_index_list") or ()})


def _expectations(column: Column) -> list[gxe.Expectation]:
    found: list[gxe.Expectation] = []
    if not column.nullable:
        found.append(gxe.ExpectColumnValuesToNotBeNull(column=column.name))
    if column.kind in SHAPES:
        found.append(gxe.ExpectColumnValuesToMatchRegex(column=column.name, regex=SHAPES[column.kind]))
    if column.values:
        found.append(gxe.ExpectColumnValuesToBeInSet(column=column.name, value_set=list(column.values)))
    elif column.pattern:
        found.append(gxe.ExpectColumnValuesToMatchRegex(column=column.name, regex=f"^(?:{column.pattern})$"))
    elif column.kind is not Kind.DATE:
        name = f"{column.name} as number"
        found.append(gxe.ExpectColumnValuesToBeBetween(column=name, min_value=column.minimum, max_value=column.maximum))
    return found
