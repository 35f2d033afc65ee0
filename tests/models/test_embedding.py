"""The network: vectors for what was never seen, hidden libraries, and tasks that it cannot serve."""

import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import TrainSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.lines import Baskets
from retail_forecast.models.embedding import TORCH, fit_embedding
from retail_forecast.models.fitting import Fitted, fit_model
from retail_forecast.models.learners import learner

Shop = tuple[Baskets, NDArray[np.int8]]
QUICK = {"least_steps": 200, "batch": 128, "kinds": 5}
SETTINGS = TrainSettings(seed=5)


@pytest.fixture(scope="module")
def network(shop: Shop) -> Fitted:
    return fit_model(Task.BASKET, learner("embedding", QUICK), *shop, SETTINGS, 1)


@pytest.mark.torch
def test_vectors_are_shares_of_kinds(network: Fitted) -> None:
    table = network.products
    assert table is not None
    assert table.columns == ("kind_0", "kind_1", "kind_2", "kind_3", "kind_4", "is_xx")
    vectors = table.values[:, :-1]
    assert vectors.min() >= 0
    assert np.abs(vectors.sum(axis=1) - 1).max() < 1e-4
    assert set(np.unique(table.values[: len(table.products), -1])) == {0.0, 1.0}


@pytest.mark.torch
def test_groups_and_strangers_get_the_mean_of_their_lines(network: Fitted, shop: Shop) -> None:
    table = network.products
    assert table is not None
    own = table.values[shop[0].prod_code.lookup(table.products)].mean(axis=0)
    assert np.abs(table.values[table.groups["G00001"]] - own).max() <= 2**-16
    assert np.abs(table.values[-1] - own).max() <= 2**-16


@pytest.mark.torch
def test_the_share_of_unknown_products_weighs_nothing(network: Fitted) -> None:
    graph = onnx.load_from_string(network.model).graph
    weights = {part.name: onnx.numpy_helper.to_array(part) for part in graph.initializer}["W"]
    column = network.features.index("unknown_share")
    assert (weights[column] == 0).all()
    assert (np.delete(weights, column, axis=0) != 0).all()


@pytest.mark.torch
def test_lines_without_a_product_are_borne(shop: Shop) -> None:
    baskets, label = shop
    index = baskets.prod_code.index.copy()
    index[::7] = -1
    holed = replace(baskets, prod_code=replace(baskets.prod_code, index=index))
    fitted = fit_model(Task.BASKET, learner("embedding", QUICK), holed, label, SETTINGS, 1)
    assert (fitted.bundle().predict(baskets).label == label).mean() > 0.8


@pytest.mark.torch
def test_coarse_vectors_belong_to_price_keys(shop: Shop) -> None:
    baskets, label = shop
    grouped = replace(baskets, prod_code_10=baskets.prod_code)
    fitted = fit_model(Task.COARSE, learner("embedding", QUICK), grouped, label, SETTINGS, 1)
    assert fitted.products is not None
    assert all("@" in code for code in fitted.products.products)
    assert not any(code in fitted.products.groups for code in fitted.products.products)
    unnamed = replace(grouped, prod_code=replace(baskets.prod_code, index=np.zeros_like(baskets.prod_code.index)))
    assert fit_model(Task.COARSE, learner("embedding", QUICK), unnamed, label, SETTINGS, 1).files() == fitted.files()


@pytest.mark.torch
def test_the_threads_of_the_process_are_left_as_they_were(shop: Shop) -> None:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        fit_embedding(*shop, learner("embedding", QUICK | {"least_steps": 1, "epochs": 1}).settings, 1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.torch
def test_a_tier_without_a_basket_is_refused(shop: Shop) -> None:
    baskets, label = shop
    rows = np.flatnonzero(label != 2)[:200]
    with pytest.raises(UsageError, match="UM"):
        fit_model(Task.BASKET, learner("embedding"), baskets.take(rows), label[rows], SETTINGS, 1)


def test_a_missing_library_is_named_with_the_line_that_installs_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UsageError, match="PyTorch") as refused:
        fit_model(Task.BASKET, learner("embedding"), *shop, SETTINGS, 1)
    assert refused.value.mend == f"pip install {TORCH}"


def test_the_version_is_that_of_the_extra() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["optional-dependencies"]["torch"] == [TORCH]


def test_a_task_without_products_is_refused(shop: Shop) -> None:
    with pytest.raises(UsageError, match="flat"):
        fit_model(Task.FLAT, learner("embedding"), *shop, SETTINGS, 1)
