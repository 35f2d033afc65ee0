"""The stability index: nothing for equal shares, more for more movement, refused without counts."""

import pytest

from retail_forecast.domain.errors import DataError
from retail_forecast.monitoring.drift import STABLE, UNSTABLE, stability_index

YEAR_AGO = {"LA": 2600, "MM": 4700, "UM": 2700}


def test_the_slow_drift_of_a_year_is_seen_but_is_no_alarm() -> None:
    assert 0.01 < stability_index(YEAR_AGO, {"LA": 2200, "MM": 5500, "UM": 2300}) < STABLE


def test_a_class_that_takes_over_is_an_alarm() -> None:
    assert stability_index(YEAR_AGO, {"LA": 6000, "MM": 3000, "UM": 1000}) > UNSTABLE


def test_sizes_do_not_matter() -> None:
    assert stability_index(YEAR_AGO, {name: count * 10 for name, count in YEAR_AGO.items()}) < 1e-6


def test_a_missing_category_is_finite() -> None:
    assert UNSTABLE < stability_index(YEAR_AGO, {"MM": 100}) < 20


def test_an_empty_side_is_refused() -> None:
    with pytest.raises(DataError):
        stability_index(YEAR_AGO, {})
