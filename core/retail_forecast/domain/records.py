"""Records of the feature store: what stands for one product, customer or store from an event on.

The contract is that of Amazon SageMaker Feature Store (Developer Guide, "Feature Store concepts", `PutRecord`,
`DeleteRecord`): a record has an id, an event time and a write time; online the greatest event time wins and older
records go to history only; a record may expire, and be deleted by a later one. Known time is ours: when a record could
first have been read. Of equal event times the record known later wins, which is a correction.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

__all__ = ["FeatureGroup", "OnlineStore", "Record", "Value"]

Value = str | int | float | None


class FeatureGroup(StrEnum):
    """What records are about."""

    PRODUCT = "product"
    """groups that a product belongs to: facts of the catalogue"""
    CUSTOMER = "customer"
    """segments of a customer, and counts and sums over the baskets so far"""
    STORE = "store"
    """region and format of a store, and counts and sums over its baskets so far"""


@dataclass(frozen=True, slots=True)
class Record:
    """What stands for one id from `event_time` on.

    Attributes
    ----------
    record_id : product, customer or store
    event_time : since when it stands, in UTC
    known_time : since when it could be read, in UTC
    write_time : when it was written, in UTC; for audits only
    values : the features
    expires_at : from when on it is no longer given, in UTC; None = never
    deleted : from `event_time` on, nothing stands for the id; `values` are empty
    """

    record_id: str
    event_time: datetime
    known_time: datetime
    write_time: datetime
    values: Mapping[str, Value] = field(default_factory=dict)
    expires_at: datetime | None = None
    deleted: bool = False


class OnlineStore(Protocol):
    """The newest record of every id, for whoever asks for one by name. Implementations behave alike."""

    def put(self, group: FeatureGroup, records: Sequence[Record]) -> int:
        """Write records, in any order; returns how many of them stand: those with an event time, or an equal one and a
        known time, before that of the record that stands are let go.

        Raises
        ------
        PlaceError : the store did not take them; what it took stays, and may be put again
        """

    def get(self, group: FeatureGroup, record_ids: Collection[str], now: datetime) -> dict[str, Record]:
        """The records that stand, by id; an id without one, or with a deleted or expired one, is left out.

        Raises
        ------
        PlaceError : the store did not answer
        """
