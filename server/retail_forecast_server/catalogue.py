"""The products that a model knows, to be searched by part of their code.

Codes have no names in the data; what a product stands for is told by the answer to a basket of it alone.
"""

from heapq import nsmallest
from http import HTTPStatus
from urllib.parse import parse_qsl

import msgspec

from retail_forecast.domain.basket import Basket, Line
from retail_forecast.domain.labels import LABELS, Label
from retail_forecast_server.models import Model
from retail_forecast_server.problems import Problem

__all__ = ["LIMITS", "Product", "search"]

LIMITS = (1, 50)
_USUAL = 20
_LONGEST = 100
"""A query comes from the client; a long one is not sent back whole [characters]."""


class Product(msgspec.Struct, frozen=True):
    """A product, and the answer to a basket of one piece of it for a pound.

    Attributes
    ----------
    probability : of that answer
    """

    prod_code: str
    label: Label
    probability: float


def search(query: bytes, model: Model) -> list[Product]:
    """The first products by code that `query`, as `q=PART&limit=N`, asks for.

    Raises
    ------
    Problem : a name or a value is not known, or the model looks at no products
    """
    part, limit = _read(query)
    if model.bundle.products is None:
        raise Problem(HTTPStatus.NOT_FOUND, f"The model for task {model.task} does not look at products.")
    codes = nsmallest(limit, (code for code in model.bundle.products.products if part.upper() in code))
    if not codes:
        return []
    found = model.predict([Basket((Line(1, 1.0, code),)) for code in codes])
    rows = zip(codes, found.label.tolist(), found.probabilities.max(axis=1).tolist(), strict=True)
    return [Product(code, LABELS[label], probability) for code, label, probability in rows]


def _read(query: bytes) -> tuple[str, int]:
    part, limit = "", _USUAL
    for name, value in parse_qsl(query.decode("latin-1"), keep_blank_values=True):
        if name == "q":
            part = value
        elif name == "limit" and value.isascii() and value.isdigit() and LIMITS[0] <= int(value) <= LIMITS[1]:
            limit = int(value)
        else:
            told = f"The query {name}={value}"[:_LONGEST]
            mend = f" is not known: ask with q=PART_OF_A_CODE and limit={LIMITS[0]} to {LIMITS[1]}."
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, told + mend)
    return part, limit
