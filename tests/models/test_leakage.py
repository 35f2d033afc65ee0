"""The leakage guard finds planted leaks, and finds none in the features that the models are trained on."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from retail_forecast.domain.basket import Basket, Line
from retail_forecast.domain.calendar import EPOCH
from retail_forecast.domain.settings import TrainSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.features.history import past_of
from retail_forecast.features.leanings import learn_table, out_of_fold_features
from retail_forecast.kernel.features import BASKET_FEATURES, basket_features
from retail_forecast.kernel.lines import Baskets, Codes, baskets_from_rows
from retail_forecast.kernel.products import ProductTable
from retail_forecast.models.leakage import copied_columns, find_leaks, guard, leaking_features
from retail_forecast.models.twin import row_random_twin

FOLDS, PENALTY, SEED = 3, 0.05, 7

Compute = Callable[[NDArray[np.int8]], NDArray[np.float32]]


@pytest.fixture(scope="module")
def data() -> tuple[Baskets, NDArray[np.int8]]:
    rng = np.random.default_rng(SEED)
    products = rng.integers(0, 30, (300, 4))
    rows = [Basket(tuple(Line(1, 1.0, prod_code=f"PRD{p:07d}") for p in sorted(set(basket)))) for basket in products]
    return baskets_from_rows(rows), rng.integers(0, 3, 300).astype(np.int8)


def out_of_fold(baskets: Baskets) -> Compute:
    def compute(label: NDArray[np.int8]) -> NDArray[np.float32]:
        features = np.zeros((len(baskets), len(BASKET_FEATURES)), np.float32)
        for rows, values in out_of_fold_features(baskets, label, PENALTY, FOLDS, np.random.default_rng(SEED)):
            features[rows] = values
        return features

    return compute


def first_fold(baskets: Baskets, label: NDArray[np.int8]) -> NDArray[np.intp]:
    return next(iter(out_of_fold_features(baskets, label, PENALTY, FOLDS, np.random.default_rng(SEED))))[0]


def test_out_of_fold_features_hold_nothing_of_their_own_label(data: tuple[Baskets, NDArray[np.int8]]) -> None:
    baskets, label = data
    assert leaking_features(out_of_fold(baskets), label, first_fold(baskets, label), BASKET_FEATURES) == ()


def test_a_label_planted_among_the_features_is_caught(data: tuple[Baskets, NDArray[np.int8]]) -> None:
    baskets, label = data
    honest = out_of_fold(baskets)

    def planted(labels: NDArray[np.int8]) -> NDArray[np.float32]:
        return np.column_stack([honest(labels), labels]).astype(np.float32)

    names = (*BASKET_FEATURES, "basket_price_sensitivity")
    assert leaking_features(planted, label, first_fold(baskets, label), names) == ("basket_price_sensitivity",)


def test_leanings_learned_in_fold_are_caught(data: tuple[Baskets, NDArray[np.int8]]) -> None:
    baskets, label = data

    def in_fold(labels: NDArray[np.int8]) -> NDArray[np.float32]:
        return basket_features(baskets, learn_table(baskets, labels, PENALTY))

    caught = leaking_features(in_fold, label, first_fold(baskets, label), BASKET_FEATURES)
    assert {"mean_lean_la", "mean_lean_um", "mean_share_la"} <= set(caught)
    assert {"lines", "quantity", "spend_gbp"}.isdisjoint(caught)


def test_test_weeks_in_the_leanings_are_caught(data: tuple[Baskets, NDArray[np.int8]]) -> None:
    baskets, label = data
    learned = np.arange(len(baskets)) < 200

    def honest(labels: NDArray[np.int8]) -> NDArray[np.float32]:
        table = learn_table(baskets.take(np.flatnonzero(learned)), labels[learned], PENALTY)
        return np.where(learned[:, None], np.float32(0), basket_features(baskets, table))

    def leaking(labels: NDArray[np.int8]) -> NDArray[np.float32]:
        return np.where(
            learned[:, None], np.float32(0), basket_features(baskets, learn_table(baskets, labels, PENALTY))
        )

    assert list(find_leaks(honest, label, learned, BASKET_FEATURES)) == []
    found = list(find_leaks(leaking, label, learned, BASKET_FEATURES))
    assert "feature mean_lean_la of baskets that are held out depends on their own label" in found


@pytest.mark.parametrize("task", [Task.BASKET, Task.COARSE, Task.FLAT])
def test_the_guard_finds_nothing_in_what_is_trained_on(shop: tuple[Baskets, NDArray[np.int8]], task: Task) -> None:
    found = guard(task, *shop, np.arange(1000), np.arange(1000, 1500), TrainSettings())
    assert found.leaks == ()
    assert (found.learned, found.held_out) == (600, 300)


def test_the_guard_finds_leanings_that_are_learned_in_fold(
    shop: tuple[Baskets, NDArray[np.int8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_fold(
        baskets: Baskets, label: NDArray[np.int8], penalty: float, *_: object, **__: object
    ) -> list[tuple[NDArray[np.intp], NDArray[np.float32]]]:
        return [(np.arange(len(baskets)), basket_features(baskets, learn_table(baskets, label, penalty)))]

    monkeypatch.setattr("retail_forecast.models.examples.out_of_fold_features", in_fold)
    found = guard(Task.BASKET, *shop, np.arange(1000), np.arange(1000, 1500), TrainSettings())
    assert "feature mean_lean_la of a basket that is learned from depends on their own label" in found.leaks


@pytest.fixture(scope="module")
def visits() -> tuple[Baskets, NDArray[np.int8]]:
    """Baskets of 20 customers over ten weeks, in time order; labels by chance."""
    rng = np.random.default_rng(SEED)
    rows = [
        Basket(
            tuple(Line(1, 1.0, prod_code=f"PRD{p:07d}") for p in sorted(set(rng.integers(0, 30, 4).tolist()))),
            basket_id=f"{994100000000000 + number}",
            shop_date=EPOCH + timedelta(number // 50),
            shop_hour=8 + number % 12,
            customer=None if number % 7 == 0 else f"CUST{number % 20:010d}",
            store_code=f"STORE{number % 3:05d}",
            store_region="E01",
            store_format="LS",
            seg_1="AZ",
            seg_2="DI",
        )
        for number in range(3500)
    ]
    return baskets_from_rows(rows), rng.integers(0, 3, len(rows)).astype(np.int8)


def _guard_arrival(visits: tuple[Baskets, NDArray[np.int8]]) -> tuple[str, ...]:
    learned = np.arange(len(visits[1])) < 3150
    return guard(Task.ARRIVAL, *visits, np.flatnonzero(learned), np.flatnonzero(~learned), TrainSettings()).leaks


def test_the_guard_finds_nothing_in_honest_history(visits: tuple[Baskets, NDArray[np.int8]]) -> None:
    assert _guard_arrival(visits) == ()


def same_week(shop_day: NDArray[np.int32], _lag_days: int) -> NDArray[np.int32]:
    return shop_day // 7


def future(shop_day: NDArray[np.int32], _lag_days: int) -> NDArray[np.int32]:
    """All baskets know all weeks; but for the first, which has history begin at the beginning."""
    return np.where(np.arange(len(shop_day)) == 0, -1, shop_day.max() // 7).astype(np.int32)


@pytest.mark.parametrize("early", [same_week, future])
def test_the_guard_finds_history_of_the_same_week_and_of_the_future(
    visits: tuple[Baskets, NDArray[np.int8]],
    monkeypatch: pytest.MonkeyPatch,
    early: Callable[[NDArray[np.int32], int], NDArray[np.int32]],
) -> None:
    monkeypatch.setattr("retail_forecast.features.history.known_week", early)
    leaks = _guard_arrival(visits)
    for side in ("a basket that is learned from", "baskets that are held out"):
        assert any(leak.startswith("feature customer_") and side in leak for leak in leaks)


def test_the_guard_finds_a_taste_that_was_learned_from_the_customers_own_labels(
    visits: tuple[Baskets, NDArray[np.int8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def own(
        baskets: Baskets, label: NDArray[np.int8], learned: NDArray[np.bool_], penalty: float, *_: object
    ) -> tuple[NDArray[np.float64], ProductTable]:
        rows = np.flatnonzero(learned)
        table = learn_table(baskets.take(rows), label[rows], penalty)
        return past_of(baskets, label, table), table

    monkeypatch.setattr("retail_forecast.models.leakage.learned_past", own)
    assert any("taste_lean_la" in leak for leak in _guard_arrival(visits))


def test_a_basket_on_both_sides_is_caught(shop: tuple[Baskets, NDArray[np.int8]]) -> None:
    found = guard(Task.FLAT, *shop, np.arange(1000), np.arange(990, 1500), TrainSettings())
    assert found.leaks == ("10 baskets are learned from and held out at once",)


def test_a_column_that_copies_the_label_is_caught(shop: tuple[Baskets, NDArray[np.int8]]) -> None:
    baskets, label = shop
    copied = replace(baskets, mission=Codes(("a", "b", "c", "d"), label.astype(np.int32)))
    learned = np.arange(len(baskets)) < 1000
    assert copied_columns(baskets, label, learned, ("mission", "store_format", "type")) == ()
    assert copied_columns(copied, label, learned, ("mission", "store_format", "type")) == ("mission",)
    found = guard(Task.FLAT, copied, label, np.arange(1000), np.arange(1000, 1500), TrainSettings())
    assert found.leaks == ("column mission is a copy of the label",)


def test_the_row_random_twin_recognises_baskets(shop: tuple[Baskets, NDArray[np.int8]]) -> None:
    baskets, _ = shop
    rng = np.random.default_rng(SEED)
    chance = rng.integers(0, 3, len(baskets)).astype(np.int8)
    few = np.arange(300)
    named = replace(baskets, customer=Codes(tuple(f"CUST{n:010d}" for n in few), few.astype(np.int32))).take(few)
    twin = row_random_twin(named, chance[few], rng)
    assert twin.grouped < 0.5, "labels by chance cannot be learned"
    assert twin.gap > 0.2, "but a basket with lines on both sides can be recognised"
