"""Rows: baskets that arrived in columns, and become objects when somebody goes through them, some at a time."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from retail_forecast.domain.basket import Basket
from retail_forecast.kernel.lines import Baskets
from retail_forecast.kernel.rows import rows_of

__all__ = ["Rows"]

_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class Rows(Collection[Basket]):
    """The baskets of a batch, as far as the model looks at them.

    Attributes
    ----------
    baskets : n of them, in columns
    ids : gives the id of each, None where it has none; None where no ids were given
    """

    baskets: Baskets
    ids: Callable[[], Sequence[str | None]] | None

    def __len__(self) -> int:
        return len(self.baskets)

    def __iter__(self) -> Iterator[Basket]:
        ids = [None] * len(self) if self.ids is None else self.ids()
        for first in range(0, len(self), _AT_ONCE):
            places = np.arange(first, min(first + _AT_ONCE, len(self)))
            for place, row in zip(places.tolist(), rows_of(self.baskets.take(places)), strict=True):
                yield msgspec.structs.replace(row, basket_id=ids[place])

    def __contains__(self, basket: object) -> bool:
        return any(row == basket for row in self)
