"""The rule behind the label, and its noise."""

import numpy as np
import pytest

from retail_forecast.domain.labels import LABELS
from retail_forecast.simulation.labelling import add_noise, basket_labels


@pytest.mark.parametrize(
    ("lines", "label"),
    [
        ("A", "LA"),
        ("M", "MM"),
        ("U", "UM"),
        ("X", "XX"),
        ("XX", "XX"),
        ("AX", "LA"),
        ("AU", "MM"),
        ("AM", "LA"),
        ("UM", "UM"),
        ("AA" + "M" * 7, "MM"),  # -2/9
        ("A" * 5 + "M" * 17, "LA"),  # -5/22
        ("UU" + "M" * 9, "MM"),  # 2/11
        ("U" * 5 + "M" * 22, "UM"),  # 5/27
        ("UU" + "M" * 9 + "X" * 20, "MM"),
    ],
)
def test_balance_of_the_lines_decides(lines: str, label: str) -> None:
    tier = np.array(["AMUX".index(c) for c in lines], np.int8)
    assert LABELS[basket_labels(np.zeros(len(lines), np.int64), tier, 1)[0]] == label


def test_baskets_do_not_touch_each_other() -> None:
    basket = np.array([0, 0, 1, 2])
    assert basket_labels(basket, np.array([0, 2, 0, 3], np.int8), 3).tolist() == [1, 0, 3]


def test_noise_gives_another_tier_and_spares_xx() -> None:
    label = np.arange(4).repeat(5_000)
    noisy = add_noise(label, 0.2, np.random.default_rng(1))
    assert (noisy[label == 3] == 3).all()
    assert (noisy != label)[label < 3].mean() == pytest.approx(0.2, abs=0.01)
    assert set(noisy[label < 3]) == {0, 1, 2}


def test_no_noise_changes_nothing() -> None:
    label = np.arange(4).repeat(50)
    assert (add_noise(label, 0.0, np.random.default_rng(1)) == label).all()


def test_full_noise_leaves_no_tier_alone() -> None:
    label = np.arange(3).repeat(50)
    assert (add_noise(label, 1.0, np.random.default_rng(1)) != label).all()
