"""The OpenAPI document says what is answered, and the page shows it without loading anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

import pytest

from retail_forecast_server.models import NoModel
from retail_forecast_server.page import BASKET, DOCS, Page

if TYPE_CHECKING:
    from tests.server.conftest import Client, MakeClient


def _references(node: object) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if "$ref" in node else set()
        return own.union(*map(_references, node.values()))
    return set().union(*map(_references, node)) if isinstance(node, list) else set()


def test_it_describes_the_hot_route_as_it_is(client: Client) -> None:
    document = client.ask("GET", "/openapi.json").json
    assert document["openapi"].startswith("3.1")
    assert set(document["paths"]) == {
        "/healthz",
        "/readyz",
        "/ping",
        "/metrics",
        "/admin/reload",
        "/admin/rollback",
        "/model",
        "/predict",
        "/invocations",
        "/v1/predict/batch",
        "/v1/predict",
        "/v1/products",
    }
    line = document["components"]["schemas"]["Line"]
    assert set(line["required"]) == {"prod_code", "quantity", "spend_gbp"}
    assert line["properties"]["prod_code"]["type"] == "string"
    basket = document["components"]["schemas"]["Basket"]
    assert basket["required"] == ["lines"]
    assert basket["properties"]["lines"]["minItems"] == 1
    operation = document["paths"]["/v1/predict"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    assert [parameter["name"] for parameter in operation["parameters"]] == ["task", "explain"]
    answer, explained = client.predict(example), client.predict(example, query="explain=true")
    assert set(answer.json) == set(document["components"]["schemas"]["Prediction"]["required"])
    told = set(document["components"]["schemas"]["Prediction"]["properties"])
    assert set(explained.json) == told - {"history_week"}, "which only models of arrivals have"


def test_every_reference_leads_somewhere(client: Client) -> None:
    document = client.ask("GET", "/openapi.json").json
    names = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert _references(document) <= names
    assert _references(document)


def test_limits_and_keys_stand_in_it(make_client: MakeClient) -> None:
    client = make_client(max_baskets=17, max_lines=23, api_key_sha256=("0" * 64,))
    document = client.ask("GET", "/openapi.json").json
    many = document["paths"]["/v1/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]["oneOf"][1]
    assert many["maxItems"] == 17
    assert document["components"]["schemas"]["Basket"]["properties"]["lines"]["maxItems"] == 23
    assert document["paths"]["/v1/predict"]["post"]["security"] == [{"bearer": []}, {"header": []}]
    assert "security" not in document["paths"]["/healthz"]["get"]


def test_asking_twice_and_without_a_model_gives_the_same(client: Client, make_client: MakeClient) -> None:
    first = client.ask("GET", "/openapi.json").json
    assert client.ask("GET", "/openapi.json").json == first
    assert make_client(NoModel("none")).ask("GET", "/openapi.json").json == first


@pytest.mark.parametrize("status", ["400", "413", "415", "422", "503"])
def test_refusals_are_documented(client: Client, status: str) -> None:
    responses = client.ask("GET", "/openapi.json").json["paths"]["/v1/predict"]["post"]["responses"]
    assert list(responses[status]["content"]) == ["application/problem+json"]


@pytest.mark.parametrize(("path", "page"), [("/", BASKET), ("/docs", DOCS)])
def test_a_page_loads_nothing_from_elsewhere(client: Client, path: str, page: Page) -> None:
    answer = client.ask("GET", path)
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.body.decode() == page.text
    assert re.findall(r"(?:https?:)?//[a-z]", re.sub(r"//.*$", "", page.text, flags=re.MULTILINE)) == []
    assert re.findall(r"\b(?:src|@import|url\()", page.text) == []


@pytest.mark.parametrize("tag", ["script", "style"])
@pytest.mark.parametrize(("path", "page"), [("/", BASKET), ("/docs", DOCS)])
def test_its_policy_allows_its_own_script_and_style_only(client: Client, path: str, page: Page, tag: str) -> None:
    (text,) = re.findall(f"(?s)<{tag}>(.*?)</{tag}>", page.text)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert f"{tag}-src 'sha256-{digest}'" in page.policy
    assert client.ask("GET", path).headers["content-security-policy"] == page.policy
    assert "unsafe" not in page.policy
    assert not re.search(r"<[^>]+ (?:style|on[a-z]+)=", page.text)
