"""Boosted trees by XGBoost, on one host or several.

The mean absolute SHAP value of each feature (Lundberg et al., 2020, "From local explanations to global understanding
with explainable AI for trees") is left in the metadata of the model, for the exact values need the trees themselves.
"""

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from retail_forecast.bundle.ordering import ORDER
from retail_forecast.bundle.scorer import ATTRIBUTIONS
from retail_forecast.clouds.hosts import ALONE, Hosts
from retail_forecast.domain.labels import TIERS
from retail_forecast.models.examples import Features, Labels, complete
from retail_forecast.models.graphs import booster_graph

if TYPE_CHECKING:
    from xgboost import Booster

__all__ = ["XGBOOST", "fit_xgboost"]

# Threads of OpenMP that spin while they wait cost minutes on a busy machine; it reads this once, when it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

_ATTRIBUTED = 400

XGBOOST: dict[str, Any] = {
    "n_estimators": 100,
    "max_depth": 6,
    "learning_rate": 0.2,
    "subsample": 0.8,
    "colsample_bytree": 1.0,
    "min_child_weight": 1.0,
    "tree_method": "hist",
}


def fit_xgboost(
    features: Features, label: Labels, settings: Mapping[str, Any], seed: int, threads: int, hosts: Hosts = ALONE
) -> bytes:
    """The fitted model as ONNX bytes; parameters as in `learners.Learner.train_together`."""
    model = _boosted(features, complete(label, hosts), settings, seed, threads, hosts)
    facts = {ATTRIBUTIONS: _attributions(model, features, hosts), ORDER: _order(model)}
    return booster_graph(model, features.shape[1], {name: json.dumps(value) for name, value in facts.items()})


def _boosted(
    features: Features, label: Labels, settings: Mapping[str, Any], seed: int, threads: int, hosts: Hosts
) -> "Booster":
    """All rounds of boosting, from where an earlier start of the same job came to.

    Each round draws its rows by its own number, as weights of 0 and 1, for the library's own draws depend on what its
    process did before: an interrupted job ends with the trees of one that was not.
    """
    from xgboost import Booster, QuantileDMatrix

    own = {name: value for name, value in settings.items() if name not in ("n_estimators", "subsample")}
    fixed = {"objective": "multi:softprob", "num_class": len(TIERS), "seed": seed, "nthread": threads}
    rows = QuantileDMatrix(features, label, nthread=threads or None)
    kept = hosts.kept()
    model = Booster({**own, **fixed}, [rows], model_file=bytearray(kept) if kept else None)
    for number in range(model.num_boosted_rounds(), settings["n_estimators"]):
        rng = np.random.default_rng([seed, number, hosts.rank])
        rows.set_weight((rng.random(len(label), np.float32) < settings["subsample"]).astype(np.float32))
        model.update(rows, number)
        hosts.reached(lambda: bytes(model.save_raw("ubj")))
    return model


def _attributions(model: "Booster", features: Features, hosts: Hosts) -> list[float]:
    """Mean absolute SHAP value of each feature over the tiers and over rows spread among all (400 of a host)."""
    from xgboost import DMatrix

    spread = features[:: max(1, len(features) // _ATTRIBUTED)]
    values = np.abs(model.predict(DMatrix(spread, nthread=1), pred_contribs=True)[..., :-1]).mean(axis=1)
    *total, rows = hosts.total(np.append(values.sum(axis=0, dtype=np.float64), len(values)))
    return [round(float(value / rows), 6) for value in total]


def _order(model: "Booster") -> list[int]:
    """The two inputs whose splits gain most, by `bundle.ordering`."""
    gains = model.get_score(importance_type="total_gain")
    ranked = sorted(gains, key=lambda name: gains[name], reverse=True)
    return [int(name.removeprefix("f")) for name in ranked[:2]]
