"""The search for products: what it finds, in which order, and what it refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.server.conftest import Client, MakeClient

    from retail_forecast_server.models import Model


def _codes(client: Client, query: str = "") -> list[str]:
    return [product["prod_code"] for product in client.ask("GET", "/v1/products", query=query).json]


def _known(model: Model) -> list[str]:
    assert model.bundle.products is not None
    return sorted(model.bundle.products.products)


def test_a_part_of_the_code_finds_products_by_code(client: Client, model: Model) -> None:
    known = _known(model)
    part = known[0][-4:]
    assert _codes(client, f"q={part}&limit=50") == [code for code in known if part in code][:50]
    assert _codes(client, f"q={part.lower()}") == _codes(client, f"q={part}")


def test_without_a_part_the_first_are_told(client: Client, model: Model) -> None:
    assert _codes(client, "limit=3") == _known(model)[:3]
    assert len(_codes(client)) == min(20, len(_known(model)))


def test_a_product_is_told_as_the_model_answers_for_it_alone(client: Client) -> None:
    for product in client.ask("GET", "/v1/products", query="limit=5").json:
        alone = {"lines": [{"prod_code": product["prod_code"], "quantity": 1, "spend_gbp": 1}]}
        answer = client.predict(alone).json
        assert product["label"] == answer["label"]
        assert product["probability"] == pytest.approx(max(answer["probabilities"].values()), abs=1e-6)


def test_what_no_product_has_finds_nothing(client: Client) -> None:
    assert client.ask("GET", "/v1/products", query="q=nothing").json == []


@pytest.mark.parametrize("query", ["limit=0", "limit=51", "limit=x", "limit=-1", "page=2", "limit=%C2%B2"])
def test_other_queries_are_refused(client: Client, query: str) -> None:
    answer = client.ask("GET", "/v1/products", query=query)
    assert answer.status == 422
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_model_that_looks_at_no_products_says_so(make_client: MakeClient, flat_model: Model) -> None:
    answer = make_client(flat_model).ask("GET", "/v1/products")
    assert answer.status == 404
    assert "does not look at products" in answer.json["detail"]
