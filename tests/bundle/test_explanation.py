"""A line's contribution is what the answer loses without it, by the scorer itself."""

from pathlib import Path

import numpy as np
import pytest

from retail_forecast.bundle.explanation import explain
from retail_forecast.bundle.scorer import Bundle, load_bundle
from retail_forecast.domain.basket import Basket, Line
from retail_forecast.kernel.lines import baskets_from_rows

LA, MM, UM, XX = (f"PRD{n:07d}" for n in (3, 60, 120, 145))


@pytest.fixture
def bundle(tiny_bundle: tuple[Path, str]) -> Bundle:
    return load_bundle(*tiny_bundle)


def _of(*products: str) -> Basket:
    return Basket(tuple(Line(1, 1.0, code) for code in products))


def test_contributions_are_those_of_leaving_each_line_out_by_hand(bundle: Bundle) -> None:
    rows = [_of(LA, MM, LA, UM), _of(UM, UM), _of(MM)]
    found = explain(bundle, baskets_from_rows(rows))
    expected = []
    for row, whole, label in zip(rows, found.answers.probabilities, found.answers.label, strict=True):
        for left_out in range(len(row.lines)):
            rest = Basket((*row.lines[:left_out], *row.lines[left_out + 1 :]))
            without = bundle.predict_rows([rest]).probabilities[0]
            held = np.clip([whole[label], without[label]], 1e-6, 1 - 1e-6)
            odds = np.log(held / (1 - held))
            expected.append(odds[0] - odds[1])
    np.testing.assert_allclose(found.contributions, expected, atol=1e-6)
    np.testing.assert_array_equal(found.answers.probabilities, bundle.predict_rows(rows).probabilities)


def test_lines_of_the_answered_tier_speak_for_it_and_others_against(bundle: Bundle) -> None:
    for_it, against, for_it_too = explain(bundle, baskets_from_rows([_of(LA, UM, LA)])).contributions
    assert for_it == for_it_too > 0 > against


def test_a_certain_answer_has_finite_contributions(bundle: Bundle) -> None:
    found = explain(bundle, baskets_from_rows([_of(XX), _of(XX, XX)])).contributions
    assert np.isfinite(found).all()
    assert found[0] > 0, "without its only line the prior answers"
    assert found[1:].tolist() == [0, 0], "either line covers for the other"


def test_a_basket_without_lines_has_no_contribution(bundle: Bundle) -> None:
    assert explain(bundle, baskets_from_rows([Basket(()), _of(MM)])).contributions.shape == (1,)


def test_a_long_basket_is_weighed_in_parts(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    long = baskets_from_rows([_of(*([LA, MM, UM] * 20))])
    whole = explain(bundle, long).contributions
    monkeypatch.setattr("retail_forecast.bundle.explanation._LINES_AT_ONCE", 130)
    np.testing.assert_array_equal(explain(bundle, long).contributions, whole)
