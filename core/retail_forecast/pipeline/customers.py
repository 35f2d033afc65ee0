"""Customers as of a week, as a file."""

from pathlib import Path

import numpy as np

from retail_forecast.lake.customers import read_customers
from retail_forecast.pipeline.predict import require_format, write_table
from retail_forecast.pipeline.segments import FORMATS
from retail_forecast.pipeline.workspace import lake_path, lake_state

__all__ = ["write_customers"]


def write_customers(workspace: Path, output: Path, *, as_of_week: int) -> tuple[int, int]:
    """Write one row per customer known as of `as_of_week`; returns how many they are, and their baskets.

    Raises
    ------
    UsageError : the output's name says no known format, or the week is not in the lake
    DataError : nothing has been ingested yet
    """
    require_format(output, FORMATS)
    found = read_customers(lake_path(workspace), lake_state(workspace), as_of_week)
    write_table(found, output)
    return len(found), int(np.sum(found["baskets"].to_numpy()))
