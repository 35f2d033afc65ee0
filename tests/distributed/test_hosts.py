"""One host or several: the same accuracy, the same model on each; jobs that lose a host or are interrupted."""

import shutil
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pytest

from retail_forecast.bundle.manifest import model_digest, read_manifest
from retail_forecast.bundle.products import read_products
from retail_forecast.bundle.scorer import load_bundle
from retail_forecast.clouds.container import Container
from retail_forecast.clouds.hosts import Interrupted
from retail_forecast.clouds.local_hosts import LocalHosts
from retail_forecast.domain.errors import PlaceError
from retail_forecast.domain.settings import TrainSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.features.leanings import learn_table
from retail_forecast.lake.reading import Labelled
from retail_forecast.models.fitting import fit_model
from retail_forecast.models.learners import learner

LEARNED = 2000
WAIT_S = 120
NETWORK = {"model": "embedding", "epochs": "10", "least_steps": "1", "batch": "64", "kinds": "6"}

Job = Callable[..., list[Container]]


class Lines(Protocol):
    """`conftest.Lines`."""

    def put(self, line: str, /) -> None: ...

    def until(self, words: str) -> None: ...


def run(containers: Sequence[Container]) -> list[str]:
    """Run every host to its end; returns what they wrote."""
    written: list[str] = []
    with LocalHosts(containers, 1, written.append) as hosts:
        hosts.wait()
    return written


def accuracy(folder: Path, gold: Labelled) -> float:
    """Share of the unseen baskets that the bundle in `folder` answers rightly."""
    unseen = np.arange(LEARNED, len(gold.label))
    return float((load_bundle(folder).predict(gold.baskets.take(unseen)).label == gold.label[unseen]).mean())


@pytest.fixture(scope="module")
def single(gold: Labelled) -> float:
    """Accuracy of the model that is trained without a job."""
    rows, unseen = np.arange(LEARNED), np.arange(LEARNED, len(gold.label))
    chosen = learner("xgboost", {"n_estimators": 8, "max_depth": 3})
    fitted = fit_model(Task.BASKET, chosen, gold.baskets.take(rows), gold.label[rows], TrainSettings(), 1)
    return float((fitted.bundle().predict(gold.baskets.take(unseen)).label == gold.label[unseen]).mean())


@pytest.mark.parametrize("count", [1, 2, pytest.param(3, marks=pytest.mark.slow)])
def test_hosts_learn_together_what_one_learns_alone(job: Job, gold: Labelled, single: float, count: int) -> None:
    containers = job(count)
    run(containers)
    assert len({model_digest(read_manifest(one.model)) for one in containers}) == 1
    assert accuracy(containers[0].model, gold) == pytest.approx(single, abs=0.002)
    assert single > 0.9
    assert not any(one.failure.exists() for one in containers)


def test_leanings_of_several_hosts_are_those_of_one(job: Job, gold: Labelled) -> None:
    rows, settings = np.arange(LEARNED), TrainSettings()
    alone = learn_table(gold.baskets.take(rows), gold.label[rows], settings.leaning_penalty)
    containers = job(2)
    run(containers)
    together = read_products(containers[1].model)
    assert together.products == alone.products
    assert together.groups == alone.groups
    np.testing.assert_allclose(together.values, alone.values, rtol=1e-3, atol=1e-3)


def test_a_lost_host_fails_the_job_which_goes_on_from_its_checkpoint(job: Job, lines: Lines, gold: Labelled) -> None:
    containers = job(2, n_estimators="250", checkpoint_rounds="5")
    with LocalHosts(containers, 1, lines.put) as hosts:
        lines.until("kept after")
        hosts.processes[1].kill()
        assert hosts.processes[0].wait(timeout=60) == PlaceError.exit_code
    assert "lost" in containers[0].failure.read_text("utf-8")
    assert not list(containers[0].model.iterdir())
    again = job(2, n_estimators="250", checkpoint_rounds="5")
    assert any("going on from the checkpoint" in line for line in run(again))
    assert not again[0].failure.exists()
    assert accuracy(again[0].model, gold) > 0.9


