"""Remarks on weeks: what is unusual is told, what is usual is not, and chance is taken for chance."""

from collections.abc import Mapping

import numpy as np
import pytest

from retail_forecast.domain.calendar import add_weeks
from retail_forecast.domain.settings import QualitySettings
from retail_forecast.lake.profiles import PROFILED, Profile
from retail_forecast.monitoring.weeks import Remark, Shift, remarks, shifts

LIMITS = QualitySettings()
WEEKS = tuple(add_weeks(200640, i) for i in range(20))
LAST = WEEKS[-1]


def profiled(mix: Mapping[str, int]) -> Profile:
    return {key: {"E01": 500, "N01": 500} for key in PROFILED} | {"STORE_REGION": dict(mix)}


def told(rows: dict[int, int], written: list[int], new: list[int]) -> list[tuple[str, int]]:
    return [(remark.code, remark.week) for remark in remarks(rows, written, new, [], {}, {}, LIMITS)]


def test_a_gap_is_told_when_it_opens_and_not_again() -> None:
    rows = dict.fromkeys((200650, 200652, 200701), 100)
    assert told(rows, list(rows), list(rows)) == [("MISSING_WEEK", 200651)]
    later = rows | {200703: 100}
    assert told(later, [200703], [200703]) == [("MISSING_WEEK", 200702)]
    assert told(later | {200704: 100}, [200704], [200704]) == []


def test_the_week_that_fills_a_gap_opens_none() -> None:
    assert told(dict.fromkeys((200650, 200651, 200652), 100), [200651], [200651]) == []


@pytest.mark.parametrize(("count", "found"), [(49, True), (50, False), (200, False), (201, True)])
def test_a_week_with_far_more_or_fewer_rows_than_usual(count: int, found: bool) -> None:
    rows = dict.fromkeys(WEEKS, 100) | {LAST: count}
    assert told(rows, [LAST], []) == ([("WEEK_VOLUME", LAST)] if found else [])


def test_weeks_that_were_not_written_or_have_too_few_before_them_are_left_alone() -> None:
    rows = dict.fromkeys(WEEKS, 100) | {WEEKS[3]: 1, LAST: 1}
    assert told(rows, list(WEEKS[:-1]), []) == []


def test_only_the_trailing_weeks_say_what_is_usual() -> None:
    rows = {week: 100 if i < 6 else 1000 for i, week in enumerate(WEEKS)}
    assert told(rows, [LAST], []) == []
    rows[LAST] = 100
    assert told(rows, [LAST], []) == [("WEEK_VOLUME", LAST)]


def test_a_shift_is_told_with_its_column() -> None:
    weeks = dict.fromkeys(WEEKS, profiled({"E01": 500, "N01": 500})) | {LAST: profiled({"E01": 800, "N01": 200})}
    found = shifts(weeks, LIMITS)
    assert set(found) == set(WEEKS[4:])
    assert found[LAST]["STORE_REGION"].index == pytest.approx(0.3 * np.log(1.6) + 0.3 * np.log(2.5), abs=0.01)
    assert found[LAST]["seg_1"].index == 0
    rows = dict.fromkeys(WEEKS, 1000)
    (remark,) = remarks(rows, [LAST], [], [], {}, found, LIMITS)
    assert (remark.code, remark.week) == ("WEEK_SHIFT", LAST)
    assert remark.what.startswith("STORE_REGION shifted by a population stability index of 0.4")
    assert remarks(rows, [WEEKS[-2]], [], [], {}, found, LIMITS) == ()


def test_a_value_never_seen_before_is_a_shift() -> None:
    weeks = dict.fromkeys(WEEKS, profiled({"E01": 500})) | {LAST: profiled({"E01": 400, "X99": 100})}
    found = remarks(dict.fromkeys(WEEKS, 1), [LAST], [], [], {}, shifts(weeks, LIMITS), LIMITS)
    assert [remark.week for remark in found] == [LAST]


def test_misfits_and_new_columns_are_told() -> None:
    misfits = {"CUSTOMER_SEGMENT": {str(LAST): 1_200}, "XX_PRODUCTS": {str(LAST): 3}}
    found = remarks({LAST: 9}, [LAST], [], ["DISCOUNT"], misfits, {}, LIMITS)
    assert [(remark.code, remark.week) for remark in found] == [
        ("CUSTOMER_SEGMENT", LAST),
        ("NEW_COLUMN", LAST),
        ("XX_PRODUCTS", LAST),
    ]
    assert found[0].what.startswith("1,200 customers")


def test_noise_holds_what_chance_does_and_no_more() -> None:
    rng = np.random.default_rng(5)

    def week(share: float) -> Profile:
        east = int(rng.binomial(60, share))
        return profiled({"E01": east, "N01": 60 - east})

    found = []
    for _ in range(40):
        weeks = {w: week(0.5) for w in WEEKS}
        found += [columns["STORE_REGION"] for columns in shifts(weeks, LIMITS).values()]
    beyond = np.mean([shift.index > shift.noise for shift in found])
    assert beyond < 0.01, "of 640 weeks of unchanged baskets"
    weeks = {w: week(0.5 if w != LAST else 0.9) for w in WEEKS}
    shift = shifts(weeks, LIMITS)[LAST]["STORE_REGION"]
    assert shift.index > shift.noise


def test_a_shift_within_the_noise_of_few_baskets_is_not_told() -> None:
    shifted = {LAST: {"seg_1": Shift(0.3, 0.31)}}
    assert remarks({LAST: 9}, [LAST], [], [], {}, shifted, LIMITS) == ()
    (remark,) = remarks({LAST: 9}, [LAST], [], [], {}, {LAST: {"seg_1": Shift(0.31, 0.3)}}, LIMITS)
    assert remark == Remark("WEEK_SHIFT", LAST, "seg_1 shifted by a population stability index of 0.31")
