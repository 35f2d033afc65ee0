"""Fewer weeks lie right before the same test window, and nothing of it is learned from."""

from retail_forecast.domain.calendar import add_weeks
from retail_forecast.domain.settings import WindowSettings
from retail_forecast.models.learning_curve import LENGTHS, fewer_weeks, learned_weeks
from retail_forecast.models.windows import split_weeks

SETTINGS = WindowSettings()
WEEKS = [add_weeks(200607, i) for i in range(50)]


def test_each_length_ends_where_the_test_window_begins() -> None:
    whole = split_weeks(WEEKS, SETTINGS)
    found = list(fewer_weeks(whole, SETTINGS))
    assert tuple(learned_weeks(windows) for windows in found) == LENGTHS
    for windows, length in zip(found, LENGTHS, strict=True):
        assert windows.test == whole.test
        assert windows.last_learned_week == whole.last_learned_week == WEEKS[36]
        assert windows.train.first == WEEKS[37 - length]
        assert windows.validation is not None
        assert windows.calibration is not None


def test_lengths_that_a_run_does_not_have_are_left_out() -> None:
    whole = split_weeks(WEEKS[:25], SETTINGS, train_to=WEEKS[11])
    assert learned_weeks(whole) == 12
    assert [learned_weeks(windows) for windows in fewer_weeks(whole, SETTINGS)] == [4]
