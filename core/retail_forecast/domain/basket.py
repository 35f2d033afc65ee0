"""The basket: one shape for a row of gold, a training example, a line of a batch file and the body of a request.

BASKET_SIZE is not part of it: it follows from the lines. Money travels as pounds and is integer pence inside.
"""

from datetime import date
from typing import Annotated, Any

import msgspec

from retail_forecast.domain.columns import column

__all__ = ["Basket", "Line", "basket_schema", "basket_size"]


def _meta(name: str) -> msgspec.Meta:
    """The constraint of a column of the contract, as the decoder and the API's schema enforce it."""
    spec = column(name)
    description = f"{spec.description} [{spec.unit}]" if spec.unit else spec.description
    if spec.pattern:
        return msgspec.Meta(pattern=f"^{spec.pattern}$", description=description)
    return msgspec.Meta(ge=spec.minimum, le=spec.maximum, description=description)


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One product in a basket.

    Raises
    ------
    ValueError : spend_gbp has parts of a penny
    """

    quantity: Annotated[int, _meta("QUANTITY")]
    spend_gbp: Annotated[float, _meta("SPEND")]
    prod_code: Annotated[str, _meta("PROD_CODE")] | None = None
    prod_code_10: Annotated[str, _meta("PROD_CODE_10")] | None = None
    prod_code_20: Annotated[str, _meta("PROD_CODE_20")] | None = None
    prod_code_30: Annotated[str, _meta("PROD_CODE_30")] | None = None
    prod_code_40: Annotated[str, _meta("PROD_CODE_40")] | None = None

    def __post_init__(self) -> None:
        if round(self.spend_gbp * 100) / 100 != self.spend_gbp:
            raise ValueError("`spend_gbp` has more than two decimals")


class Basket(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One visit to a till. Only `lines` is needed to ask for a prediction of a finished basket."""

    lines: tuple[Line, ...]
    basket_id: str | None = None
    shop_date: date | None = None
    shop_hour: Annotated[int, _meta("SHOP_HOUR")] | None = None
    store_code: Annotated[str, _meta("STORE_CODE")] | None = None
    store_region: Annotated[str, _meta("STORE_REGION")] | None = None
    store_format: str | None = None
    customer: Annotated[str, _meta("CUST_CODE")] | None = None
    seg_1: str | None = None
    seg_2: str | None = None
    type: str | None = None
    mission: str | None = None


def basket_size(quantity: int) -> str:
    """BASKET_SIZE of a basket with `quantity` items in all.

    >>> [basket_size(n) for n in (1, 2, 3, 9, 10)]
    ['S', 'S', 'M', 'M', 'L']
    """
    if quantity <= 2:
        return "S"
    return "M" if quantity <= 9 else "L"


def basket_schema() -> dict[str, Any]:
    """JSON schema of a basket, components included (the API's schema and the documentation's source)."""
    (schema,), components = msgspec.json.schema_components((Basket,), ref_template="#/components/schemas/{name}")
    return {"schema": schema, "components": components}
