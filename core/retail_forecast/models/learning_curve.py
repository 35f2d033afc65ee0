"""The learning curve: how much of a figure a few weeks buy.

Each point learns from the newest weeks before the test window only, validation and calibration inside them, and is
measured on that window. It tells what weeks bring; nothing may be chosen by it.
"""

from collections.abc import Iterator
from dataclasses import replace

from retail_forecast.domain.settings import WindowSettings
from retail_forecast.models.windows import split_weeks
from retail_forecast.registry.record import Windows

__all__ = ["LENGTHS", "fewer_weeks", "learned_weeks"]

LENGTHS = (4, 12, 26)
"""Weeks of learning that are tried, as far as a run has more than them."""


def fewer_weeks(windows: Windows, settings: WindowSettings) -> Iterator[Windows]:
    """The same test window behind fewer weeks to learn from, by rising weeks.

    Parameters
    ----------
    windows : of a run with a test window
    settings : lengths of validation and calibration
    """
    weeks = replace(windows, test=None).weeks
    for length in LENGTHS:
        if length < len(weeks):
            yield replace(split_weeks(weeks[-length:], settings, train_to=weeks[-1]), test=windows.test)


def learned_weeks(windows: Windows) -> int:
    """Weeks that anything is learned from."""
    return len(replace(windows, test=None).weeks)
