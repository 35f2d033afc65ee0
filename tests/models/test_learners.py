"""Learners by name, and their settings as data."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from retail_forecast.domain.errors import UsageError
from retail_forecast.models.learners import LEARNERS, AnyLearner, Learner, learner
from retail_forecast.models.search import SPACES, Range


def test_overrides_take_the_place_of_settings_and_reach_the_model() -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(size=(90, 3)).astype(np.float32)
    label = (np.arange(90) % 3).astype(np.int8)
    small, smaller = (learner("xgboost", {"n_estimators": n, "max_depth": 2}) for n in (4, 2))
    assert isinstance(small, Learner)
    assert isinstance(smaller, Learner)
    assert small.settings == {**LEARNERS["xgboost"].settings, "n_estimators": 4, "max_depth": 2}
    trees = [_trees(one.fit(features, label, 1, 1)) for one in (small, smaller)]
    assert trees == [12, 6]


@pytest.mark.parametrize(("name", "overrides"), [("oracle", {}), ("logistic", {"n_estimators": 3})])
def test_unknown_names_are_refused(name: str, overrides: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=r"oracle|n_estimators"):
        learner(name, overrides)


def test_the_documentation_names_every_setting_with_its_default_and_its_range() -> None:
    text = (Path(__file__).parents[2] / "docs/learners.md").read_text("utf-8")
    table = text.partition("| learner | setting |")[2].partition("\n\n")[0].splitlines()[2:]
    assert table == [_row(one, name) for one in LEARNERS.values() for name in one.settings]


def _row(one: AnyLearner, name: str) -> str:
    space = {each.name: each for each in SPACES[one.name] if isinstance(each, Range)}
    searched = ""
    if name in space:
        searched = f"{space[name].low:g} to {space[name].high:g}{', logarithmic' if space[name].log else ''} "
    return f"| `{one.name}` | `{name}` | {one.settings[name]} | {searched}|"


def _trees(model: bytes) -> int:
    attributes = [a for node in onnx.load_from_string(model).graph.node for a in node.attribute]
    return sum(len(set(a.ints)) for a in attributes if a.name == "nodes_treeids")
