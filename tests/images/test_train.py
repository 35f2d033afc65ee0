"""The image for jobs: it trains as SageMaker runs it, and holds the command for jobs of Kubernetes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retail_forecast.bundle.manifest import read_manifest
from retail_forecast.clouds.container import Container, Resources
from retail_forecast.domain.basket import Basket, Line
from retail_forecast.kernel.lines import baskets_from_rows
from retail_forecast.lake.channel import export_channel
from retail_forecast.lake.reading import Labelled

if TYPE_CHECKING:
    from tests.images.conftest import Store

pytestmark = pytest.mark.slow

LIMITS = ["--rm", "--network=none", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096"]


@pytest.fixture(scope="module")
def image(build: Callable[[str], str]) -> str:
    return build("core/DockerFile")


@pytest.fixture
def mounted(tmp_path: Path) -> Container:
    """What SageMaker mounts at /opt/ml for a job of one host."""
    rng = np.random.default_rng(7)
    label = rng.integers(0, 3, 300).astype(np.int8)
    products = (label * 10 + rng.integers(0, 10, 300)).tolist()
    rows = [Basket((Line(1, 1.5, f"PRD{product:07d}", f"CL{product // 10:05d}"),)) for product in products]
    week = np.full(300, 200701, np.int32)
    gold = Labelled(baskets_from_rows(rows), label, week, np.ones(300, np.bool_))
    container = Container(tmp_path / "ml")
    given = {"task": "basket", "model": "xgboost", "n_estimators": "4", "max_depth": "3", "threads": "1"}
    container.lay_out(given, Resources("algo-1", ("algo-1",)), ["gold"])
    export_channel(gold, np.arange(300), container.channel("gold"), 1, {})
    return container


def test_it_trains_as_sagemaker_runs_it(store: "Store", image: str, mounted: Container) -> None:
    said = store.podman("run", *LIMITS, "--volume", f"{mounted.root}:/opt/ml", image, "train")
    assert "bundle " in said
    assert read_manifest(mounted.model).model == "xgboost"


def test_it_holds_the_command_for_a_user_without_rights(store: "Store", image: str) -> None:
    harsh = ["--user=10001", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    said = store.podman("run", *LIMITS, *harsh, "--entrypoint", "/bin/sh", image, "-euc", "retail-forecast --help")
    assert "train" in said
    code = "import boto3, json, importlib.metadata as m; print(json.dumps([d.name.lower() for d in m.distributions()]))"
    run = ["--entrypoint", "python", image, "-c", code]
    installed = json.loads(store.podman("run", *LIMITS, *harsh, *run))
    assert {"retail-forecast", "xgboost-cpu", "deltalake", "boto3"} <= set(installed)
    assert {"pip", "setuptools", "hatchling", "pytest", "torch"}.isdisjoint(installed)
