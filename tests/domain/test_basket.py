"""The basket's shape: what decodes, what is refused, and what the schema says of it."""

import msgspec
import pytest

from retail_forecast.domain.basket import Basket, Line, basket_schema, basket_size

LINE = b'{"quantity":1,"spend_gbp":1.01}'


@pytest.mark.parametrize(("items", "size"), [(1, "S"), (2, "S"), (3, "M"), (9, "M"), (10, "L"), (5000, "L")])
def test_size_follows_from_the_items(items: int, size: str) -> None:
    assert basket_size(items) == size


def test_only_lines_with_quantity_and_spend_are_required() -> None:
    basket = msgspec.json.decode(b'{"lines":[' + LINE + b"]}", type=Basket)
    assert basket == Basket((Line(1, 1.01),))


@pytest.mark.parametrize("spend", [0.0, 0.01, 0.29, 1.1, 4.35, 1.15, 2594.9, 9_999_999.0, 9_999_998.99])
def test_whole_pence_are_accepted(spend: float) -> None:
    assert msgspec.json.decode(msgspec.json.encode(Line(1, spend)), type=Line).spend_gbp == spend


@pytest.mark.parametrize("spend", ["0.001", "1.005", "9999998.999", "0.010000001"])
def test_parts_of_a_penny_are_refused(spend: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"`spend_gbp` has more than two decimals - at `\$\.lines\[1\]`"):
        msgspec.json.decode(b'{"lines":[%s,{"quantity":1,"spend_gbp":%s}]}' % (LINE, spend.encode()), type=Basket)


@pytest.mark.parametrize(
    "field",
    [
        b'"quantity":0',
        b'"quantity":1.5',
        b'"quantity":"1"',
        b'"spend_gbp":-0.01',
        b'"spend_gbp":10000000',
        b'"prod_code":"PRD1"',
        b'"prod_code_10":"DEP00001"',
        b'"label":"MM"',
    ],
)
def test_values_outside_the_contract_are_refused(field: bytes) -> None:
    body = b'{"quantity":1,"spend_gbp":1.0,' + field + b"}"
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=Line)


def test_a_label_is_no_part_of_a_basket() -> None:
    with pytest.raises(msgspec.ValidationError, match="BASKET_PRICE_SENSITIVITY"):
        msgspec.json.decode(b'{"lines":[],"BASKET_PRICE_SENSITIVITY":"MM"}', type=Basket)


def test_the_schema_carries_the_contract() -> None:
    line = basket_schema()["components"]["Line"]
    assert line["required"] == ["quantity", "spend_gbp"]
    assert line["properties"]["quantity"]["minimum"] == 1
    assert line["properties"]["prod_code"]["anyOf"][0]["pattern"] == r"^PRD\d{7}$"
    assert line["additionalProperties"] is False
