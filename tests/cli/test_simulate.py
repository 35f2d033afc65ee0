"""The verb `simulate`: files for people and machines, refusals with their exit code."""

import json
from pathlib import Path

import pytest

from retail_forecast.cli.main import run

SMALL = ["--weeks", "1", "--baskets-per-week", "20", "--products", "100", "--customers", "10", "--stores", "5"]


def test_the_document_says_what_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", *SMALL, "--start-week", "200701", "--out", str(tmp_path / "o"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["files"], document["baskets"], document["spec"]["start_week"]) == (1, 20, 200701)
    assert [file.name for file in Path(document["out"]).iterdir()] == ["transactions_200701.csv.gz"]


def test_without_a_folder_the_workspace_is_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", *SMALL, "--plain", "--workspace", str(tmp_path)]) == 0
    assert [file.name for file in (tmp_path / "simulated").iterdir()] == ["transactions_200617.csv"]
    assert "lines of 20 baskets in 1 files" in capsys.readouterr().out


def test_defaults_are_those_of_the_library() -> None:
    from inspect import signature

    from retail_forecast.cli.simulate import simulate
    from retail_forecast.simulation.spec import TillSpec

    options = {name: option.default for name, option in signature(simulate).parameters.items()}
    spec = TillSpec()
    assert {name: getattr(spec, name) for name in TillSpec.__slots__} == {n: options[n] for n in TillSpec.__slots__}


def test_what_is_out_of_bounds_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["simulate", "--products", "5", "--out", str(tmp_path / "o"), "--json"]) == 2
    assert "products = 5" in json.loads(capsys.readouterr().out)["error"]["what"]
    assert not (tmp_path / "o").exists()
