"""Figures agree with scikit-learn's, leave XX out where they say so, and depend on nothing but the baskets."""

import json

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sk

from retail_forecast.domain.errors import DataError
from retail_forecast.domain.labels import LABELS
from retail_forecast.models.evaluation import always_mm, evaluate, likeliest

Labelled = tuple[NDArray[np.int8], NDArray[np.float64]]


@pytest.fixture
def labelled() -> Labelled:
    rng = np.random.default_rng(7)
    label = rng.choice(4, 3000, p=[0.23, 0.5, 0.24, 0.03]).astype(np.int8)
    scores = rng.gumbel(size=(3000, 4)) + 2.0 * np.eye(4)[label]
    return label, np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)


def test_main_figures_agree_with_scikit_learn_on_the_three_tiers(labelled: Labelled) -> None:
    label, probabilities = labelled
    tiers = label < 3
    truth, answer = label[tiers], likeliest(probabilities)[tiers]
    found = evaluate(label, probabilities)
    precision, recall, f1, _ = sk.precision_recall_fscore_support(truth, answer, labels=[0, 1, 2], zero_division=0)
    assert (answer == 3).any(), "the case must hold tiers that are answered XX"
    assert found.n == tiers.sum()
    assert found.accuracy == pytest.approx(sk.accuracy_score(truth, answer))
    assert found.macro_f1 == pytest.approx(sk.f1_score(truth, answer, labels=[0, 1, 2], average="macro"))
    assert list(found.precision.values()) == pytest.approx(precision.tolist())
    assert list(found.recall.values()) == pytest.approx(recall.tolist())
    assert list(found.f1.values()) == pytest.approx(f1.tolist())
    assert found.log_loss == pytest.approx(sk.log_loss(truth, probabilities[tiers], labels=[0, 1, 2, 3]))
    table = sk.confusion_matrix(truth, answer, labels=[0, 1, 2, 3])[:3]
    assert [list(row.values()) for row in found.confusion.values()] == table.tolist()


def test_figures_with_xx_agree_with_scikit_learn_on_four_classes(labelled: Labelled) -> None:
    label, probabilities = labelled
    answer = likeliest(probabilities)
    found = evaluate(label, probabilities).with_xx
    assert found is not None
    assert found.n == len(label)
    assert found.accuracy == pytest.approx(sk.accuracy_score(label, answer))
    assert found.macro_f1 == pytest.approx(sk.f1_score(label, answer, average="macro"))
    assert found.log_loss == pytest.approx(sk.log_loss(label, probabilities))
    assert [list(row.values()) for row in found.confusion.values()] == sk.confusion_matrix(label, answer).tolist()


def test_the_order_of_the_baskets_changes_nothing_but_rounding(labelled: Labelled) -> None:
    label, probabilities = labelled
    order = np.random.default_rng(1).permutation(len(label))
    one, other = evaluate(label, probabilities), evaluate(label[order], probabilities[order])
    assert one.confusion == other.confusion
    assert one.ece == pytest.approx(other.ece)
    assert one.log_loss == pytest.approx(other.log_loss)


def test_permuting_the_labels_costs_the_model_its_figures(labelled: Labelled) -> None:
    label, probabilities = labelled
    shuffled = np.random.default_rng(2).permutation(label)
    assert evaluate(label, probabilities).macro_f1 > 0.6
    assert evaluate(shuffled, probabilities).macro_f1 < 0.4


def test_a_class_that_is_never_answered_has_precision_zero() -> None:
    label = np.array([0, 1, 2, 1], np.int8)
    found = evaluate(label, np.tile([0.1, 0.8, 0.1, 0.0], (4, 1)))
    assert found.precision == {"LA": 0.0, "MM": 0.5, "UM": 0.0}
    assert found.macro_f1 == pytest.approx(sk.f1_score(label, np.ones(4, np.int8), average="macro", zero_division=0))


def test_a_tier_answered_xx_is_an_error() -> None:
    label = np.array([0, 1, 2], np.int8)
    probabilities = np.eye(4)[[0, 1, 3]]
    found = evaluate(label, probabilities)
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.recall["UM"] == 0.0
    assert found.confusion["UM"] == {"LA": 0, "MM": 0, "UM": 0, "XX": 1}


def test_xx_baskets_do_not_touch_the_main_figures(labelled: Labelled) -> None:
    label, probabilities = labelled
    spoilt = probabilities.copy()
    spoilt[label == 3] = [1.0, 0.0, 0.0, 0.0]
    one, other = evaluate(label, probabilities).to_dict(), evaluate(label, spoilt).to_dict()
    assert one.pop("with_xx") != other.pop("with_xx")
    assert one == other


def test_an_answer_may_differ_from_the_likeliest_class() -> None:
    label = np.array([0, 1, 2], np.int8)
    probabilities = np.tile([0.3, 0.4, 0.3, 0.0], (3, 1))
    assert evaluate(label, probabilities, label).accuracy == 1.0
    assert evaluate(label, probabilities).accuracy == pytest.approx(1 / 3)


def test_always_mm_has_the_training_shares_as_its_probabilities() -> None:
    train = np.array([0, 1, 1, 2], np.int8)
    label = np.array([0, 1, 1, 1], np.int8)
    found = always_mm(train, label)
    assert found.accuracy == 0.75
    assert found.recall == {"LA": 0.0, "MM": 1.0, "UM": 0.0}
    assert found.log_loss == pytest.approx(-(np.log(0.25) + 3 * np.log(0.5)) / 4)


def test_the_dictionary_is_plain_json_with_the_agreed_names(labelled: Labelled) -> None:
    found = evaluate(*labelled).to_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert {
        "accuracy",
        "macro_f1",
        "precision",
        "recall",
        "f1",
        "log_loss",
        "ece",
        "confusion",
        "with_xx",
    } <= found.keys()
    assert list(found["precision"]) == ["LA", "MM", "UM"]
    assert list(found["with_xx"]["precision"]) == list(LABELS)
    assert "with_xx" not in found["with_xx"]


@pytest.mark.parametrize(
    ("label", "probabilities", "what"),
    [
        ([0, 1], [[1.0, 0.0, 0.0, 0.0]], "shape"),
        ([-1], [[1.0, 0.0, 0.0, 0.0]], "positions"),
        ([4], [[1.0, 0.0, 0.0, 0.0]], "positions"),
        ([0], [[0.9, 0.9, 0.0, 0.0]], "sum to one"),
        ([0], [[1.5, -0.5, 0.0, 0.0]], "at least 0"),
        ([0], [[np.nan, 0.0, 0.0, 1.0]], "at least 0"),
        ([3], [[0.0, 0.0, 0.0, 1.0]], "no basket labelled"),
    ],
)
def test_what_does_not_fit_is_refused(label: list[int], probabilities: list[list[float]], what: str) -> None:
    with pytest.raises(DataError, match=what):
        evaluate(np.array(label, np.int8), np.array(probabilities))
