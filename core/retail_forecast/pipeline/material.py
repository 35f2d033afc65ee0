"""Material: what the runs of one call share. Data is read once, and what several learners need is computed once."""

import os
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from retail_forecast.domain.settings import Settings
from retail_forecast.lake.reading import Labelled, read_gold
from retail_forecast.lake.state import LakeState
from retail_forecast.pipeline.labelling import Labels, labels_of, relabelled
from retail_forecast.pipeline.workspace import lake_path
from retail_forecast.registry.record import Span, Windows

__all__ = ["Material", "read_material"]

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Material:
    """Baskets of one state of the lake, for one split into windows.

    Attributes
    ----------
    workspace, state, windows : where the baskets come from, and which they are
    threads : that learners may use
    gold : the baskets, with the labels to learn
    labels : where those come from
    given : the labels of the tills, int8 of shape (n,), positions in LABELS
    read_s : time that reading took [s]
    """

    workspace: Path
    state: LakeState
    windows: Windows
    threads: int
    gold: Labelled
    labels: Labels
    given: NDArray[np.int8]
    read_s: float
    _made: dict[Hashable, tuple[Any, float]] = field(default_factory=dict)

    def rows(self, *spans: Span | None) -> NDArray[np.intp]:
        """Baskets of the weeks of `spans` of which no line is in quarantine: a label belongs to a whole basket."""
        weeks = [week for span in spans if span is not None for week in span.weeks]
        return np.flatnonzero(np.isin(self.gold.shop_week, weeks) & self.gold.complete)

    def once(self, key: Hashable, make: Callable[[], Made]) -> tuple[Made, float]:
        """What `make` makes, the first time `key` is asked for and ever after, and the seconds that it took."""
        if key not in self._made:
            start = time.perf_counter()
            self._made[key] = make(), time.perf_counter() - start
        made: tuple[Made, float] = self._made[key]
        return made


def read_material(workspace: Path, settings: Settings, labels: str, state: LakeState, windows: Windows) -> Material:
    """Read the baskets of `windows`, labelled as `labels` says (`labelling.labels_of`).

    Raises
    ------
    DataError : a file of customers does not fit
    """
    source = labels_of(workspace, labels)
    start = time.perf_counter()
    read = read_gold(lake_path(workspace), state, windows.weeks)
    gold = relabelled(workspace, read, source, replace(windows, test=None).weeks)
    seconds = time.perf_counter() - start
    threads = settings.train.threads or os.cpu_count() or 1
    return Material(workspace, state, windows, threads, gold, source, read.label, seconds)
