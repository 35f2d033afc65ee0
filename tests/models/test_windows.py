"""Windows: in time order, disjoint, and refused when they cannot be honest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_forecast.domain.calendar import add_weeks
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import WindowSettings
from retail_forecast.models.windows import split_weeks

SETTINGS = WindowSettings()
HUNDRED = [add_weeks(200607, i) for i in range(100)]


def test_a_hundred_weeks_are_split_as_the_settings_say() -> None:
    windows = split_weeks(HUNDRED, SETTINGS)
    assert windows.validation is not None
    assert windows.calibration is not None
    assert windows.test is not None
    lengths = [len(span.weeks) for span in (windows.train, windows.validation, windows.calibration, windows.test)]
    assert lengths == [79, 4, 4, 13]
    assert windows.last_learned_week < windows.test.first


def test_weeks_after_the_last_training_week_are_the_test_window() -> None:
    windows = split_weeks(HUNDRED, SETTINGS, train_to=HUNDRED[59], test_to=HUNDRED[70])
    assert windows.test is not None
    assert windows.test.weeks == tuple(HUNDRED[60:71])
    assert windows.last_learned_week == HUNDRED[59]


def test_a_gap_between_training_and_test_belongs_to_neither() -> None:
    windows = split_weeks(HUNDRED, SETTINGS, train_to=HUNDRED[59], test_from=HUNDRED[70])
    assert windows.test is not None
    assert windows.test.first == HUNDRED[70]
    assert windows.last_learned_week == HUNDRED[59]


def test_without_later_weeks_there_is_no_test_window() -> None:
    assert split_weeks(HUNDRED, SETTINGS, train_to=HUNDRED[-1]).test is None


def test_four_weeks_hold_validation_and_calibration_too() -> None:
    windows = split_weeks(HUNDRED, SETTINGS, train_from=HUNDRED[83], train_to=HUNDRED[86])
    assert [len(s.weeks) for s in (windows.train, windows.validation, windows.calibration) if s] == [2, 1, 1]


def test_a_test_window_among_the_training_weeks_is_refused() -> None:
    with pytest.raises(UsageError, match="in or before the last training week"):
        split_weeks(HUNDRED, SETTINGS, train_to=HUNDRED[50], test_from=HUNDRED[50])


def test_too_few_weeks_are_refused() -> None:
    with pytest.raises(UsageError, match="left to learn from"):
        split_weeks(HUNDRED[:3], SETTINGS)


@given(st.sets(st.sampled_from(HUNDRED), min_size=5), st.integers(0, 99))
def test_windows_are_disjoint_and_in_time_order(present: set[int], cut: int) -> None:
    try:
        windows = split_weeks(sorted(present), SETTINGS, train_to=HUNDRED[cut])
    except UsageError:
        return
    spans = [s for s in (windows.train, windows.validation, windows.calibration, windows.test) if s is not None]
    weeks = [week for span in spans for week in span.weeks]
    assert weeks == sorted(set(weeks))
    assert set(weeks) == present
