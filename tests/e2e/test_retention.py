"""The verbs of `lake`, on a workspace with a run."""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from retail_forecast.cli.main import run

Fixture = tuple[Callable[..., tuple[int, dict[str, Any]]], Path, dict[str, Any]]


@pytest.fixture(scope="module")
def three_states(trained: tuple[Path, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace with three states: the run read the first, nobody the second."""
    workspace = tmp_path_factory.mktemp("corrected") / "workspace"
    shutil.copytree(trained[0], workspace)
    for number, source in enumerate(sorted((workspace / "simulated").iterdir())[:2]):
        content = gzip.decompress(source.read_bytes()) if source.suffix == ".gz" else source.read_bytes()
        lines = content.splitlines(keepends=True)
        last = lines[-1].split(b",")[14]
        file = workspace.parent / f"{number}.csv"
        file.write_bytes(b"".join(line for line in lines if line.split(b",")[14] != last))
        assert run(["ingest", str(file), "--workspace", str(workspace)]) == 0
    return workspace


@pytest.fixture
def corrected(cli: Fixture, three_states: Path) -> Fixture:
    """A verb on a copy of that workspace, the copy, and the document of the training."""
    verb, workspace, document = cli
    shutil.rmtree(workspace)
    shutil.copytree(three_states, workspace)
    return verb, workspace, document


def test_a_vacuum_keeps_what_the_run_read(corrected: Fixture) -> None:
    verb, _, document = corrected
    code, told = verb("lake", "vacuum")
    assert (code, told["days"], sum(told["files"].values()), told["retired"]) == (0, 3 * 365, 0, [])
    code, planned = verb("lake", "vacuum", "--older-than-days", "0", "--dry-run")
    assert (code, planned["retired"]) == (0, [2])
    assert [state["readable"] for state in verb("lake", "history")[1]["states"]] == [True] * 3
    code, done = verb("lake", "vacuum", "--older-than-days", "0")
    assert (code, done["retired"], done["files"]) == (0, [2], planned["files"])
    states = verb("lake", "history")[1]["states"]
    assert [state["readable"] for state in states] == [True, False, True]
    assert states[0]["runs"] == [document["run_id"]]
    assert verb("sql", "select count(*) from gold", "--state", "1")[0] == 0
    code, refused = verb("sql", "select count(*) from gold", "--state", "2")
    assert (code, "vacuumed" in refused["error"]["what"]) == (3, True)


def test_a_bundle_alone_keeps_its_versions(corrected: Fixture) -> None:
    verb, workspace, document = corrected
    (workspace / "runs" / document["run_id"] / "run.json").unlink()
    assert verb("lake", "vacuum", "--older-than-days", "0", "--dry-run")[1]["retired"] == [2]
    bundle = workspace / "registry" / "bundles" / document["run_id"]
    (bundle / "manifest.json").write_text("{")
    assert verb("lake", "vacuum", "--older-than-days", "0")[0] == 3
    (bundle / "manifest.json").unlink()
    assert verb("lake", "vacuum", "--older-than-days", "0", "--dry-run")[1]["retired"] == [1, 2]


def test_backup_restore_and_return(corrected: Fixture, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verb, workspace, _ = corrected
    count = "select count(*) from silver"
    held = verb("sql", count)[1]["rows"]
    assert verb("lake", "backup", str(tmp_path / "safe"))[1]["state"] == 3
    assert verb("lake", "restore", str(tmp_path / "safe"))[0] == 2
    assert verb("lake", "restore")[0] == 2
    other = ("--workspace", str(tmp_path / "other"))
    assert run(["lake", "restore", str(tmp_path / "safe"), *other]) == 0
    assert "is back" in capsys.readouterr().out
    assert run(["lake", "history", *other]) == 0
    assert run(["lake", "optimize", *other]) == 0
    assert "nothing to join" in capsys.readouterr().out
    first = verb("sql", count, "--state", "1")[1]["rows"]
    assert first != held
    assert verb("lake", "restore", "--state", "1")[1] == {"state": 4, "returned_to": 1}
    assert verb("sql", count)[1]["rows"] == first
    assert verb("sql", count, "--state", "3")[1]["rows"] == held
    assert workspace.is_dir()
