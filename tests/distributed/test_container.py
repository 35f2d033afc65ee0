"""What ends a job before it trains: the exit code and the text of the failure."""

import signal
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from retail_forecast.clouds.container import ROOT_VARIABLE, Container, Resources
from retail_forecast.clouds.local_hosts import free_port
from retail_forecast.lake.channel import export_channel
from retail_forecast.lake.reading import Labelled
from retail_forecast.pipeline.container import main

Job = Callable[..., list[Container]]


@pytest.fixture
def outcome(job: Job, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[int, str, Container]]:
    """Exit code, failure and container of a job of one host, carried out in this process."""

    def carry_out(prepare: Callable[[Container], object] | None = None, **changed: str) -> tuple[int, str, Container]:
        (container,) = job(1, **changed)
        if prepare is not None:
            prepare(container)
        monkeypatch.setenv(ROOT_VARIABLE, str(container.root))
        code = main(["train"], threading.Event())
        return code, container.failure.read_text("utf-8") if container.failure.exists() else "", container

    return carry_out


Outcome = Callable[..., tuple[int, str, Container]]


def test_a_good_job_leaves_a_bundle_and_no_failure(outcome: Outcome) -> None:
    code, failure, container = outcome()
    assert (code, failure) == (0, "")
    assert (container.model / "manifest.json").exists()


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"max_depth": "deep"}, "max_depth must be a number"),
        ({"depth": "3"}, "xgboost has no setting depth"),
        ({"model": "oracle"}, "no model is called 'oracle'"),
        ({"task": "fortune"}, "task"),
        ({"folds": "1", "leaning_penalty": "-1"}, "folds: Input should be greater than or equal to 2; leaning_penalty"),
    ],
)
def test_hyperparameters_that_do_not_fit_are_named(outcome: Outcome, changed: dict[str, str], named: str) -> None:
    code, failure, container = outcome(**changed)
    assert code == 2
    assert named in failure
    assert not list(container.model.iterdir())


def test_a_library_that_refuses_a_setting_is_quoted(outcome: Outcome) -> None:
    code, failure, _ = outcome(max_depth="-7")
    assert code == 1
    assert "max_depth" in failure


def test_a_configuration_that_is_no_json_is_named(outcome: Outcome) -> None:
    def damage(container: Container) -> None:
        (container.root / "input/config/hyperparameters.json").write_text("{")

    code, failure, _ = outcome(damage)
    assert code == 2
    assert "hyperparameters.json" in failure


def test_an_absent_channel_is_named(outcome: Outcome) -> None:
    def empty(container: Container) -> None:
        for part in container.channel("gold").iterdir():
            part.unlink()

    code, failure, _ = outcome(empty)
    assert code == 2
    assert "0 parts" in failure


def test_a_channel_dealt_to_another_number_of_hosts_is_refused(
    outcome: Outcome, gold: Labelled, tmp_path: Path
) -> None:
    other = export_channel(gold, np.arange(10), tmp_path / "other", 2, {})[0]

    def swap(container: Container) -> None:
        for part in container.channel("gold").iterdir():
            part.unlink()
        other.replace(container.channel("gold") / other.name)

    code, failure, _ = outcome(swap)
    assert code == 2
    assert "dealt to 2 hosts, the job has 1" in failure


def test_a_file_that_is_no_part_is_refused(outcome: Outcome) -> None:
    def damage(container: Container) -> None:
        for part in container.channel("gold").iterdir():
            part.write_bytes(b"not Parquet")

    code, failure, _ = outcome(damage)
    assert code == 3
    assert "no part of an exported channel" in failure


def test_hosts_that_do_not_come_are_named(outcome: Outcome, gold: Labelled, tmp_path: Path) -> None:
    parts = export_channel(gold, np.arange(10), tmp_path / "two", 2, {})

    def expect_another(container: Container) -> None:
        for part in container.channel("gold").iterdir():
            part.unlink()
        changed = {"join_s": "1", "port": str(free_port("127.0.0.1"))}
        container.lay_out(changed, Resources("127.0.0.1", ("127.0.0.1", "127.0.0.2")), ["gold"])
        parts[0].replace(container.channel("gold") / parts[0].name)

    code, failure, _ = outcome(expect_another)
    assert code == 5
    assert "host 127.0.0.2 did not come" in failure


def test_a_job_that_is_asked_to_stop_before_it_began_keeps_nothing_and_fails_nowhere(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    (container,) = job(1)
    monkeypatch.setenv(ROOT_VARIABLE, str(container.root))
    asked = threading.Event()
    asked.set()
    assert main(["train"], asked) == 143
    assert not container.failure.exists()
    assert not list(container.model.iterdir())


def test_the_argument_is_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    assert main(["serve"], threading.Event()) == 2
    assert "train" in (tmp_path / "output/failure").read_text("utf-8")


def test_calibration_and_validation_make_the_figures_of_the_bundle(outcome: Outcome, gold: Labelled) -> None:
    def add(container: Container) -> None:
        for name, rows in {"calibration": np.arange(2000, 2500), "validation": np.arange(2500, 3000)}.items():
            export_channel(gold, rows, container.channel(name), 1, {})

    code, _, container = outcome(add)
    manifest = msgspec.json.decode((container.model / "manifest.json").read_bytes())
    assert code == 0
    assert manifest["temperature"] != 1
    assert manifest["metrics_from"] == "validation"
    assert manifest["metrics"]["accuracy"] > 0.9
    assert manifest["last_learned_week"] == 200701


def test_an_order_that_is_not_there_ends_an_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    container = Container(tmp_path)
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["evaluate"], threading.Event()) == 1
    finally:
        signal.signal(signal.SIGTERM, before)
    assert "order.json" in container.message.read_text("utf-8")
    assert len(container.message.read_bytes()) <= 1024


@pytest.mark.parametrize("words", [[], ["serve"], ["train", "evaluate"]])
def test_another_argument_is_refused(words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(tmp_path))
    assert main(words, threading.Event()) == 2
    assert "must be train or evaluate" in Container(tmp_path).failure.read_text("utf-8")
