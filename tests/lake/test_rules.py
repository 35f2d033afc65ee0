"""Every rule refuses the rows that break it and accepts those that just keep it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from retail_forecast.domain.columns import COLUMNS, Column, Kind
from retail_forecast.lake.rules import LINKS
from retail_forecast.lake.standards import ALL_RULES, rules_document

Row = dict[str, str]
MakeRows = Callable[..., list[Row]]
Verdicts = Callable[..., dict[int, set[str]]]

FIRST = range(4)
"""Rows of the first basket."""


def changed(rows: list[Row], where: int, **values: str) -> list[Row]:
    return [row | values if i == where else row for i, row in enumerate(rows)]


def outside(column: Column) -> str:
    if column.values:
        return "ZZ"
    return str((column.maximum or 0) + 1) if column.maximum is not None else "ZZ0000001"


FIELD_CASES = [
    *((f"R_NULL_{c.name}", c.name, "") for c in COLUMNS if not c.nullable),
    *((f"R_TYPE_{c.name}", c.name, "1x") for c in COLUMNS if c.kind in {Kind.INTEGER, Kind.MONEY, Kind.DATE}),
    *((f"R_DOMAIN_{c.name}", c.name, outside(c)) for c in COLUMNS if c.kind is not Kind.DATE),
    ("R_TYPE_SHOP_DATE", "SHOP_DATE", "20060431"),
    ("R_TYPE_SHOP_DATE", "SHOP_DATE", "2006-04-10"),
    ("R_TYPE_SPEND", "SPEND", "1.005"),
    ("R_TYPE_SPEND", "SPEND", "1e2"),
    ("R_DOMAIN_SPEND", "SPEND", "123456789012.34"),
    ("R_DOMAIN_QUANTITY", "QUANTITY", "3000000000"),
    ("R_TYPE_QUANTITY", "QUANTITY", "1.0"),
    ("R_TYPE_QUANTITY", "QUANTITY", " 1"),
    ("R_DOMAIN_QUANTITY", "QUANTITY", "0"),
    ("R_DOMAIN_SPEND", "SPEND", "-0.01"),
    ("R_DOMAIN_PROD_CODE", "PROD_CODE", "PRD0900000 "),
    ("R_DOMAIN_seg_1", "seg_1", "LA"),
]


def test_rows_that_keep_every_rule_go_to_silver(make_rows: MakeRows, verdicts: Verdicts) -> None:
    assert verdicts(make_rows()) == {}


@pytest.mark.parametrize(("code", "column", "text"), FIELD_CASES)
def test_a_field_that_breaks_its_rule(
    code: str, column: str, text: str, make_rows: MakeRows, verdicts: Verdicts
) -> None:
    found = verdicts(changed(make_rows(), 2, **{column: text}))
    assert code in found[2]
    assert set(found) == {2}


@pytest.mark.parametrize(
    "values",
    [
        {"SPEND": "0"},
        {"SPEND": "7.5"},
        {"SPEND": "9999999"},
        {"SPEND": '"1.05"'},
        {"BASKET_PRICE_SENSITIVITY": '"LA"'},
    ],
)
def test_a_field_at_the_edge_of_its_rule(values: Row, make_rows: MakeRows, verdicts: Verdicts) -> None:
    assert verdicts(changed(make_rows(), 2, **values)) == {}


def test_a_whole_basket_at_the_edges(make_rows: MakeRows, verdicts: Verdicts) -> None:
    rows = make_rows()
    for i in FIRST:
        rows[i] |= {"SHOP_HOUR": "0", "STORE_REGION": "E01", "seg_2": ""}
    assert verdicts(rows) == {}


@pytest.mark.parametrize(
    ("code", "values"),
    [
        ("R_WEEK", {"SHOP_WEEK": "200608"}),
        ("R_WEEK", {"SHOP_WEEK": "200653"}),
        ("R_WEEKDAY", {"SHOP_WEEKDAY": "3"}),
        ("R_XX", {"BASKET_TYPE": "XX"}),
        ("R_XX", {"BASKET_DOMINANT_MISSION": "XX"}),
        ("R_ANONYMOUS", {"CUST_CODE": ""}),
        ("R_ANONYMOUS", {"seg_1": ""}),
    ],
)
def test_fields_of_a_row_that_do_not_fit_each_other(
    code: str, values: Row, make_rows: MakeRows, verdicts: Verdicts
) -> None:
    rows = make_rows()
    for i in FIRST:
        rows[i] |= values
    assert verdicts(rows) == {i: {code} for i in FIRST}


def test_a_row_carries_all_its_reasons(make_rows: MakeRows, verdicts: Verdicts) -> None:
    found = verdicts(changed(make_rows(), 1, SPEND="-1", QUANTITY="", SHOP_WEEKDAY="3", STORE_FORMAT="ZZ"))
    assert found == {1: {"R_DOMAIN_SPEND", "R_NULL_QUANTITY", "R_WEEKDAY", "R_DOMAIN_STORE_FORMAT"}}


def test_the_first_of_two_equal_products_stays(make_rows: MakeRows, verdicts: Verdicts) -> None:
    rows = make_rows()
    assert verdicts([*rows, rows[1]]) == {len(rows): {"R_DUPLICATE"}}


def test_a_sound_row_stays_before_a_faulty_one_of_the_same_product(make_rows: MakeRows, verdicts: Verdicts) -> None:
    rows = make_rows()
    found = verdicts([rows[1] | {"SPEND": "x"}, *rows])
    assert found == {0: {"R_TYPE_SPEND", "R_DUPLICATE"}}


@pytest.mark.parametrize("column", ["SHOP_HOUR", "CUST_CODE", "seg_2", "BASKET_PRICE_SENSITIVITY", "BASKET_SIZE"])
def test_a_basket_whose_rows_disagree_goes_as_a_whole(column: str, make_rows: MakeRows, verdicts: Verdicts) -> None:
    values = {
        "SHOP_HOUR": "22",
        "CUST_CODE": "CUST0000999999",
        "seg_2": "FN",
        "BASKET_PRICE_SENSITIVITY": "XX",
        "BASKET_SIZE": "L",
    }
    assert verdicts(changed(make_rows(), 3, **{column: values[column]})) == {i: {"R_BASKET"} for i in FIRST}


def test_an_unreadable_field_is_no_disagreement(make_rows: MakeRows, verdicts: Verdicts) -> None:
    assert verdicts(changed(make_rows(), 3, SHOP_HOUR="99")) == {3: {"R_DOMAIN_SHOP_HOUR"}}


def test_a_size_that_does_not_follow_from_the_quantity(make_rows: MakeRows, verdicts: Verdicts) -> None:
    rows = make_rows()
    for i in FIRST:
        rows[i] |= {"BASKET_SIZE": "L"}
    assert verdicts(rows) == {i: {"R_SIZE"} for i in FIRST}
    rows[0] |= {"QUANTITY": "5"}
    assert verdicts(rows) == {}


def test_a_size_is_not_judged_where_a_row_is_at_fault(make_rows: MakeRows, verdicts: Verdicts) -> None:
    rows = make_rows()
    for i in FIRST:
        rows[i] |= {"BASKET_SIZE": "L"}
    assert verdicts(changed(rows, 0, SPEND="x")) == {0: {"R_TYPE_SPEND"}}


LINK_CASES = [
    ("PROD_CODE", "PROD_CODE_10", "CL00999", "R_TREE"),
    ("PROD_CODE_10", "PROD_CODE_20", "DEP00999", "R_TREE"),
    ("PROD_CODE_20", "PROD_CODE_30", "G00999", "R_TREE"),
    ("PROD_CODE_30", "PROD_CODE_40", "D00999", "R_TREE"),
]


@pytest.mark.parametrize(("child", "parent", "other", "code"), LINK_CASES)
def test_a_product_under_another_parent_than_most(
    child: str, parent: str, other: str, code: str, make_rows: MakeRows, verdicts: Verdicts
) -> None:
    rows = make_rows(baskets=30)
    found = verdicts(changed(rows, 7, **{parent: other}))
    assert code in found[7]
    assert all(rows[i][child] == rows[7][child] for i in found)
    assert len(found) < 3


@pytest.mark.parametrize(
    ("parent", "other", "code"), [("STORE_FORMAT", "SS", "R_STORE_FORMAT"), ("STORE_REGION", "W03", "R_STORE_REGION")]
)
def test_a_store_that_differs_from_most_of_its_rows(
    parent: str, other: str, code: str, make_rows: MakeRows, verdicts: Verdicts
) -> None:
    rows = make_rows(baskets=9)
    for i in FIRST:
        rows[i] |= {parent: other}
    assert verdicts(rows) == {i: {code} for i in FIRST}


def test_the_smaller_of_equally_common_parents_is_kept(make_rows: MakeRows, verdicts: Verdicts) -> None:
    rows = make_rows(baskets=4)
    rows = [row | {"STORE_FORMAT": "MS"} if row["BASKET_ID"].endswith("3") else row for row in rows]
    assert set(verdicts(rows)) == set(range(12, 16)), "LS and MS stand in four rows each; LS is smaller"


def test_the_lake_decides_before_the_majority(make_rows: MakeRows, verdicts: Verdicts) -> None:
    link = next(link for link in LINKS if link.parent == "STORE_REGION")
    rows = make_rows(baskets=6)
    found = verdicts(rows, known={link: {"STORE00001": "W03"}})
    assert {rows[i]["STORE_CODE"] for i in found} == {"STORE00001"}
    assert set().union(*found.values()) == {"R_STORE_REGION"}


def test_codes_are_unique_and_documented() -> None:
    codes = [rule.code for rule in ALL_RULES]
    assert len(set(codes)) == len(codes)
    assert all(f"`{code}`" in rules_document() for code in codes)


def test_the_documentation_lists_the_rules_as_they_are() -> None:
    assert rules_document() in (Path(__file__).parents[2] / "docs" / "lake.md").read_text("utf-8")
