"""Baskets out of columns again, one by one, as a client sends them: the way back from `lines.baskets_from_rows`."""

from datetime import date, timedelta

from retail_forecast.domain.basket import Basket, Line
from retail_forecast.domain.calendar import EPOCH
from retail_forecast.kernel.lines import HEADER, LEVELS, MISSING, Baskets

__all__ = ["rows_of"]


def rows_of(baskets: Baskets) -> list[Basket]:
    """The baskets one by one; what was known of them is left out, and so is PROD_CODE_40, which columns do not hold."""
    codes = zip(*(getattr(baskets, name).to_list() for name in LEVELS), strict=True)
    pounds = (pence / 100 for pence in baskets.spend_pence.tolist())
    lines = [
        Line(quantity, spend_gbp, *products)
        for quantity, spend_gbp, products in zip(baskets.quantity.tolist(), pounds, codes, strict=True)
    ]
    headers = zip(*(getattr(baskets, name).to_list() for name in HEADER), strict=True)
    ends = zip(baskets.offsets[:-1].tolist(), baskets.offsets[1:].tolist(), strict=True)
    moments = zip(baskets.shop_day.tolist(), baskets.shop_hour.tolist(), strict=True)
    return [
        Basket(
            tuple(lines[first:last]),
            shop_date=_date(day),
            shop_hour=None if hour == MISSING else hour,
            **dict(zip(HEADER, header, strict=True)),
        )
        for (first, last), (day, hour), header in zip(ends, moments, headers, strict=True)
    ]


def _date(day: int) -> date | None:
    return None if day == MISSING else EPOCH + timedelta(day)
