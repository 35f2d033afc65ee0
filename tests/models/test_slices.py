"""Slices cover every basket once per kind, agree with scikit-learn, and name the weakest that is large enough."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, f1_score

from retail_forecast.domain.basket import basket_size
from retail_forecast.kernel.lines import Baskets
from retail_forecast.models.findings import Slice
from retail_forecast.models.slices import ANONYMOUS, MINIMUM, slice_figures, weakest

Shop = tuple[Baskets, NDArray[np.int8]]


@pytest.fixture
def answer(shop: Shop) -> NDArray[np.int8]:
    """Right for two of three baskets, and always wrong in stores of format MS."""
    baskets, label = shop
    rng = np.random.default_rng(3)
    formats = np.array(baskets.store_format.to_list())
    wrong = (rng.random(len(label)) < 1 / 3) | (formats == "MS")
    return np.where(wrong, (label + 1) % 3, label).astype(np.int8)


def test_each_kind_of_slice_holds_every_basket_of_a_tier_once(shop: Shop, answer: NDArray[np.int8]) -> None:
    found = slice_figures(*shop, answer)
    for by in ("store format", "region", "customer group", "basket size", "lines"):
        assert sum(each.n for each in found if each.by == by) == (shop[1] < 3).sum()
    assert ANONYMOUS in {each.value for each in found if each.by == "customer group"}
    assert [each.value for each in found if each.by == "basket size"] == ["S", "M", "L"]


def test_figures_of_a_slice_agree_with_scikit_learn(shop: Shop, answer: NDArray[np.int8]) -> None:
    baskets, label = shop
    sizes = np.array([basket_size(int(q)) for q in np.add.reduceat(baskets.quantity, baskets.offsets[:-1])])
    rows = (sizes == "M") & (label < 3)
    found = next(each for each in slice_figures(baskets, label, answer) if each.value == "M")
    assert found.n == rows.sum()
    assert found.accuracy == pytest.approx(accuracy_score(label[rows], answer[rows]))
    assert found.macro_f1 == pytest.approx(f1_score(label[rows], answer[rows], average="macro"))


def test_the_weak_store_format_is_named(shop: Shop, answer: NDArray[np.int8]) -> None:
    found = weakest(slice_figures(*shop, answer))
    assert found is not None
    assert (found.by, found.value, found.accuracy) == ("store format", "MS", 0.0)


def test_a_small_slice_is_never_the_weakest() -> None:
    small, large = Slice("region", "E01", MINIMUM - 1, 0.1, 0.1), Slice("region", "E02", MINIMUM, 0.9, 0.9)
    assert weakest([small, large]) == large
    assert weakest([small]) is None
