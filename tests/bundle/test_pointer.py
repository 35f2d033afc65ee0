"""The champion pointer as a server reads it is the one that the registry writes."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from retail_forecast.bundle.pointer import Pointer, champion_folder, read_pointer
from retail_forecast.clouds.journal import Journal
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import BundleError
from retail_forecast.domain.tasks import Task
from retail_forecast.registry.champion import Champion, bundle_folder, current


def _promoted(workspace: Path, version: int, run_id: str, task: Task = Task.BASKET) -> None:
    entry = Champion(
        version, task, run_id, "d" * 64, "promote", "me", datetime(2026, 11, 22, tzinfo=UTC), "better", None, {}
    )
    Journal(open_store(workspace), f"registry/champions/{task}").add(version, msgspec.to_builtins(entry))


def test_none_before_the_first_promotion(tmp_path: Path) -> None:
    _promoted(tmp_path, 1, "flat-run", Task.FLAT)
    assert read_pointer(tmp_path, Task.BASKET) is None


@pytest.mark.parametrize("count", [1, 2, 11])
def test_it_agrees_with_the_registry(tmp_path: Path, count: int) -> None:
    for version in range(1, count + 1):
        _promoted(tmp_path, version, f"run-{version}")
    champion = current(open_store(tmp_path), Task.BASKET)
    pointer = read_pointer(tmp_path, Task.BASKET)
    assert champion is not None
    assert pointer == Pointer(champion.version, champion.run_id, champion.bundle_digest)
    assert champion_folder(tmp_path, pointer) == tmp_path / bundle_folder(champion.run_id)
    assert pointer.run_id == f"run-{count}"


@pytest.mark.parametrize("name", ["000000000002.json#1", "notes.json", "000000000002.json.tmp"])
def test_what_is_no_entry_is_passed_over(tmp_path: Path, name: str) -> None:
    _promoted(tmp_path, 1, "run-1")
    (tmp_path / "registry/champions/basket" / name).write_text("half", "utf-8")
    pointer = read_pointer(tmp_path, Task.BASKET)
    assert pointer is not None
    assert pointer.run_id == "run-1"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"version":2,"run_id":"../../x","bundle_digest":"d"}', '{"version":2,"run_id":".."}']
)
def test_an_entry_that_cannot_be_read_is_an_error_not_the_one_before(tmp_path: Path, text: str) -> None:
    _promoted(tmp_path, 1, "run-1")
    (tmp_path / "registry/champions/basket/000000000002.json").write_text(text, "utf-8")
    with pytest.raises(BundleError, match="000000000002"):
        read_pointer(tmp_path, Task.BASKET)
