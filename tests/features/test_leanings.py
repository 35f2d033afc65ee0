"""Product leanings: what was planted is found, and a row's own label never reaches its features."""

import numpy as np
import pytest
from numpy.typing import NDArray

from retail_forecast.domain.basket import Basket, Line
from retail_forecast.domain.labels import LABELS
from retail_forecast.features.leanings import learn_leanings, learn_table, out_of_fold_features
from retail_forecast.kernel.features import BASKET_FEATURES, basket_features
from retail_forecast.kernel.lines import Baskets, baskets_from_rows
from retail_forecast.kernel.products import VALUES

PRODUCTS = 90
"""Of each third one tier; two more are XX."""

PENALTY = 0.05


def _line(product: int) -> Line:
    return Line(1, 1.0, f"PRD{product:07d}", f"CL{product // 30:05d}")


def _world(seed: int, count: int = 1500) -> tuple[Baskets, NDArray[np.int8]]:
    """Baskets labelled with the tier that has most of their lines; every 25th is XX."""
    rng = np.random.default_rng(seed)
    rows, label = [], []
    for number in range(count):
        if number % 25 == 0:
            products = PRODUCTS + rng.integers(0, 2, 2)
        else:
            products = rng.integers(0, PRODUCTS, rng.integers(1, 8))
        tiers = products[products < PRODUCTS] // (PRODUCTS // 3)
        label.append(int(np.bincount(tiers, minlength=3).argmax()) if len(tiers) else 3)
        rows.append(Basket(tuple(map(_line, products.tolist()))))
    return baskets_from_rows(rows), np.array(label, np.int8)


def test_planted_classes_are_recovered() -> None:
    leanings = learn_leanings(*_world(1), PENALTY)
    assert leanings.codes == tuple(f"PRD{n:07d}" for n in range(PRODUCTS + 2))
    found = leanings.weights[:PRODUCTS].argmax(axis=1)
    assert (found == np.arange(PRODUCTS) // 30).mean() > 0.95
    assert leanings.unclassified.tolist() == [False] * PRODUCTS + [True] * 2


def test_the_table_says_what_a_product_is() -> None:
    table = learn_table(*_world(1), PENALTY)
    classes = table.values[:, [VALUES.index(f"is_{label.lower()}") for label in LABELS]]
    assert (classes[: PRODUCTS + 2].sum(axis=1) == 1).all()
    assert table.values[table.products[f"PRD{PRODUCTS:07d}"], VALUES.index("is_xx")] == 1
    group = table.values[table.groups["CL00000"]]
    own = table.values[:30]
    assert own.min(axis=0)[0] <= group[0] <= own.max(axis=0)[0]


def test_more_penalty_means_smaller_leanings() -> None:
    baskets, label = _world(2)
    sizes = [np.abs(learn_leanings(baskets, label, penalty).weights).sum() for penalty in (0.01, 0.1, 1.0, 10.0)]
    assert sizes == sorted(sizes, reverse=True)


def test_the_order_of_baskets_and_lines_does_not_matter() -> None:
    baskets, label = _world(3)
    order = np.random.default_rng(0).permutation(len(baskets))
    first, second = learn_leanings(baskets, label, PENALTY), learn_leanings(baskets.take(order), label[order], PENALTY)
    assert first.codes == second.codes
    np.testing.assert_allclose(first.weights, second.weights, atol=0.05 * np.abs(first.weights).max())
    assert (first.weights.argmax(axis=1) == second.weights.argmax(axis=1)).all()


def _out_of_fold(baskets: Baskets, label: NDArray[np.int8], seed: int = 0) -> NDArray[np.float32]:
    features = np.full((len(baskets), len(BASKET_FEATURES)), np.nan, np.float32)
    for rows, values in out_of_fold_features(baskets, label, PENALTY, 3, np.random.default_rng(seed)):
        assert np.isnan(features[rows]).all()
        features[rows] = values
    return features


def test_every_basket_gets_features_once() -> None:
    baskets, label = _world(4, 300)
    features = _out_of_fold(baskets, label)
    assert not np.isnan(features).any()
    assert features.tobytes() == _out_of_fold(baskets, label).tobytes()


def _planted() -> tuple[Baskets, NDArray[np.int8]]:
    """Baskets of one product each that no other basket has, with labels that follow nothing."""
    label = np.random.default_rng(5).integers(0, 3, 600).astype(np.int8)
    return baskets_from_rows([Basket((Line(1, 1.0, f"PRD{n:07d}", "CL00001"),)) for n in range(600)]), label


def test_a_product_of_one_basket_alone_does_not_tell_its_label() -> None:
    baskets, label = _planted()
    features = _out_of_fold(baskets, label)
    names = [BASKET_FEATURES.index(f"mean_{n}") for n in ("lean_la", "lean_um")]
    assert (features[:, BASKET_FEATURES.index("unknown_share")] == 1).all()
    # What is left is the fold that a basket fell into: at most one value a fold, and none of a single basket.
    assert len(np.unique(features[:, names], axis=0)) <= 3


def test_the_same_product_tells_it_when_the_table_saw_the_row() -> None:
    """So the test above can fail: features of a table that has seen the rows give every label away."""
    baskets, label = _planted()
    features = basket_features(baskets, learn_table(baskets, label, PENALTY))
    shares = features[:, [BASKET_FEATURES.index(f"mean_share_{t}") for t in ("la", "mm", "um")]]
    assert (shares.argmax(axis=1) == label).mean() > 0.99


@pytest.mark.parametrize("row", [0, 7, 299])
def test_changing_a_label_does_not_change_the_features_of_its_row(row: int) -> None:
    baskets, label = _world(6, 300)
    changed = label.copy()
    changed[row] = (changed[row] + 1) % 3
    before, after = _out_of_fold(baskets, label), _out_of_fold(baskets, changed)
    assert before[row].tobytes() == after[row].tobytes()
    assert before.tobytes() != after.tobytes()
