"""The scorer: alone = in a batch = in any order; XX, unknown products and empty baskets as agreed."""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retail_forecast.bundle.scorer import Bundle, load_bundle
from retail_forecast.domain.basket import Basket, Line
from retail_forecast.domain.labels import LABELS
from retail_forecast.kernel.lines import baskets_from_rows

LA, MM, UM, XX, UNKNOWN = (f"PRD{n:07d}" for n in (3, 60, 120, 145, 9_999_999))

lines = st.builds(
    Line,
    quantity=st.integers(1, 50),
    spend_gbp=st.integers(0, 100_000).map(lambda pence: pence / 100),
    prod_code=st.one_of(st.integers(0, 155).map(lambda n: f"PRD{n:07d}"), st.none()),
    prod_code_10=st.sampled_from(["CL00001", "CL00014", "CL00099", None]),
)
baskets = st.builds(Basket, lines=st.lists(lines, max_size=12).map(tuple))


@pytest.fixture(scope="session")
def bundle(tiny_bundle: tuple[Path, str]) -> Bundle:
    return load_bundle(*tiny_bundle)


def _of(*products: str | None) -> Basket:
    return Basket(tuple(Line(1, 1.0, code) for code in products))


@pytest.mark.parametrize(
    ("products", "label"),
    [
        ((LA, LA, MM), "LA"),
        ((MM, MM), "MM"),
        ((UM, UM, MM), "UM"),
        ((XX,), "XX"),
        ((XX, XX, XX), "XX"),
        ((XX, UM, UM), "UM"),
    ],
)
def test_it_answers_what_was_planted(bundle: Bundle, products: tuple[str, ...], label: str) -> None:
    answer = bundle.predict_rows([_of(*products)])
    assert LABELS[answer.label[0]] == label
    assert answer.unknown_share.tolist() == [0.0]


def test_only_unclassified_products_are_unclassified_for_sure(bundle: Bundle) -> None:
    assert bundle.predict_rows([_of(XX, XX)]).probabilities.tolist() == [[0, 0, 0, 1]]


@pytest.mark.parametrize("basket", [_of(UNKNOWN), _of(UNKNOWN, None), Basket(())], ids=["unknown", "missing", "empty"])
def test_without_a_known_product_the_prior_answers(bundle: Bundle, basket: Basket) -> None:
    answer = bundle.predict_rows([basket])
    assert answer.probabilities.tolist() == [list(bundle.manifest.prior)]
    assert answer.unknown_share.tolist() == [1.0]


def test_some_unknown_products_are_counted(bundle: Bundle) -> None:
    assert bundle.predict_rows([_of(UM, UNKNOWN, UM, None)]).unknown_share.tolist() == [0.5]


@settings(max_examples=60)
@given(st.lists(baskets, min_size=1, max_size=10), st.randoms(use_true_random=False))
def test_alone_in_a_batch_and_in_any_order(bundle: Bundle, rows: list[Basket], chance: random.Random) -> None:
    together = bundle.predict_rows(rows)
    shuffled = [Basket(tuple(chance.sample(row.lines, len(row.lines)))) for row in rows]
    for number, (row, other) in enumerate(zip(rows, shuffled, strict=True)):
        alone, mixed = bundle.predict_rows([row]), bundle.predict_rows([other])
        np.testing.assert_allclose(alone.probabilities[0], together.probabilities[number], atol=1e-6)
        assert mixed.probabilities.tobytes() == alone.probabilities.tobytes()
        assert alone.unknown_share[0] == together.unknown_share[number]
    np.testing.assert_allclose(together.probabilities.sum(axis=1), 1)
    assert (together.probabilities >= 0).all()


@given(st.lists(baskets, max_size=6))
def test_only_the_columns_a_model_looks_at_are_read_without_a_difference(bundle: Bundle, rows: list[Basket]) -> None:
    lean, full = bundle.predict_rows(rows), bundle.predict(baskets_from_rows(rows))
    assert lean.probabilities.tobytes() == full.probabilities.tobytes()
    assert bundle.features(baskets_from_rows(rows)).shape == (len(rows), len(bundle.manifest.features))


def test_rows_alone_and_together_are_rounded_alike(bundle: Bundle) -> None:
    """The tolerance above leaves room for other processors; where this was written there is no difference at all."""
    features = np.random.default_rng(0).normal(size=(200, len(bundle.manifest.features))).astype(np.float32)
    alone = np.concatenate([bundle.score(features[i : i + 1]) for i in range(len(features))])
    np.testing.assert_allclose(alone, bundle.score(features), rtol=0, atol=1e-9)


def test_two_loaded_bundles_agree_to_the_bit(bundle: Bundle, tiny_bundle: tuple[Path, str]) -> None:
    rows = [_of(LA, UM, MM, UNKNOWN), _of(XX, MM)]
    other = load_bundle(tiny_bundle[0], threads=2)
    assert bundle.predict_rows(rows).probabilities.tobytes() == other.predict_rows(rows).probabilities.tobytes()
