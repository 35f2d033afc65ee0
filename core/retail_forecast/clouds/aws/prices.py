"""The price table and the workload of an estimate, both files that people read and change."""

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import yaml

from retail_forecast.domain.errors import UsageError

__all__ = ["Listed", "Price", "PriceTable", "read_prices", "read_workload", "write_prices"]

Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where a price stands in AWS's Price List: `per` units of the list make one of ours."""

    service: str
    usage: str
    operation: str = ""
    per: int = 1


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One price [USD per unit], where it stands, as of when, and how it came into the table: read from AWS's Price
    List, quoted from it by others, or written down from memory."""

    id: str
    usd: Annotated[float, msgspec.Meta(gt=0)]
    unit: str
    source: Annotated[str, msgspec.Meta(pattern=r"^https://")]
    date: Day
    basis: Literal["list", "quoted", "memory"]
    listed: Listed | None = None


class PriceTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices of one region."""

    region: str
    currency: str
    note: str
    prices: tuple[Price, ...]

    @property
    def as_of(self) -> date:
        """The day of the oldest price."""
        return date.fromisoformat(min(price.date for price in self.prices))

    def price(self, name: str) -> Price:
        """The price of that id.

        Raises
        ------
        UsageError : there is none
        """
        for price in self.prices:
            if price.id == name:
                return price
        raise UsageError(
            f"the price table has no {name}", where="aws/cost/prices.json", mend="add a line with its source and date"
        )


def read_prices(file: Path) -> PriceTable:
    """The price table.

    Raises
    ------
    UsageError : it is missing or does not fit
    """
    try:
        return msgspec.json.decode(file.read_bytes(), type=PriceTable)
    except (OSError, msgspec.MsgspecError) as error:
        raise UsageError(f"the price table cannot be used: {error}", where=str(file), mend="correct it") from error


def write_prices(file: Path, table: PriceTable) -> None:
    """Write the table as people read it: one price a line."""
    head = {"region": table.region, "currency": table.currency, "note": table.note}
    lines = [f"  {_json(key)}: {_json(value)}," for key, value in head.items()]
    prices = ",\n".join(f"    {_json(price)}" for price in table.prices)
    text = "\n".join(["{", *lines, '  "prices": [', prices, "  ]", "}", ""])
    partial = file.with_suffix(".part")
    partial.write_text(text, "utf-8")
    partial.replace(file)


def _json(value: object) -> str:
    return json.dumps(msgspec.to_builtins(value), ensure_ascii=False)


def read_workload(file: Path) -> Mapping[str, float]:
    """Quantities of a month by name.

    Raises
    ------
    UsageError : it is missing or does not fit
    """
    try:
        return msgspec.convert(yaml.safe_load(file.read_text("utf-8")), dict[str, float])
    except (OSError, yaml.YAMLError, msgspec.MsgspecError) as error:
        raise UsageError(f"the workload cannot be used: {error}", where=str(file), mend="correct it") from error
