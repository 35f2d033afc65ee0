"""Storage of the lake that does not do what was asked: whatever library notices, it is told in one way."""

from contextlib import AbstractContextManager

import duckdb
from deltalake.exceptions import DeltaError

from retail_forecast.clouds import faults
from retail_forecast.clouds.addresses import Address

__all__ = ["told_as_place"]


def told_as_place(where: Address) -> AbstractContextManager[None]:
    """Turn errors of disk, tables and stores into a `PlaceError` that names `where`, as `clouds.faults` tells them."""
    return faults.told_as_place(where, DeltaError, duckdb.IOException, duckdb.OutOfMemoryException)
