"""POST /v1/predict answers what the bundle answers, for one basket and for many."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retail_forecast.domain.basket import Basket, Line
from retail_forecast.domain.labels import LABELS, SENSITIVITIES
from retail_forecast.kernel.lines import baskets_from_rows

if TYPE_CHECKING:
    from tests.server.conftest import Client, MakeClient

    from retail_forecast_server.answers import Answered
    from retail_forecast_server.models import Model

LA, UM, XX, UNKNOWN = (f"PRD{n:07d}" for n in (3, 120, 145, 9_999_999))

lines = st.builds(
    Line,
    quantity=st.integers(1, 50),
    spend_gbp=st.integers(0, 100_000).map(lambda pence: pence / 100),
    prod_code=st.integers(0, 155).map(lambda n: f"PRD{n:07d}"),
    prod_code_10=st.sampled_from(["CL00001", "CL00014", None]),
)
baskets = st.builds(
    Basket,
    lines=st.lists(lines, min_size=1, max_size=12).map(tuple),
    basket_id=st.text(st.characters(codec="utf-8"), max_size=20) | st.none(),
    customer=st.just("CUST0000123456") | st.none(),
)
in_one_world = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def _of(*products: str) -> dict[str, Any]:
    return {"basket_id": "b", "lines": [{"prod_code": p, "quantity": 1, "spend_gbp": 1.01} for p in products]}


def test_one_basket_one_answer(client: Client, model: Model) -> None:
    answer = client.predict(_of(UM, UM))
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert list(answer.json) == [
        "basket_id",
        "label",
        "sensitivity",
        "probabilities",
        "unknown_share",
        "task",
        "model_version",
    ]
    expected = {"basket_id": "b", "label": "UM", "sensitivity": "Low", "unknown_share": 0.0, "task": "basket"}
    assert answer.json | expected == answer.json
    assert answer.json["model_version"] == model.bundle.manifest.run_id
    assert sum(answer.json["probabilities"].values()) == pytest.approx(1)


def test_a_list_of_baskets_a_list_of_answers_in_order(client: Client) -> None:
    answer = client.predict([_of(UM, UM), _of(LA, LA), _of(XX)])
    assert [(a["label"], a["sensitivity"]) for a in answer.json] == [
        ("UM", "Low"),
        ("LA", "High"),
        ("XX", "Unclassified"),
    ]
    assert client.predict([]).json == []
    assert client.predict([_of(UM)]).json == [client.predict(_of(UM)).json]


def test_unknown_products_are_answered_with_the_prior_and_said_so(client: Client, model: Model) -> None:
    answer = client.predict(_of(UNKNOWN)).json
    assert answer["unknown_share"] == 1.0
    assert list(answer["probabilities"].values()) == list(model.bundle.manifest.prior)


def test_the_whole_body_of_the_documentation_is_taken(client: Client) -> None:
    example = client.ask("GET", "/openapi.json").json["paths"]["/v1/predict"]["post"]["requestBody"]["content"]
    assert client.predict(example["application/json"]["example"]).status == 200


@in_one_world
@given(st.lists(baskets, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_http_agrees_with_the_bundle(client: Client, model: Model, rows: list[Basket], chance: random.Random) -> None:
    bundle = model.bundle
    direct = bundle.predict(baskets_from_rows(rows))
    for number, (row, answer) in enumerate(zip(rows, client.predict(rows).json, strict=True)):
        shuffled = msgspec.structs.replace(row, lines=tuple(chance.sample(row.lines, len(row.lines))))
        alone = client.predict(shuffled).json
        for found in (answer, alone):
            np.testing.assert_allclose(list(found["probabilities"].values()), direct.probabilities[number], atol=1e-6)
            assert found["unknown_share"] == direct.unknown_share[number]
            assert found["basket_id"] == row.basket_id
        top = np.sort(direct.probabilities[number])[-2:]
        if top[1] - top[0] > 1e-6:
            label = LABELS[direct.label[number]]
            assert answer["label"] == alone["label"] == label
            assert answer["sensitivity"] == SENSITIVITIES[label]


@in_one_world
@given(baskets)
def test_features_survive_the_wire_to_the_bit(model: Model, row: Basket) -> None:
    received = msgspec.json.decode(msgspec.json.encode(row), type=Basket)
    first, second = (model.bundle.features(baskets_from_rows([b])) for b in (row, received))
    assert first.tobytes() == second.tobytes()


def test_a_body_of_the_stated_length_is_whole_and_no_more_is_waited_for(client: Client) -> None:
    body, kind = msgspec.json.encode(_of(UM, LA)), ("Content-Type", "application/json")
    stated = ("Content-Length", str(len(body)))
    for pieces in ([body, b"!"], [body[:9], body[9:], b"!"]):
        assert client.ask("POST", "/v1/predict", *pieces, headers=[kind, stated]).status == 200
        assert client.ask("POST", "/v1/predict", *pieces, headers=[kind]).status == 400


def test_a_body_in_pieces_is_the_same_body(client: Client) -> None:
    body = msgspec.json.encode(_of(UM, LA))
    kind = [("Content-Type", "application/json; charset=utf-8")]
    pieces = client.ask("POST", "/v1/predict", body[:7], b"", body[7:20], body[20:], headers=kind)
    assert pieces.body == client.predict(body).body


def test_a_large_body_is_answered_like_small_ones(client: Client) -> None:
    one, many = client.predict(_of(UM, LA, LA)).json, client.predict([_of(UM, LA, LA)] * 900).json
    assert len(many) == 900
    for answer in many:
        assert answer | {"probabilities": one["probabilities"]} == one
        assert answer["probabilities"] == pytest.approx(one["probabilities"], abs=1e-6)


def test_explained_answers_tell_what_each_line_spoke_for(client: Client) -> None:
    asked = [_of(UM, UM, LA), _of(LA)]
    plain, explained = client.predict(asked).json, client.predict(asked, query="explain=true").json
    assert [{k: v for k, v in answer.items() if k != "contributions"} for answer in explained] == plain
    first, second = (answer["contributions"] for answer in explained)
    assert [(line["line"], line["prod_code"]) for line in first] == [(0, UM), (1, UM), (2, LA)]
    assert first[0]["log_odds"] == first[1]["log_odds"] > 0 > first[2]["log_odds"]
    without = client.predict([_of(UM, UM)]).json[0]["probabilities"]["UM"]
    whole = plain[0]["probabilities"]["UM"]
    assert plain[0]["label"] == "UM"
    odds = [np.log(p / (1 - p)) for p in np.clip([whole, without], 1e-6, 1 - 1e-6)]
    assert first[2]["log_odds"] == pytest.approx(odds[0] - odds[1], abs=1e-6)
    assert len(second) == 1
    assert "contributions" not in client.predict(_of(UM), query="explain=false").json


def test_no_more_is_explained_than_the_limit_allows(client: Client) -> None:
    asked = [_of(*[UM] * 20)] * 10
    assert client.predict(asked, query="explain=true").status == 200
    refused = client.predict([*asked, _of(UM)], query="explain=true")
    assert refused.status == 422
    assert "at most 200" in refused.json["detail"]
    assert client.predict([*asked, _of(UM)]).status == 200


@pytest.mark.parametrize("query", ["explain=yes", "explain", "task=flats", "task=", "explain=true&explain=1"])
def test_a_query_that_is_not_known_is_refused(client: Client, query: str) -> None:
    answer = client.predict(_of(UM), query=query)
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json")
    assert "explain=true" in answer.json["detail"]


def test_the_task_asked_for_answers(client: Client, flat_model: Model) -> None:
    asked = _of(UM, UM)
    flat = client.predict(asked, query="task=flat").json
    assert (flat["task"], flat["model_version"]) == ("flat", flat_model.version)
    assert client.predict(asked, query="task=basket").json == client.predict(asked).json
    expected = flat_model.predict([msgspec.convert(asked, Basket)]).probabilities[0]
    assert list(flat["probabilities"].values()) == expected.tolist()
    without_product = {"lines": [{"quantity": 1, "spend_gbp": 1.0}]}
    assert client.predict(without_product, query="task=flat").status == 200
    assert client.predict(without_product).status == 422


def test_a_task_without_a_champion_says_so(client: Client) -> None:
    answer = client.predict(_of(UM), query="task=coarse")
    assert (answer.status, answer.headers["content-type"]) == (503, "application/problem+json")
    assert "no champion yet" in answer.json["detail"]


def test_observers_are_told_of_what_was_answered(make_client: MakeClient, model: Model) -> None:
    seen: list[Answered] = []
    client = make_client(observers=[seen.append])
    client.predict(_of(UM, UM), ("X-Request-ID", "mine"))
    client.predict([_of(UM), _of(LA)])
    client.predict({"lines": []})
    first, second = seen
    assert (first.request_id, first.model, len(first.baskets)) == ("mine", model, 1)
    (told,) = first.baskets
    assert told.lines[0].prod_code == UM
    assert first.time > 1e9
    np.testing.assert_array_equal(first.predictions.probabilities, model.predict([told]).probabilities)
    assert second.predictions.probabilities.shape == (2, 4)
