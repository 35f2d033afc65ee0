"""A new champion takes over without a request lost or mixed; a broken one does not; the one before can come back."""

from __future__ import annotations

import json
import shutil
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import msgspec
import pytest

from retail_forecast.bundle.manifest import read_manifest, write_bundle
from retail_forecast.domain.tasks import Task
from retail_forecast_server.changing import Changer
from retail_forecast_server.metrics import Metrics
from retail_forecast_server.models import Source
from retail_forecast_server.problems import Problem
from retail_forecast_server.process import serving
from retail_forecast_server.shelf import open_shelf

if TYPE_CHECKING:
    from collections.abc import Callable

BODY = json.dumps({"lines": [{"prod_code": "PRD0000120", "quantity": 1, "spend_gbp": 1.0}]}).encode()


@dataclass
class World:
    """A workspace to whose registry champions are added, as `registry` does it."""

    workspace: Path
    original: Path
    number: int = 0

    def promote(self, *, damaged: bool = False) -> str:
        self.number += 1
        run_id = f"run-{self.number}"
        folder = self.workspace / "registry/bundles" / run_id
        manifest = msgspec.structs.replace(read_manifest(self.original), run_id=run_id)
        files = {name: (self.original / name).read_bytes() for name in manifest.files}
        digest = write_bundle(folder, manifest, files)
        if damaged:
            (folder / "model.onnx").write_bytes(b"broken")
        journal = self.workspace / "registry/champions/basket"
        journal.mkdir(parents=True, exist_ok=True)
        entry = {"version": self.number, "run_id": run_id, "bundle_digest": digest}
        beside = journal / "beside"
        beside.write_text(json.dumps(entry), "utf-8")
        beside.replace(journal / f"{self.number:012d}.json")
        return run_id

    def mend(self) -> None:
        name = "model.onnx"
        shutil.copy(self.original / name, self.workspace / "registry/bundles" / f"run-{self.number}" / name)


@pytest.fixture
def world(tmp_path: Path, tiny_bundle: tuple[Path, str]) -> World:
    made = World(tmp_path / "workspace", tiny_bundle[0])
    made.promote()
    return made


@pytest.fixture
def make_changer(world: World, tmp_path: Path) -> Callable[[], Changer]:
    folder = tmp_path / "shared"
    folder.mkdir()

    def make() -> Changer:
        source = Source(world.workspace)
        return Changer(open_shelf(source), source, Metrics(), folder)

    return make


def _version(changer: Changer) -> str:
    return changer.shelf.get().version


def test_a_new_champion_takes_over(world: World, make_changer: Callable[[], Changer]) -> None:
    changer = make_changer()
    before = changer.shelf.get()
    second = world.promote()
    assert _version(changer) == "run-1"
    changer.look()
    assert _version(changer) == second
    assert changer.shelf.previous(Task.BASKET) is before
    now = changer.shelf.get()
    changer.look()
    assert changer.shelf.get() is now, "nothing is loaded twice"
    text = changer.metrics.exposition().decode()
    assert 'model_changes_total{outcome="loaded",task="basket"} 1.0' in text


def test_a_broken_champion_leaves_the_one_before(world: World, make_changer: Callable[[], Changer]) -> None:
    changer = make_changer()
    world.promote(damaged=True)
    changer.look()
    changer.look()
    assert _version(changer) == "run-1"
    (refused,) = changer.shelf.describe().refused
    assert (refused.task, "not what was written" in refused.reason) == ("basket", True)
    assert 'model_changes_total{outcome="refused",task="basket"} 1.0' in changer.metrics.exposition().decode()
    world.mend()
    changer.look()
    assert _version(changer) == "run-1", "it is not tried again unasked"
    changer.reload()
    assert _version(changer) == "run-2"
    assert changer.shelf.describe().refused == ()


def test_a_rollback_holds_for_all_workers_until_another_champion(
    world: World, make_changer: Callable[[], Changer]
) -> None:
    one, other = make_changer(), make_changer()
    world.promote()
    one.look()
    other.look()
    one.roll_back(Task.BASKET)
    other.look()
    later = make_changer()
    later.look()
    assert [_version(changer) for changer in (one, other, later)] == ["run-1"] * 3
    one.look()
    assert _version(one) == "run-1"
    world.promote()
    for changer in (one, other):
        changer.look()
        assert _version(changer) == "run-3"


def test_a_reload_ends_a_rollback(world: World, make_changer: Callable[[], Changer]) -> None:
    changer = make_changer()
    world.promote()
    changer.look()
    changer.roll_back(Task.BASKET)
    changer.reload()
    assert _version(changer) == "run-2"


def test_a_worker_that_began_with_the_new_model_rolls_back_by_the_journal(
    world: World, make_changer: Callable[[], Changer]
) -> None:
    world.promote()
    changer = make_changer()
    changer.roll_back(Task.BASKET)
    assert _version(changer) == "run-1"


def test_without_a_model_before_there_is_nothing_to_roll_back_to(make_changer: Callable[[], Changer]) -> None:
    with pytest.raises(Problem, match="no model before"):
        make_changer().roll_back(Task.BASKET)


def test_the_first_champion_makes_a_server_ready(tmp_path: Path, tiny_bundle: tuple[Path, str]) -> None:
    source = Source(tmp_path / "workspace")
    changer = Changer(open_shelf(source), source, Metrics(), tmp_path)
    World(source.workspace, tiny_bundle[0]).promote()
    changer.look()
    assert _version(changer) == "run-1"


def _ask(url: str, body: bytes | None = BODY) -> Any:  # noqa: ANN401 - whatever was answered
    with urlopen(Request(url, body, {"Content-Type": "application/json"}), timeout=20) as response:  # noqa: S310
        return json.load(response)


def test_no_request_is_lost_while_workers_change_models(world: World) -> None:
    seen: list[str] = []
    stop = threading.Event()

    def ask_on(url: str) -> None:
        while not stop.is_set():
            seen.append(_ask(f"{url}/v1/predict")["model_version"])

    with serving(world.workspace, settings={"WORKERS": "2", "CHAMPION_POLL_S": "0.05"}) as url:
        asking = [threading.Thread(target=ask_on, args=(url,)) for _ in range(3)]
        for thread in asking:
            thread.start()
        world.promote()
        shelved = _ask(f"{url}/admin/reload", b"")
        assert shelved["models"][0]["model_version"] == "run-2"
        while seen[-40:].count("run-2") < 40:
            assert all(thread.is_alive() for thread in asking)
        assert _ask(f"{url}/admin/rollback?task=basket", b"")["models"][0]["model_version"] == "run-1"
        while seen[-40:].count("run-1") < 40:
            assert all(thread.is_alive() for thread in asking)
        stop.set()
        for thread in asking:
            thread.join()
    assert set(seen) == {"run-1", "run-2"}
