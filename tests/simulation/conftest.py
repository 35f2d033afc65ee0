"""Simulated weeks as frames, read back from the files as any other reader would read them."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from retail_forecast.simulation.spec import TillSpec
from retail_forecast.simulation.tills import simulate

Simulated = Callable[[TillSpec, Path], pd.DataFrame]


def _simulated(spec: TillSpec, folder: Path) -> pd.DataFrame:
    files = simulate(spec, folder).files
    parts = [pd.read_csv(file, dtype={"BASKET_ID": str}, na_values=[""], keep_default_na=False) for file in files]
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="session")
def simulated() -> Simulated:
    """Simulates into a folder and reads the files back, all weeks in one frame."""
    return _simulated


@pytest.fixture(scope="session")
def year(simulated: Simulated, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """A retailer of the real one's size, twelve weeks in the first summer and twelve a year later."""
    spec = TillSpec(weeks=12, baskets_per_week=2_500, products=5_000, customers=5_000, stores=760, label_noise=0.0)
    folder = tmp_path_factory.mktemp("year")
    later = TillSpec(**{**{f: getattr(spec, f) for f in spec.__slots__}, "start_week": 200717})
    return pd.concat([simulated(spec, folder), simulated(later, folder)], ignore_index=True)


@pytest.fixture(scope="session")
def small(simulated: Simulated, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """Sixteen weeks of a small retailer, with the noise and the drift of the defaults."""
    spec = TillSpec(weeks=16, baskets_per_week=1_200, products=400, customers=800, stores=60)
    return simulated(spec, tmp_path_factory.mktemp("small"))
