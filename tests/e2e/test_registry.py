"""The verbs do the same wherever the registry lies, and two workspaces that share one see the same models."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from retail_forecast.clouds.addresses import Address, local_folder
from retail_forecast_server.process import serving

Cli = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def sharing(
    any_place: Callable[[str], Address], trained: tuple[Path, dict[str, Any]], tmp_path: Path
) -> tuple[Path, Path, Address]:
    """Two workspaces with a lake each and one registry, which is empty, and its address."""
    place, found = any_place("registry"), []
    for name in ("one", "other"):
        found.append(tmp_path / name)
        shutil.copytree(trained[0], found[-1], ignore=shutil.ignore_patterns("runs", "registry", "simulated"))
        with (found[-1] / "retail-forecast.yaml").open("a") as file:
            file.write(f"registry: {{uri: {json.dumps(str(place))}}}\n")
    return found[0], found[1], place


def test_two_workspaces_share_a_registry(
    sharing: tuple[Path, Path, Address], trained: tuple[Path, dict[str, Any]], verb_in: Cli, tmp_path: Path
) -> None:
    one, other, place = sharing
    code, first = verb_in(one, "train", "--model", "logistic")
    assert code == 0, first
    assert verb_in(one, "promote", first["run_id"])[1]["version"] == first["run_id"]
    assert [run["run_id"] for run in verb_in(other, "models")[1]["runs"]] == [first["run_id"]]
    if local_folder(place) is None:
        assert not (one / "registry").exists(), "nothing of record is in the workspace"
        assert not list(one.glob("**/run.json"))

    weeks = [str(week) for week in first["windows"]["test"]]
    evaluated = verb_in(other, "evaluate", "--from-week", weeks[0], "--to-week", weeks[1])[1]
    assert evaluated["metrics"] == first["metrics"]
    files = sorted((trained[0] / "simulated").glob("*.csv.gz"))
    code, told = verb_in(other, "predict", str(files[-1]), "--output", str(tmp_path / "answers.parquet"))
    assert code == 0, told
    assert verb_in(other, "reproduce", first["run_id"])[1]["verdict"] == "identical"
    assert verb_in(other, "lineage", first["run_id"])[0] == 0

    code, second = verb_in(other, "train", "--model", "logistic", "--seed", "11")
    assert verb_in(other, "promote", second["run_id"])[1]["version"] == second["run_id"]
    with serving(one) as url, urlopen(f"{url}/model") as answer:  # noqa: S310 - our own server
        assert second["run_id"] in answer.read().decode()
    assert verb_in(one, "models", "--rollback", "basket")[1]["champions"] == {"basket": first["run_id"]}
    actions = [entry["action"] for entry in verb_in(other, "models")[1]["history"]["basket"]]
    assert actions == ["promote", "promote", "rollback"]
