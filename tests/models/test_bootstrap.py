"""Bootstrap intervals are clustered, reproducible, paired where they must be, and about as wide as chance."""

import time
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from retail_forecast.domain.errors import DataError
from retail_forecast.models.bootstrap import basket_clusters, intervals, paired_bound
from retail_forecast.models.evaluation import evaluate

Answers = NDArray[np.int8]


def _answers(rng: np.random.Generator, label: Answers, accuracy: float) -> Answers:
    wrong = rng.random(len(label)) >= accuracy
    return np.where(wrong, (label + rng.integers(1, 3, len(label))) % 3, label).astype(np.int8)


def _labels(rng: np.random.Generator, n: int) -> Answers:
    return rng.choice(4, n, p=[0.23, 0.5, 0.25, 0.02]).astype(np.int8)


def test_the_interval_of_accuracy_is_the_binomial_one_when_baskets_are_independent() -> None:
    rng = np.random.default_rng(1)
    label = _labels(rng, 4000)
    answer = _answers(rng, label, 0.8)
    found = intervals(label, answer, np.arange(4000), rng)["accuracy"]
    tiers = label < 3
    share = (label == answer)[tiers].mean()
    deviation = np.sqrt(share * (1 - share) / tiers.sum())
    assert found.lower == pytest.approx(share - 1.96 * deviation, abs=0.2 * deviation)
    assert found.upper == pytest.approx(share + 1.96 * deviation, abs=0.2 * deviation)
    assert found.bound == pytest.approx(share - 1.645 * deviation, abs=0.2 * deviation)


def test_every_main_figure_lies_within_its_interval() -> None:
    rng = np.random.default_rng(2)
    label = _labels(rng, 2000)
    answer = _answers(rng, label, 0.7)
    figures = evaluate(label, np.eye(4)[answer]).to_dict()
    found = intervals(label, answer, np.arange(2000) // 4, rng, draws=300)
    assert len(found) == 2 + 3 * 3
    for name, interval in found.items():
        rate, _, tier = name.partition(".")
        value = figures[rate][tier] if tier else figures[rate]
        assert interval.lower < value < interval.upper
        assert interval.lower < interval.bound < value


def test_baskets_of_one_customer_are_not_independent_evidence() -> None:
    rng = np.random.default_rng(3)
    label = _labels(rng, 500)
    answer = _answers(rng, label, 0.7)
    once = intervals(label, answer, np.arange(500), np.random.default_rng(0))["accuracy"]
    copied, copy = np.tile(label, 16), np.tile(answer, 16)
    clustered = intervals(copied, copy, np.tile(np.arange(500), 16), np.random.default_rng(0))["accuracy"]
    naive = intervals(copied, copy, np.arange(8000), np.random.default_rng(0))["accuracy"]
    assert clustered == once, "sixteen copies of the same baskets hold no more than one"
    assert naive.upper - naive.lower < 0.35 * (once.upper - once.lower)


def test_the_same_seed_gives_the_same_bounds_and_another_seed_others() -> None:
    rng = np.random.default_rng(4)
    label = _labels(rng, 800)
    answer, cluster = _answers(rng, label, 0.7), np.arange(800)
    first, again, other = (intervals(label, answer, cluster, np.random.default_rng(s), draws=100) for s in (5, 5, 6))
    assert first == again
    assert first != other


def test_a_model_differs_from_itself_by_exactly_nothing() -> None:
    rng = np.random.default_rng(5)
    label = _labels(rng, 1000)
    answer = _answers(rng, label, 0.6)
    found = paired_bound(label, answer, answer, np.arange(1000), rng, draws=200)
    assert (found.difference, found.bound) == (0.0, 0.0)


def test_draws_are_paired() -> None:
    rng = np.random.default_rng(6)
    label = _labels(rng, 2000)
    champion = _answers(rng, label, 0.7)
    candidate = champion.copy()
    mended = np.flatnonzero((champion != label) & (label < 3))[:60]
    candidate[mended] = label[mended]
    found = paired_bound(label, candidate, champion, np.arange(2000), rng)
    alone = intervals(label, candidate, np.arange(2000), rng)["macro_f1"]
    assert found.difference == pytest.approx(
        evaluate(label, np.eye(4)[candidate]).macro_f1 - evaluate(label, np.eye(4)[champion]).macro_f1
    )
    assert 0 < found.bound < found.difference
    assert found.difference - found.bound < 0.5 * (alone.upper - alone.lower)


def test_the_difference_is_candidate_minus_champion() -> None:
    rng = np.random.default_rng(7)
    label = _labels(rng, 1500)
    good, poor = _answers(rng, label, 0.9), _answers(rng, label, 0.7)
    assert paired_bound(label, good, poor, np.arange(1500), rng, draws=200).bound > 0.1
    assert paired_bound(label, poor, good, np.arange(1500), rng, draws=200).difference < -0.1


def test_the_bound_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(8)
    covered = 0
    for _ in range(200):
        label = rng.choice(3, 300, p=[0.3, 0.4, 0.3]).astype(np.int8)
        candidate, champion = (_answers(rng, label, 0.7) for _ in range(2))
        covered += paired_bound(label, candidate, champion, np.arange(300), rng, draws=200).bound <= 0
    assert 0.90 <= covered / 200 <= 0.99


def test_xx_baskets_are_left_out_and_counted_nowhere() -> None:
    label = np.array([0, 1, 2, 3, 3], np.int8)
    found = paired_bound(label, label, label, np.array([0, 1, 2, 3, 3]), np.random.default_rng(0), draws=100)
    assert (found.baskets, found.clusters) == (3, 3)
    with pytest.raises(DataError, match="no basket labelled"):
        paired_bound(label[3:], label[3:], label[3:], np.zeros(2, np.int64), np.random.default_rng(0))


def test_anonymous_baskets_are_clusters_of_their_own() -> None:
    found = basket_clusters(np.array([4, -1, 4, -1, 0], np.int32))
    assert len(set(found.tolist())) == 4
    assert found[0] == found[2]
    assert basket_clusters(np.array([-1, -1], np.int32)).tolist() == [0, 1]


def test_a_thousand_draws_of_fifteen_thousand_clusters_take_bounded_time_and_memory() -> None:
    rng = np.random.default_rng(9)
    label = _labels(rng, 55_000)
    cluster = rng.integers(0, 15_000, 55_000)
    candidate, champion = (_answers(rng, label, 0.9) for _ in range(2))
    tracemalloc.start()
    began = time.process_time()
    paired_bound(label, candidate, champion, cluster, rng)
    elapsed_s, peak = time.process_time() - began, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert elapsed_s < 4
    assert peak < 60e6