@pytest.mark.slow
def test_the_runner_names_the_lost_host(job: Job, lines: Lines) -> None:
    with LocalHosts(job(2, n_estimators="250", checkpoint_rounds="5"), 1, lines.put) as hosts:
        lines.until("kept after")
        hosts.processes[1].kill()
        with pytest.raises(PlaceError, match=r"lost|SIGKILL"):
            hosts.wait()
    assert all(process.returncode for process in hosts.processes)


@pytest.mark.parametrize("count", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_an_interrupted_job_ends_with_the_model_of_one_that_was_not(job: Job, lines: Lines, count: int) -> None:
    changed = {"n_estimators": "150"}
    whole = job(count, **changed)
    run(whole)
    expected = model_digest(read_manifest(whole[0].model))
    for one in whole:
        shutil.rmtree(one.model)
    containers = job(count, **changed, checkpoint_rounds="1")
    with LocalHosts(containers, 1, lines.put) as hosts:
        lines.until("kept after")
        hosts.processes[-1].terminate()
        with pytest.raises(Interrupted):
            hosts.wait()
    assert {process.returncode for process in hosts.processes} == {Interrupted.exit_code}
    assert not any(one.failure.exists() or list(one.model.iterdir()) for one in containers)
    assert any("going on from the checkpoint" in line for line in run(job(count, **changed, checkpoint_rounds="1")))
    assert model_digest(read_manifest(containers[0].model)) == expected


@pytest.fixture(scope="module")
def single_network(gold: Labelled) -> float:
    """Accuracy of the network that is trained without a job."""
    rows, unseen = np.arange(LEARNED), np.arange(LEARNED, len(gold.label))
    own = {name: int(value) for name, value in NETWORK.items() if name != "model"}
    fitted = fit_model(
        Task.BASKET, learner("embedding", own), gold.baskets.take(rows), gold.label[rows], TrainSettings(), 1
    )
    return float((fitted.bundle().predict(gold.baskets.take(unseen)).label == gold.label[unseen]).mean())


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 3])
def test_hosts_learn_a_network_together(job: Job, gold: Labelled, single_network: float, count: int) -> None:
    containers = job(count, **NETWORK)
    run(containers)
    assert len({model_digest(read_manifest(one.model)) for one in containers}) == 1
    assert accuracy(containers[0].model, gold) == pytest.approx(single_network, abs=0.01)
    assert single_network > 0.9


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 3])
def test_an_interrupted_network_ends_as_one_that_was_not(job: Job, lines: Lines, count: int) -> None:
    changed = {**NETWORK, "epochs": "20"}
    whole = job(count, **changed)
    run(whole)
    expected = model_digest(read_manifest(whole[0].model))
    for one in whole:
        shutil.rmtree(one.model)
    containers = job(count, **changed, checkpoint_rounds="1")
    with LocalHosts(containers, 1, lines.put) as hosts:
        lines.until("kept after")
        hosts.processes[-1].terminate()
        with pytest.raises(Interrupted):
            hosts.wait()
    assert any("going on from the checkpoint" in line for line in run(job(count, **changed, checkpoint_rounds="1")))
    assert model_digest(read_manifest(containers[0].model)) == expected


@pytest.mark.torch
@pytest.mark.slow
@pytest.mark.parametrize("ended", [signal.SIGKILL, signal.SIGSTOP])
def test_a_network_that_loses_a_host_goes_on_from_its_checkpoint(
    job: Job, lines: Lines, gold: Labelled, ended: signal.Signals
) -> None:
    changed = {**NETWORK, "epochs": "30", "checkpoint_rounds": "1"}
    containers = job(2, **changed, join_s="20", patience_s="120")
    with LocalHosts(containers, 1, lines.put) as hosts:
        lines.until("kept after")
        hosts.processes[1].send_signal(ended)
        assert hosts.processes[0].wait(timeout=WAIT_S) == PlaceError.exit_code
        hosts.processes[1].kill()
    assert ("lost" if ended == signal.SIGKILL else "Timed out") in containers[0].failure.read_text("utf-8")
    again = job(2, **changed)
    assert any("going on from the checkpoint" in line for line in run(again))
    assert accuracy(again[0].model, gold) > 0.9
