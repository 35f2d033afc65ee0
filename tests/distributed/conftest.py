"""A small world of labelled baskets, and jobs of the training contract over it."""

import queue
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from retail_forecast.clouds.container import Container
from retail_forecast.clouds.local_hosts import lay_out_hosts
from retail_forecast.domain.basket import Basket, Line
from retail_forecast.kernel.lines import baskets_from_rows
from retail_forecast.lake.channel import export_channel
from retail_forecast.lake.reading import Labelled

LEARNED = 2000
SETTINGS = {"threads": "1", "join_s": "60"}
TREES = {"n_estimators": "8", "max_depth": "3"}
WAIT_S = 120


class Lines(queue.Queue[str]):
    """What hosts write, line by line."""

    def until(self, words: str) -> None:
        """Return once a line with `words` has come."""
        while words not in self.get(timeout=WAIT_S):
            pass


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture(scope="session")
def gold() -> Labelled:
    """3,000 baskets of 60 products that lean one way or the other; a twentieth of the labels are noise."""
    rng = np.random.default_rng(20060410)
    lean = rng.choice(3, 60, p=[0.3, 0.4, 0.3])
    rows, label = [], []
    for _ in range(3000):
        products = np.sort(rng.choice(60, rng.integers(1, 7), replace=False))
        pull = np.bincount(lean[products], minlength=3)
        tier = int(np.sign(pull[2] - pull[0])) + 1
        label.append(int(rng.integers(3)) if rng.random() < 0.05 else tier)
        lines = (Line(1, (100 + p) / 100, f"PRD{p:07d}", f"CL{p % 20:05d}") for p in products.tolist())
        rows.append(Basket(tuple(lines)))
    week = np.full(len(rows), 200701, np.int32)
    return Labelled(baskets_from_rows(rows), np.array(label, np.int8), week, np.ones(len(rows), np.bool_))


@pytest.fixture
def job(gold: Labelled, tmp_path: Path) -> Callable[..., list[Container]]:
    """Lays out a job over the first 2,000 baskets for a number of hosts, with changes to its hyperparameters; a second
    call is a second start of the job."""

    def lay_out(hosts: int, **changed: str) -> list[Container]:
        parts = export_channel(gold, np.arange(LEARNED), tmp_path / "parts", hosts, {})
        return lay_out_hosts(tmp_path / "job", parts, SETTINGS | ({} if "model" in changed else TREES) | changed)

    return lay_out
