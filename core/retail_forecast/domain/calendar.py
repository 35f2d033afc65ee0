"""The retailer's fiscal calendar: weeks start on Monday, a year has 52 of them, and it is not ISO.

Week 200601 starts on 27 February 2006, so that 200607 is 10 to 16 April 2006, 200701 starts on 26 February 2007 and
200801 on 25 February 2008 (source: the calendar file `time.csv` that dunnhumby ships beside the transactions).
"""

from collections.abc import Collection
from datetime import date, timedelta

from retail_forecast.domain.errors import UsageError

__all__ = [
    "EPOCH",
    "WEEKS_A_YEAR",
    "add_weeks",
    "date_of_week",
    "is_week",
    "missing_weeks",
    "shop_week",
    "shop_weekday",
    "week_at",
    "week_ordinal",
]

EPOCH = date(2006, 2, 27)
"""First day of fiscal week 200601."""

WEEKS_A_YEAR = 52

_EPOCH_YEAR = 2006


def shop_week(day: date) -> int:
    """Fiscal week YYYYWW that holds `day`.

    >>> shop_week(date(2006, 4, 16)), shop_week(date(2007, 2, 25)), shop_week(date(2007, 2, 26))
    (200607, 200652, 200701)
    """
    return week_at((day - EPOCH).days // 7)


def shop_weekday(day: date) -> int:
    """Day of the week as the tills code it: 1 is Sunday, 7 is Saturday.

    >>> shop_weekday(date(2006, 4, 16)), shop_weekday(date(2006, 4, 15))
    (1, 7)
    """
    return day.isoweekday() % 7 + 1


def is_week(week: int) -> bool:
    """Whether `week` is a YYYYWW of this calendar."""
    return 1900 <= week // 100 <= 9999 and 1 <= week % 100 <= WEEKS_A_YEAR


def week_ordinal(week: int) -> int:
    """Weeks since 200601, so that weeks can be subtracted.

    Raises
    ------
    UsageError : `week` is not a YYYYWW with WW in 01..52
    """
    if not is_week(week):
        raise UsageError(f"{week} is not a fiscal week", mend="write YYYYWW with WW from 01 to 52, such as 200607")
    return (week // 100 - _EPOCH_YEAR) * WEEKS_A_YEAR + week % 100 - 1


def add_weeks(week: int, count: int) -> int:
    """The week `count` weeks after `week` (before it, when negative).

    >>> add_weeks(200652, 1), add_weeks(200701, -1)
    (200701, 200652)
    """
    return week_at(week_ordinal(week) + count)


def date_of_week(week: int) -> date:
    """The Monday on which `week` starts."""
    return EPOCH + timedelta(weeks=week_ordinal(week))


def missing_weeks(present: Collection[int]) -> tuple[int, ...]:
    """Weeks between the first and the last of `present` that are not among them, ascending.

    >>> missing_weeks([200650, 200701])
    (200651, 200652)
    """
    held = {week_ordinal(week) for week in present}
    return tuple(week_at(number) for number in range(min(held, default=0), max(held, default=0)) if number not in held)


def week_at(ordinal: int) -> int:
    """The week that lies `ordinal` weeks after 200601.

    >>> week_at(52)
    200701
    """
    year, index = divmod(ordinal, WEEKS_A_YEAR)
    return (_EPOCH_YEAR + year) * 100 + index + 1
