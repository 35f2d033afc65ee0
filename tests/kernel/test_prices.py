"""Price keys: group and unit price in whole pence, whatever the quantity and the order of lines."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from retail_forecast.domain.basket import Basket, Line
from retail_forecast.kernel.lines import baskets_from_rows
from retail_forecast.kernel.prices import by_price_key, price_keys, store_keys

LINES = st.builds(
    Line,
    quantity=st.integers(1, 50),
    spend_gbp=st.integers(0, 100_000).map(lambda pence: pence / 100),
    prod_code=st.just("PRD0900001"),
    prod_code_10=st.sampled_from(["CL00001", "CL00002", None]),
)


def test_the_key_is_the_group_and_the_price_of_one_item() -> None:
    lines = (
        Line(3, 3.03, prod_code_10="CL00155"),
        Line(2, 0.05, prod_code_10="CL00155"),
        Line(1, 0.0, prod_code_10="CL00007"),
        Line(1, 1.0),
    )
    assert price_keys(baskets_from_rows([Basket(lines)])).to_list() == ["CL00155@101", "CL00155@3", "CL00007@0", None]


@given(st.lists(st.lists(LINES, max_size=5), max_size=5), st.randoms())
def test_keys_do_not_depend_on_the_order_of_lines(baskets: list[list[Line]], random: Random) -> None:
    def keys(lines: list[Line]) -> list[str | None]:
        return price_keys(baskets_from_rows([Basket(tuple(lines))])).to_list()

    for lines in baskets:
        shuffled = random.sample(lines, len(lines))
        assert sorted(map(str, keys(shuffled))) == sorted(map(str, keys(lines)))


def test_products_are_out_of_sight_behind_price_keys() -> None:
    columns = baskets_from_rows([Basket((Line(1, 1.0, prod_code="PRD0900001", prod_code_10="CL00001"),))])
    assert by_price_key(columns).prod_code.to_list() == ["CL00001@100"]


def test_the_key_in_a_store_needs_both() -> None:
    line, unknown = Line(1, 1.0, prod_code_10="CL00001"), Line(1, 1.0)
    columns = baskets_from_rows([Basket((line, unknown), store_code="STORE00003"), Basket(()), Basket((line,))])
    assert store_keys(columns, price_keys(columns)).to_list() == ["CL00001@100#STORE00003", None, None]


def test_the_key_in_a_store_is_taken_where_it_is_kept() -> None:
    lines = (Line(1, 1.0, prod_code_10="CL00001"), Line(1, 2.0, prod_code_10="CL00001"), Line(1, 2.0))
    columns = baskets_from_rows([Basket(lines, store_code=store) for store in ("STORE00003", "STORE00004", None)])
    keys = by_price_key(columns, {"CL00001@100": 0, "CL00001@100#STORE00003": 1}).prod_code.to_list()
    assert keys == [
        "CL00001@100#STORE00003", "CL00001@200", None, "CL00001@100", "CL00001@200", None, "CL00001@100", "CL00001@200",
        None,
    ]  # fmt: skip
