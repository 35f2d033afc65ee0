"""The fiscal calendar: gaps between weeks."""

from retail_forecast.domain.calendar import missing_weeks


def test_missing_weeks_are_found_across_the_turn_of_the_year() -> None:
    assert missing_weeks([200702, 200651]) == (200652, 200701)
    assert missing_weeks([200651, 200652, 200701]) == ()
    assert missing_weeks([]) == ()
