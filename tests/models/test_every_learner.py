"""What every learner must do: learn, repeat itself to the bit, and leave a graph that answers as its library does."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from retail_forecast.bundle.manifest import write_bundle
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import TrainSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.lines import Baskets
from retail_forecast.models import boosting, embedding, linear, trees
from retail_forecast.models.fitting import Fitted, fit_model, manifest_of
from retail_forecast.models.learners import LEARNERS, learner

if TYPE_CHECKING:
    from sklearn.base import ClassifierMixin
    from xgboost import Booster

Shop = tuple[Baskets, NDArray[np.int8]]
Probabilities = Callable[[NDArray[np.float32]], NDArray[np.float64]]

SETTINGS = TrainSettings(folds=2)
QUICK: dict[str, dict[str, Any]] = {
    "embedding": {"least_steps": 200, "batch": 128},
    "forest": {"n_estimators": 8},
    "xgboost": {"n_estimators": 20},
}
LEARNED = np.arange(1200)
HELD_OUT = np.arange(1200, 1500)
MODELS = [pytest.param(name, marks=pytest.mark.torch if name == "embedding" else ()) for name in LEARNERS]


def fit(name: str, shop: Shop, seed: int = 3, task: Task = Task.BASKET) -> Fitted:
    baskets, label = shop
    settings = SETTINGS.model_copy(update={"seed": seed})
    return fit_model(task, learner(name, QUICK.get(name)), baskets.take(LEARNED), label[LEARNED], settings, 1)


@pytest.fixture(scope="module")
def fitted(shop: Shop) -> Callable[[str], Fitted]:
    """Each learner's model of the shop, fitted when it is first asked for."""
    kept: dict[str, Fitted] = {}
    return lambda name: kept[name] if name in kept else kept.setdefault(name, fit(name, shop))


@pytest.mark.parametrize("name", MODELS)
def test_it_learns(name: str, shop: Shop, fitted: Callable[[str], Fitted]) -> None:
    baskets, label = shop
    answers = fitted(name).bundle().predict(baskets.take(HELD_OUT))
    assert (answers.label == label[HELD_OUT]).mean() > 0.85 > (label[HELD_OUT] == 1).mean() + 0.2
    assert ((answers.label == 3) == (label[HELD_OUT] == 3)).all()


@pytest.mark.parametrize("name", MODELS)
def test_it_repeats_itself_to_the_bit(name: str, shop: Shop, fitted: Callable[[str], Fitted]) -> None:
    assert fit(name, shop).files() == fitted(name).files()


@pytest.mark.parametrize("name", [pytest.param("embedding", marks=pytest.mark.torch), "forest", "xgboost"])
def test_the_seed_matters(name: str, shop: Shop, fitted: Callable[[str], Fitted]) -> None:
    assert fit(name, shop, seed=4).model != fitted(name).model


@pytest.mark.parametrize("name", MODELS)
def test_a_basket_alone_is_answered_as_in_a_batch(name: str, shop: Shop, fitted: Callable[[str], Fitted]) -> None:
    bundle, baskets = fitted(name).bundle(), shop[0].take(HELD_OUT)
    together = bundle.predict(baskets).probabilities
    alone = [bundle.predict(baskets.take(np.array([row]))).probabilities[0] for row in range(60)]
    assert (np.stack(alone) == together[:60]).all()
    back = np.arange(len(HELD_OUT))[::-1]
    assert (bundle.predict(baskets.take(back)).probabilities == together[back]).all()


@pytest.mark.parametrize("name", MODELS)
def test_the_graph_answers_as_the_library(name: str, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = _listen(name, monkeypatch)
    bundle = fit(name, shop).bundle()
    features = bundle.features(shop[0].take(HELD_OUT))
    assert np.abs(bundle.score(features) - asked[0](features)).max() <= 1e-6


def _listen(name: str, monkeypatch: pytest.MonkeyPatch) -> list[Probabilities]:
    """What the library itself answers, noted when the model is handed over to become a graph."""
    hands: dict[str, tuple[ModuleType, str, Callable[..., Probabilities]]] = {
        "embedding": (embedding, "network_graph", _of_torch),
        "forest": (trees, "scikit_graph", _of_scikit),
        "logistic": (linear, "scikit_graph", _of_scikit),
        "tree": (trees, "scikit_graph", _of_scikit),
        "xgboost": (boosting, "booster_graph", _of_xgboost),
    }
    module, handover, ask = hands[name]
    noted: list[Probabilities] = []
    convert = getattr(module, handover)

    def hand_over(*model: Any) -> bytes:
        noted.append(ask(*model))
        graph: bytes = convert(*model)
        return graph

    monkeypatch.setattr(module, handover, hand_over)
    return noted


def _of_scikit(model: "ClassifierMixin", _width: int) -> Probabilities:
    return lambda features: np.asarray(model.predict_proba(features))


def _of_xgboost(model: "Booster", *_: object) -> Probabilities:
    from xgboost import DMatrix

    return lambda features: np.asarray(model.predict(DMatrix(features, nthread=1)))


def _of_torch(squash: NDArray[np.float32], layers: list[NDArray[np.float32]]) -> Probabilities:
    import torch

    inner, inner_bias, outer, outer_bias = (torch.from_numpy(layer) for layer in layers)

    def ask(features: NDArray[np.float32]) -> NDArray[np.float64]:
        inputs = torch.from_numpy(features / (1 + features * squash))
        logits = torch.relu(inputs @ inner + inner_bias) @ outer + outer_bias
        return np.asarray(torch.softmax(logits, 1).numpy(), np.float64)

    return ask


ALONE = """
import sys
sys.modules.update(dict.fromkeys(["torch", "sklearn", "scipy", "xgboost", "onnx", "skl2onnx", "onnxmltools"]))
from pathlib import Path
from retail_forecast.bundle.scorer import load_bundle
from retail_forecast.domain.basket import Basket, Line
bundle = load_bundle(Path(sys.argv[1]))
print(bundle.predict_rows([Basket((Line(1, 1.0, prod_code="PRD0000001"), Line(2, 1.5, prod_code="PRD0000002")))])
      .probabilities.tobytes().hex())
"""


@pytest.mark.parametrize("name", MODELS)
def test_a_bundle_answers_without_what_trained_it(name: str, fitted: Callable[[str], Fitted], tmp_path: Path) -> None:
    from retail_forecast.domain.basket import Basket, Line

    model = fitted(name)
    now = datetime(2026, 11, 22, tzinfo=UTC)
    manifest = manifest_of(model, run_id="", model=name, created_at=now, last_learned_week=200701)
    write_bundle(tmp_path / "bundle", manifest, model.files())
    command = [sys.executable, "-c", ALONE, str(tmp_path / "bundle")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    lines = Line(1, 1.0, prod_code="PRD0000001"), Line(2, 1.5, prod_code="PRD0000002")
    here = model.bundle().predict_rows([Basket(lines)]).probabilities
    assert done.stdout.strip() == here.tobytes().hex()


@pytest.mark.parametrize("name", [name for name in LEARNERS if name != "embedding"])
def test_a_tier_without_a_basket_is_refused(name: str, shop: Shop) -> None:
    baskets, label = shop
    rows = np.flatnonzero(label != 2)[:200]
    with pytest.raises(UsageError, match="UM"):
        fit_model(Task.BASKET, learner(name), baskets.take(rows), label[rows], SETTINGS, 1)
