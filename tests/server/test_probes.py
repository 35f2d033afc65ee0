"""Probes, the model's description, and a server without a model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from retail_forecast.bundle.manifest import read_manifest, write_bundle
from retail_forecast.bundle.scorer import MODEL
from retail_forecast.domain.tasks import Task
from retail_forecast_server.models import Model, NoModel, Source, open_model
from retail_forecast_server.shelf import open_shelf

if TYPE_CHECKING:
    from tests.server.conftest import Client, MakeClient

BODY = {"lines": [{"prod_code": "PRD0000001", "quantity": 1, "spend_gbp": 1.0}]}


def _workspace(folder: Path, bundle: Path, digest: str, task: Task = Task.BASKET) -> Path:
    shutil.copytree(bundle, folder / "registry/bundles" / bundle.name)
    journal = folder / f"registry/champions/{task}"
    journal.mkdir(parents=True)
    entry = {"version": 3, "run_id": bundle.name, "bundle_digest": digest}
    (journal / "000000000003.json").write_text(json.dumps(entry), "utf-8")
    return folder


def test_alive_and_ready(client: Client, model: Model) -> None:
    alive = client.ask("GET", "/healthz")
    assert (alive.status, alive.json["status"], alive.json["instance"]) == (200, "alive", "me")
    ready = client.ask("GET", "/readyz")
    assert (ready.status, ready.json) == (200, {"status": "ready", "model_version": model.version})


def test_each_model_says_what_it_is(client: Client, tiny_bundle: tuple[Path, str]) -> None:
    shelved = client.ask("GET", "/model").json
    assert shelved["default_task"] == "basket"
    assert [told["task"] for told in shelved["models"]] == ["basket", "flat"]
    assert shelved["missing"] == [
        {"task": "coarse", "reason": "it has no champion yet"},
        {"task": "arrival", "reason": "it has no champion yet"},
    ]
    told, manifest = shelved["models"][0], read_manifest(tiny_bundle[0])
    assert told["digest"] == tiny_bundle[1]
    assert (told["model_version"], told["champion_version"]) == (manifest.run_id, None)
    assert told["manifest"]["metrics"] == {"accuracy": 0.9}
    assert told["manifest"]["metrics_from"] == "test"
    assert told["manifest"]["files"] == manifest.files


def test_without_a_model_it_is_not_ready_and_says_why(make_client: MakeClient) -> None:
    client = make_client(NoModel("task basket has no champion yet"))
    answer = client.ask("GET", "/readyz")
    assert answer.status == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert "no champion yet" in answer.json["detail"]
    missing = {told["task"]: told["reason"] for told in client.ask("GET", "/model").json["missing"]}
    assert missing["basket"] == "task basket has no champion yet"
    assert client.ask("GET", "/healthz").status == 200
    assert client.ask("GET", "/docs").status == 200


def test_without_a_model_there_is_no_prediction(make_client: MakeClient) -> None:
    answer = make_client(NoModel("none")).predict(BODY)
    assert answer.status == 503
    assert "label" not in answer.json


def test_the_champion_is_opened(tmp_path: Path, tiny_bundle: tuple[Path, str]) -> None:
    opened = open_model(Source(_workspace(tmp_path, *tiny_bundle)), Task.BASKET)
    assert isinstance(opened, Model)
    assert (opened.champion, opened.bundle.digest) == (3, tiny_bundle[1])


def test_champions_of_all_tasks_are_opened(
    tmp_path: Path, tiny_bundle: tuple[Path, str], tiny_flat_bundle: tuple[Path, str]
) -> None:
    _workspace(tmp_path, *tiny_bundle)
    shelf = open_shelf(Source(_workspace(tmp_path, *tiny_flat_bundle, Task.FLAT)))
    told = shelf.describe()
    assert {model.task: model.digest for model in told.models} == {
        "basket": tiny_bundle[1],
        "flat": tiny_flat_bundle[1],
    }
    assert {missing.task: missing.reason for missing in told.missing} == {
        "coarse": "task coarse has no champion yet",
        "arrival": "task arrival has no champion yet",
    }
    assert shelf.default == "basket"


def test_a_bundle_that_was_given_answers_alone(tmp_path: Path, tiny_flat_bundle: tuple[Path, str]) -> None:
    shelf = open_shelf(Source(tmp_path, tiny_flat_bundle[0]))
    assert (shelf.default, shelf.get().task) == ("flat", "flat")
    assert "single bundle" in shelf.describe().missing[0].reason


def test_a_bundle_that_is_none_leaves_the_server_unready(tmp_path: Path) -> None:
    shelf = open_shelf(Source(tmp_path, tmp_path))
    assert isinstance(shelf.front, NoModel)
    assert "no bundle" in shelf.front.reason


def test_a_bundle_that_the_pointer_does_not_mean_is_not_opened(tmp_path: Path, tiny_bundle: tuple[Path, str]) -> None:
    opened = open_model(Source(_workspace(tmp_path, tiny_bundle[0], "0" * 64)), Task.BASKET)
    assert isinstance(opened, NoModel)
    assert "not what was written" in opened.reason
    assert str(tmp_path) not in opened.reason


@pytest.mark.parametrize("name", [MODEL, "manifest.json", "products.npy"])
def test_a_damaged_champion_is_not_opened(tmp_path: Path, tiny_bundle: tuple[Path, str], name: str) -> None:
    workspace = _workspace(tmp_path, *tiny_bundle)
    file = workspace / "registry/bundles" / tiny_bundle[0].name / name
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert isinstance(open_model(Source(workspace), Task.BASKET), NoModel)


def test_no_champion_no_model(tmp_path: Path) -> None:
    opened = open_model(Source(tmp_path), Task.BASKET)
    assert opened == NoModel("task basket has no champion yet")


def test_a_model_that_does_not_answer_with_probabilities_is_not_ready(
    tmp_path: Path, tiny_bundle: tuple[Path, str]
) -> None:
    folder = shutil.copytree(tiny_bundle[0], tmp_path / "b")
    manifest = msgspec.structs.replace(read_manifest(folder), prior=(0.5, 0.1, 0.1, 0.1))
    files = {name: (folder / name).read_bytes() for name in manifest.files}
    write_bundle(folder, manifest, files)
    assert open_model(Source(tmp_path, folder), Task.BASKET) == NoModel("the model does not answer with probabilities")
