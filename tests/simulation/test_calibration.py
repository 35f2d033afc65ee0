"""Distributions of a simulated retailer of the real one's size beside those of the real data.

The figures are aggregates of the real data (`FACTS`); with the files at hand the same queries are asked of them too, so
that the figures themselves are checked.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest

MEASURES = {
    "lines per basket, mean": "select avg(lines) from baskets",
    "lines per basket, median": "select median(lines) from baskets",
    "lines per basket, 95 %": "select quantile_cont(lines, 0.95) from baskets",
    "baskets of one line": "select avg((lines = 1)::int) from baskets",
    "baskets of size S": "select avg((size = 'S')::int) from baskets",
    "baskets of size L": "select avg((size = 'L')::int) from baskets",
    "label LA": "select avg((label = 'LA')::int) from baskets",
    "label MM": "select avg((label = 'MM')::int) from baskets",
    "label UM": "select avg((label = 'UM')::int) from baskets",
    "label XX": "select avg((label = 'XX')::int) from baskets",
    "LA of less affluent": "select avg((label = 'LA')::int) from baskets where seg_1 = 'AZ'",
    "UM of less affluent": "select avg((label = 'UM')::int) from baskets where seg_1 = 'AZ'",
    "LA of up-market": "select avg((label = 'LA')::int) from baskets where seg_1 = 'BG'",
    "UM of up-market": "select avg((label = 'UM')::int) from baskets where seg_1 = 'BG'",
    "MM of anonymous": "select avg((label = 'MM')::int) from baskets where seg_1 is null",
    "anonymous baskets": "select avg((seg_1 is null)::int) from baskets",
    "Small Shop": "select avg((type = 'Small Shop')::int) from baskets",
    "Top Up": "select avg((type = 'Top Up')::int) from baskets",
    "Full Shop": "select avg((type = 'Full Shop')::int) from baskets",
    "type XX": "select avg((type = 'XX')::int) from baskets",
    "Fresh": "select avg((mission = 'Fresh')::int) from baskets",
    "Grocery": "select avg((mission = 'Grocery')::int) from baskets",
    "Mixed": "select avg((mission = 'Mixed')::int) from baskets",
    "Nonfood": "select avg((mission = 'Nonfood')::int) from baskets",
    "store format LS": "select avg((format = 'LS')::int) from baskets",
    "store format SS": "select avg((format = 'SS')::int) from baskets",
    "hour 8": "select avg((hour <= 8)::int) from baskets",
    "hour 14": "select avg((hour = 14)::int) from baskets",
    "hours 21 and 22": "select avg((hour >= 21)::int) from baskets",
    "quantity one": "select avg((QUANTITY = 1)::int) from lines",
    "quantity three": "select avg((QUANTITY = 3)::int) from lines",
    "spend of a line, median [GBP]": "select median(SPEND) from lines",
    "first 10 products": "select sum(n) filter (place <= 10) / sum(n) from products",
    "first 100 products": "select sum(n) filter (place <= 100) / sum(n) from products",
    "products with one unit price": "select avg((dearest - cheapest < 0.011)::int) from products",
    "lines whose group and unit price name the product": "select sum(n) filter (share >= 0.95) / sum(n) from prints",
    "partitions of region and type": "select count(*) from parts",
    "skew of the partitions, power of ten": "select log10(max(n) / min(n)) from parts",
}

VIEWS = (
    """create table baskets as select BASKET_ID, count(*) lines, any_value(BASKET_SIZE) size,
       any_value(SHOP_HOUR) as hour, any_value(BASKET_PRICE_SENSITIVITY) label, any_value(seg_1) seg_1,
       any_value(BASKET_TYPE) as type, any_value(BASKET_DOMINANT_MISSION) mission, any_value(STORE_FORMAT) format
       from lines group by BASKET_ID""",
    """create table products as select *, row_number() over (order by n desc) place from (select PROD_CODE, count(*) n,
       min(SPEND / QUANTITY) cheapest, max(SPEND / QUANTITY) dearest from lines group by PROD_CODE)""",
    """create table prints as select *, n / sum(n) over (partition by PROD_CODE_10, pence) share from (
       select PROD_CODE_10, round(100 * SPEND / QUANTITY) pence, PROD_CODE, count(*) n from lines group by all)""",
    "create table parts as select STORE_REGION, BASKET_TYPE, count(*) n from lines group by all",
)

# Real figure (weeks 200607 to 200806), tolerance of the simulation.
FACTS = {
    "lines per basket, mean": (6.41, 0.3),
    "lines per basket, median": (4, 0),
    "lines per basket, 95 %": (21, 1.5),
    "baskets of one line": (0.193, 0.03),
    "baskets of size S": (0.263, 0.03),
    "baskets of size L": (0.334, 0.03),
    "label LA": (0.229, 0.025),
    "label MM": (0.512, 0.03),
    "label UM": (0.241, 0.025),
    "label XX": (0.0186, 0.003),
    "LA of less affluent": (0.431, 0.05),
    "UM of less affluent": (0.094, 0.05),
    "LA of up-market": (0.083, 0.05),
    "UM of up-market": (0.451, 0.06),
    "MM of anonymous": (0.532, 0.05),
    "anonymous baskets": (0.205, 0.015),
    "Small Shop": (0.552, 0.03),
    "Top Up": (0.328, 0.03),
    "Full Shop": (0.107, 0.02),
    "type XX": (0.013, 0.003),
    "Fresh": (0.508, 0.03),
    "Grocery": (0.189, 0.03),
    "Mixed": (0.239, 0.03),
    "Nonfood": (0.052, 0.015),
    "store format LS": (0.58, 0.05),
    "store format SS": (0.098, 0.04),
    "hour 8": (0.06, 0.015),
    "hour 14": (0.091, 0.015),
    "hours 21 and 22": (0.086, 0.015),
    "quantity one": (0.823, 0.01),
    "quantity three": (0.134, 0.01),
    "spend of a line, median [GBP]": (1.23, 0.25),
    "first 10 products": (0.10, 0.03),
    "first 100 products": (0.25, 0.04),
    "products with one unit price": (0.942, 0.015),
    "lines whose group and unit price name the product": (0.782, 0.07),
    "partitions of region and type": (48, 0),
    "skew of the partitions, power of ten": (2.62, 0.35),
}


@pytest.fixture(scope="module")
def simulated_lines(year: pd.DataFrame) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.register("lines", year)
        for view in VIEWS:
            connection.execute(view)
        yield connection


@pytest.fixture(scope="module")
def real_lines(real_files: list[Path]) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 2, "memory_limit": "2GB"}) as connection:
        weeks = [str(file) for file in real_files if file.name.startswith("transactions_")]
        connection.execute("create table lines as select * from read_csv($1, header = true, nullstr = '')", [weeks])
        for view in VIEWS:
            connection.execute(view)
        yield connection


def _ask(connection: duckdb.DuckDBPyConnection, measure: str) -> float:
    row = connection.execute(MEASURES[measure]).fetchone()
    assert row is not None
    return float(row[0])


@pytest.mark.parametrize("measure", MEASURES)
def test_a_simulated_retailer_lies_near_the_facts(simulated_lines: duckdb.DuckDBPyConnection, measure: str) -> None:
    fact, tolerance = FACTS[measure]
    assert _ask(simulated_lines, measure) == pytest.approx(fact, abs=tolerance + 1e-9)


@pytest.mark.real_data
@pytest.mark.slow
@pytest.mark.parametrize("measure", MEASURES)
def test_the_facts_are_those_of_the_real_data(real_lines: duckdb.DuckDBPyConnection, measure: str) -> None:
    fact, tolerance = FACTS[measure]
    assert _ask(real_lines, measure) == pytest.approx(fact, abs=max(tolerance / 5, 0.006 * max(1, fact)))


def test_tastes_drift_from_la_to_mm(year: pd.DataFrame) -> None:
    baskets = year.drop_duplicates("BASKET_ID")
    later = baskets["SHOP_WEEK"] > 200700

    def change(label: str) -> float:
        is_label = (baskets["BASKET_PRICE_SENSITIVITY"] == label).to_numpy(float)
        return float(is_label[later].mean() - is_label[~later].mean())

    assert -0.05 < change("LA") < -0.01
    assert 0.01 < change("MM") < 0.06


def test_prices_of_a_class_relative_to_the_group(year: pd.DataFrame) -> None:
    from retail_forecast.simulation.catalogue import draw_catalogue
    from retail_forecast.simulation.spec import TillSpec

    spec = TillSpec(products=5_000)
    catalogue = draw_catalogue(spec, spec.rng(0))
    frame = pd.DataFrame({"tier": catalogue.tier, "pence": catalogue.price_pence, "group": catalogue.codes[1]})
    relative = frame["pence"] / frame.groupby("group")["pence"].transform("median")
    assert relative.groupby(frame["tier"]).median()[:3].to_list() == pytest.approx([0.78, 1.01, 1.05], abs=0.08)
    assert frame["tier"].value_counts(normalize=True).sort_index().to_list() == pytest.approx(
        [0.138, 0.707, 0.126, 0.029], abs=0.001
    )
    assert set(year["PROD_CODE"]) <= set(catalogue.codes[0])


def test_levels_of_the_tree_have_as_many_groups_as_the_real_one() -> None:
    from retail_forecast.simulation.catalogue import draw_catalogue
    from retail_forecast.simulation.spec import TillSpec

    spec = TillSpec(products=50_000)
    codes = draw_catalogue(spec, spec.rng(0)).codes
    assert [len(set(level)) for level in codes[1:]] == pytest.approx([250, 90, 31, 9], abs=8)
