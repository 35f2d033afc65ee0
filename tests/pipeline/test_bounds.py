"""Weeks between bounds: both included, in order of time, and none at all is refused."""

from datetime import UTC, datetime

import pytest

from retail_forecast.domain.errors import UsageError
from retail_forecast.lake.state import LakeState, WeekAccount
from retail_forecast.pipeline.bounds import weeks_between
from retail_forecast.pipeline.evaluate import weeks_to_measure

WEEK = WeekAccount(("a",), 10, 0, 3)
LAKE = LakeState(1, {}, dict.fromkeys((200802, 200752, 200801), WEEK), {}, datetime(2008, 7, 7, tzinfo=UTC))


@pytest.mark.parametrize(
    ("first", "last", "weeks"),
    [
        (None, None, [200752, 200801, 200802]),
        (200801, None, [200801, 200802]),
        (None, 200801, [200752, 200801]),
        (200801, 200801, [200801]),
    ],
)
def test_the_weeks_of_the_bounds_are_among_them(first: int | None, last: int | None, weeks: list[int]) -> None:
    assert weeks_between(LAKE, first, last) == weeks


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [(200803, None, "from 200803 to the newest"), (None, 200751, "from the first to 200751"), (200802, 200801, "no")],
)
def test_bounds_without_a_week_are_refused(first: int | None, last: int | None, said: str) -> None:
    with pytest.raises(UsageError, match=f"{said}.*200752 to 200802"):
        weeks_between(LAKE, first, last)


def test_without_a_first_week_a_model_is_measured_on_what_it_has_not_learned() -> None:
    assert weeks_to_measure(LAKE, 200752, None, None) == [200801, 200802]
    assert weeks_to_measure(LAKE, 200752, 200752, None) == [200752, 200801, 200802]
    with pytest.raises(UsageError, match="from 200803 to the newest") as refused:
        weeks_to_measure(LAKE, 200802, None, None)
    assert "learned from weeks up to 200802" in refused.value.mend
