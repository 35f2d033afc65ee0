"""What a simulation may be asked for."""

from typing import Any

import pytest

from retail_forecast.domain.errors import UsageError
from retail_forecast.simulation.spec import TillSpec


def test_bounds_themselves_are_accepted() -> None:
    TillSpec(weeks=1, baskets_per_week=1, products=100, customers=1, stores=1, label_noise=0.0, drift=0.0, seed=0)
    TillSpec(label_noise=1.0, drift=20.0, start_week=190001)
    TillSpec(start_week=299952, weeks=5_200)


@pytest.mark.parametrize(
    "asked",
    [
        {"weeks": 0},
        {"baskets_per_week": 0},
        {"products": 99},
        {"customers": 0},
        {"stores": 0},
        {"label_noise": 1.01},
        {"label_noise": float("nan")},
        {"drift": -0.1},
        {"seed": -1},
        {"start_week": 200653},
        {"start_week": 300001},
    ],
)
def test_what_is_out_of_bounds_is_refused_by_name(asked: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(asked))):
        TillSpec(**asked)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(UsageError, match=r"weeks = 0 .*; drift = -1"):
        TillSpec(weeks=0, drift=-1)


def test_streams_differ_and_repeat() -> None:
    spec = TillSpec()
    assert spec.rng(1).random() == spec.rng(1).random() != spec.rng(2).random()
    assert spec.rng(1).random() != TillSpec(seed=1).rng(1).random()
