"""The rules of fields and rows in pandera, on pandas or Polars frames of text, generated from the contract."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pandera.pandas as pandas_api
import pandera.polars as polars_api
import polars as pl
import pyarrow as pa
from pandera.errors import SchemaErrors

from retail_forecast.domain.calendar import EPOCH
from retail_forecast.domain.columns import COLUMNS, Column, Kind
from retail_forecast.lake.fields import SHAPES


def with_pandas(frame: pd.DataFrame) -> int:
    """Rows of `frame` at fault; text columns, empty fields as empty strings."""
    schema = pandas_api.DataFrameSchema(
        {c.name: pandas_api.Column(checks=[pandas_api.Check(f) for f in _series_checks(c)]) for c in COLUMNS},
        checks=[pandas_api.Check(f) for f in (_weekday, _week, _unclassified, _anonymous)],
    )
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        return int(errors.failure_cases["index"].nunique())
    return 0


def _series_checks(column: Column) -> list[Callable[["pd.Series[Any]"], "pd.Series[bool]"]]:
    checks: list[Callable[[pd.Series[Any]], pd.Series[bool]]] = []
    if not column.nullable:
        checks.append(lambda s: s != "")
    if column.kind in SHAPES:
        checks.append(lambda s: s.str.match(SHAPES[column.kind]) | (s == ""))
    if column.kind is Kind.DATE:
        checks.append(lambda s: pd.to_datetime(s, format="%Y%m%d", errors="coerce").notna() | (s == ""))
    elif column.values:
        checks.append(lambda s: s.isin(column.values) | (s == ""))
    elif column.pattern:
        checks.append(lambda s: s.str.fullmatch(column.pattern) | (s == ""))
    else:
        checks.append(
            lambda s: pd.to_numeric(s, errors="coerce").between(column.minimum or 0, column.maximum or 0) | (s == "")
        )
    return checks


def _days(frame: pd.DataFrame) -> "pd.Series[Any]":
    return pd.to_datetime(frame["SHOP_DATE"], format="%Y%m%d", errors="coerce")


def _weekday(frame: pd.DataFrame) -> "pd.Series[Any]":
    days = _days(frame)
    told = pd.to_numeric(frame["SHOP_WEEKDAY"], errors="coerce")
    agrees: pd.Series[bool] = ((days.dt.dayofweek + 1) % 7 + 1 == told) | days.isna()
    return agrees


def _week(frame: pd.DataFrame) -> "pd.Series[Any]":
    days = _days(frame)
    weeks = (days - pd.Timestamp(EPOCH)).dt.days // 7
    told = (2006 + weeks // 52) * 100 + weeks % 52 + 1
    return (told == pd.to_numeric(frame["SHOP_WEEK"], errors="coerce")) | days.isna()


def _unclassified(frame: pd.DataFrame) -> "pd.Series[Any]":
    return (frame["BASKET_TYPE"] == "XX") == (frame["BASKET_DOMINANT_MISSION"] == "XX")


def _anonymous(frame: pd.DataFrame) -> "pd.Series[Any]":
    anonymous: pd.Series[bool] = (frame["CUST_CODE"] == "") == (frame["seg_1"] == "")
    return anonymous


def with_polars(rows: pa.Table) -> int:
    """Rows at fault, of text columns with empty fields as empty strings."""
    frame = pl.DataFrame(pl.from_arrow(rows))
    day = pl.col("SHOP_DATE").str.to_date("%Y%m%d", strict=False)
    weeks = (day - pl.lit(EPOCH)).dt.total_days() // 7
    number = {name: pl.col(name).cast(pl.Int64, strict=False) for name in ("SHOP_WEEK", "SHOP_WEEKDAY")}
    whole = [
        ((day.dt.weekday() % 7 + 1) == number["SHOP_WEEKDAY"]).fill_null(True),
        (((2006 + weeks // 52) * 100 + weeks % 52 + 1) == number["SHOP_WEEK"]).fill_null(True),
        (pl.col("BASKET_TYPE") == "XX") == (pl.col("BASKET_DOMINANT_MISSION") == "XX"),
        (pl.col("CUST_CODE") == "") == (pl.col("seg_1") == ""),
    ]
    schema = polars_api.DataFrameSchema(
        {c.name: polars_api.Column(pl.String, checks=[_polars_check(e) for e in _expressions(c)]) for c in COLUMNS},
        checks=[_polars_check(e) for e in whole],
    )
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        return int(np.unique(errors.failure_cases["index"].drop_nulls().to_numpy()).size)
    return 0


def _polars_check(expression: pl.Expr) -> polars_api.Check:
    return polars_api.Check(lambda data: data.lazyframe.select(expression))


def _expressions(column: Column) -> list[pl.Expr]:
    text = pl.col(column.name)
    empty = text == ""
    found = [] if column.nullable else [~empty]
    if column.kind in SHAPES:
        found.append(text.str.contains(SHAPES[column.kind]) | empty)
    if column.kind is Kind.DATE:
        found.append(text.str.to_date("%Y%m%d", strict=False).is_not_null() | empty)
    elif column.values:
        found.append(text.is_in(list(column.values)) | empty)
    elif column.pattern:
        found.append(text.str.contains(f"^(?:{column.pattern})$") | empty)
    else:
        number = text.cast(pl.Float64, strict=False)
        found.append(number.is_between(column.minimum or 0, column.maximum or 0).fill_null(False) | empty)
    return found
