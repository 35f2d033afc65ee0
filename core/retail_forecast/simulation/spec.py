"""What a simulation is asked for. Every value is checked before the first file is written."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retail_forecast.domain.calendar import is_week
from retail_forecast.domain.errors import UsageError

__all__ = ["SimulationReport", "TillSpec"]

_BOUNDS = {
    "weeks": (1, 5_200),
    "baskets_per_week": (1, 5_000_000),
    "products": (100, 9_000_000),
    "customers": (1, 50_000_000),
    "stores": (1, 50_000),
    "label_noise": (0.0, 1.0),
    "drift": (0.0, 20.0),
    "seed": (0, 2**63 - 1),
}


_LAST_START = 299952  # later weeks would not fit into the 15 digits of a basket number


@dataclass(frozen=True, slots=True)
class TillSpec:
    """A simulated retailer and the weeks to write.

    The defaults make a set on which a model that learns the products' leanings scores far above the quality floors.

    Attributes
    ----------
    weeks : how many consecutive fiscal weeks
    baskets_per_week : baskets in each week
    products, customers, stores : sizes of the catalogue, of the customer file and of the estate
    label_noise : share of LA, MM and UM baskets that get another tier at random
    drift : strength of the slow drift of tastes; 0 = none, 1 = about as in the real data
    seed : of every random choice
    start_week : first fiscal week, YYYYWW
    plain : write .csv instead of .csv.gz

    Raises
    ------
    UsageError : names every value that is out of bounds
    """

    weeks: int = 40
    baskets_per_week: int = 2_500
    products: int = 1_500
    customers: int = 2_000
    stores: int = 200
    label_noise: float = 0.01
    drift: float = 1.0
    seed: int = 20060410
    start_week: int = 200617
    plain: bool = False

    def __post_init__(self) -> None:
        faults = [
            f"{name} = {getattr(self, name)} (allowed: {low:,} to {high:,})"
            for name, (low, high) in _BOUNDS.items()
            if not low <= getattr(self, name) <= high
        ]
        if not (is_week(self.start_week) and self.start_week <= _LAST_START):
            faults.append(f"start_week = {self.start_week} (allowed: 190001 to {_LAST_START}, WW from 01 to 52)")
        if faults:
            raise UsageError(
                "a simulation cannot have " + "; ".join(faults), mend="give values within the bounds named"
            )

    def rng(self, *stream: int) -> np.random.Generator:
        """The random numbers of one stream; the streams of a seed do not depend on each other."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=stream))


@dataclass(frozen=True, slots=True)
class SimulationReport:
    """What was written.

    Attributes
    ----------
    files : the weekly files, in the order of their weeks
    baskets, lines : rows in all files
    """

    files: tuple[Path, ...]
    baskets: int
    lines: int
