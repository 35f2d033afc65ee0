"""The price table compared with AWS's public Price List, which needs no account.

The list of a service and region is a CSV file with five lines about itself, a header, and a line for each price (AWS
Billing User Guide, "Reading the service price list file for an AWS service"). It is read line by line: that of EC2 is
larger than memory should hold.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from urllib.error import URLError
from urllib.request import urlopen

import msgspec

from retail_forecast.clouds.aws.prices import Listed, Price, PriceTable
from retail_forecast.domain.errors import PlaceError

__all__ = ["LISTS", "Comparison", "compare", "renewed"]

LISTS = "https://pricing.us-east-1.amazonaws.com"
"""Where AWS publishes its lists."""

_TIMEOUT_S = 60
_HEADINGS = 5


@dataclass(frozen=True, slots=True)
class Comparison:
    """A price and those that the list has for it: one where all is well, none or several where the line names it badly.

    Attributes
    ----------
    found : prices of the first tier [USD per unit of the table]
    """

    price: Price
    found: tuple[float, ...]

    @property
    def agrees(self) -> bool:
        """The list has this price and no other."""
        return self.found == (self.price.usd,)

    def __str__(self) -> str:
        told = ", ".join(f"{usd:g}" for usd in self.found) or "nothing"
        return f"{self.price.id}: {self.price.usd:g} a {self.price.unit}; the list says {told}"


def compare(table: PriceTable, lists: str = LISTS) -> list[Comparison]:
    """Each price of the table that names its place in the list, beside the list.

    Raises
    ------
    PlaceError : a list cannot be fetched or read
    """
    wanted = [(price, price.listed) for price in table.prices if price.listed]
    found: dict[str, set[float]] = {price.id: set() for price, _ in wanted}
    for service in sorted({listed.service for _, listed in wanted}):
        sought = [(price, listed) for price, listed in wanted if listed.service == service]
        for row in _rows(f"{lists}/offers/v1.0/aws/{service}/current/{table.region}/index.csv"):
            _note(row, sought, found)
    return [Comparison(price, tuple(sorted(found[price.id]))) for price, _ in wanted]


def renewed(table: PriceTable, compared: Sequence[Comparison], today: date) -> PriceTable:
    """The table with the list's price wherever the list has just one."""
    new = {
        each.price.id: msgspec.structs.replace(each.price, usd=each.found[0], date=today.isoformat(), basis="list")
        for each in compared
        if len(each.found) == 1
    }
    return msgspec.structs.replace(table, prices=tuple(new.get(price.id, price) for price in table.prices))


def _note(row: Mapping[str, str], sought: Sequence[tuple[Price, Listed]], found: Mapping[str, set[float]]) -> None:
    if row["TermType"] != "OnDemand" or row["Currency"] != "USD" or row["StartingRange"] not in ("0", ""):
        return
    for price, listed in sought:
        if row["usageType"] == listed.usage and listed.operation in ("", row["operation"]):
            usd = round(float(row["PricePerUnit"]) * listed.per, 10)
            if usd:
                found[price.id].add(usd)


def _rows(url: str) -> Iterator[dict[str, str]]:
    try:
        with urlopen(url, timeout=_TIMEOUT_S) as answer:  # noqa: S310 - the address is AWS's, or given by whoever runs it
            lines = io.TextIOWrapper(answer, "utf-8", newline="")
            for _ in range(_HEADINGS):
                next(lines)
            yield from csv.DictReader(lines)
    except (URLError, OSError, StopIteration, KeyError, ValueError, csv.Error) as error:
        raise PlaceError(
            f"a price list of AWS cannot be read: {error}", where=url, mend="try again later; the table is as it was"
        ) from error
