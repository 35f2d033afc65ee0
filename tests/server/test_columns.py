"""POST /predict takes the specification's nine columns and says how far its answer can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from retail_forecast.domain.basket import Basket, Line

if TYPE_CHECKING:
    from tests.server.conftest import Answer, Client, MakeClient

    from retail_forecast_server.models import Model

ROW: dict[str, Any] = {
    "BASKET_SIZE": "M",
    "BASKET_TYPE": "Top Up",
    "BASKET_DOMINANT_MISSION": "Fresh",
    "SPEND": 7.49,
    "QUANTITY": 5,
    "STORE_REGION": "E02",
    "STORE_FORMAT": "LS",
    "PROD_CODE_20": "DEP00001",
    "PROD_CODE_30": "G00002",
}


def _ask(client: Client, body: object, query: str = "") -> Answer:
    return client.predict(body, path="/predict", query=query)


def test_the_flat_model_answers_and_says_how_well(client: Client, flat_model: Model) -> None:
    answer = _ask(client, ROW)
    assert answer.status == 200
    told = answer.json
    assert (told["task"], told["model_version"]) == ("flat", flat_model.version)
    assert (told["accuracy"], told["accuracy_from"]) == (0.9, "test")
    basket = Basket(
        (Line(2, 7.0, prod_code_20="DEP00001", prod_code_30="G00002"), Line(3, 0.49)),
        type="Top Up",
        mission="Fresh",
        store_region="E02",
        store_format="LS",
    )
    same = flat_model.predict([basket]).probabilities[0]
    np.testing.assert_array_equal(list(told["probabilities"].values()), same)


def test_a_list_of_rows(client: Client) -> None:
    one, other = ROW, {**ROW, "QUANTITY": 12, "BASKET_SIZE": "L"}
    answers = _ask(client, [one, other]).json
    assert answers == [_ask(client, row).json for row in (one, other)]
    assert _ask(client, []).json == []


def test_categories_that_the_model_never_saw_are_named(client: Client) -> None:
    told = _ask(client, {**ROW, "PROD_CODE_20": "DEP99999", "STORE_REGION": "Z99"}).json["unknown_categories"]
    assert {"PROD_CODE_20", "STORE_REGION"} <= set(told)
    assert "PROD_CODE_30" not in told


@pytest.mark.parametrize(
    ("change", "pointer", "says"),
    [
        ({"BASKET_SIZE": "S"}, "/BASKET_SIZE", "5 items in all has the size M"),
        ({"BASKET_SIZE": "XL"}, "/BASKET_SIZE", "Invalid enum"),
        ({"SPEND": 1.001}, "/SPEND", "two decimals"),
        ({"SPEND": -1}, "/SPEND", ">= 0"),
        ({"QUANTITY": 0}, "/QUANTITY", ">= 1"),
        ({"STORE_REGION": None}, "/STORE_REGION", "str"),
        ({"STORE_REGION": "x" * 101}, "/STORE_REGION", "length"),
        ({"BASKET_PRICE_SENSITIVITY": "MM"}, "/BASKET_PRICE_SENSITIVITY", "unknown"),
    ],
)
def test_a_column_that_does_not_fit_is_named(client: Client, change: dict[str, Any], pointer: str, says: str) -> None:
    answer = _ask(client, [ROW, {**ROW, **change}])
    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == f"/1{pointer}"
    assert says in answer.json["detail"]


def test_a_column_that_is_missing_is_named(client: Client) -> None:
    answer = _ask(client, {name: value for name, value in ROW.items() if name != "SPEND"})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/SPEND")


def test_the_documentation_describes_it(client: Client) -> None:
    document = client.ask("GET", "/openapi.json").json
    operation = document["paths"]["/predict"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    assert set(example) == set(document["components"]["schemas"]["NineColumns"]["required"])
    assert set(_ask(client, example).json) == set(document["components"]["schemas"]["ColumnsPrediction"]["required"])


def test_it_takes_no_query_and_no_more_rows_than_allowed(client: Client, make_client: MakeClient) -> None:
    assert _ask(client, ROW, "task=flat").status == 422
    assert _ask(make_client(max_baskets=1), [ROW, ROW]).status == 422


def test_large_bodies_are_answered_like_small_ones(client: Client) -> None:
    many = _ask(client, [ROW] * 900).json
    assert len(many) == 900
    assert many[0]["probabilities"] == pytest.approx(_ask(client, ROW).json["probabilities"], abs=1e-6)
