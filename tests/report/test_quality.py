"""Data quality: sums, gaps, and the rules that lines broke, by their own texts."""

from retail_forecast.lake.rules import RULES
from retail_forecast.report.data import LakeFacts, WeekFacts
from retail_forecast.report.quality import (
    holdings,
    ingest_table,
    label_drift,
    reason_table,
    refused_table,
    week_ranges,
    week_table,
)


def test_neighbouring_weeks_are_joined_in_words() -> None:
    assert week_ranges([200701, 200652, 200705]) == "200652 to 200701, 200705"


def test_holdings_add_up_and_name_the_gap(lake_facts: LakeFacts) -> None:
    words = holdings(lake_facts.weeks)
    assert "700 baskets with 4,200 lines, of 7 weeks from 200649" in words
    assert "No file came for week 200651." in words
    assert "15 lines, 0.4 % of all, lie in quarantine" in words


def test_a_clean_lake_and_an_empty_one_are_told_as_such(lake_facts: LakeFacts) -> None:
    clean = holdings({week: facts for week, facts in lake_facts.weeks.items() if week >= 200652})
    assert "No week between them is missing. None of the lines is in quarantine." in clean
    assert holdings({}) == "The lake holds no week yet."


def test_reasons_come_with_the_text_of_the_rule_most_frequent_first(lake_facts: LakeFacts) -> None:
    table = reason_table(lake_facts)
    texts = {rule.code: rule.text for rule in RULES}
    assert table is not None
    assert table.rows == (
        ("R_TREE", texts["R_TREE"], "12", "80.0 %"),
        ("R_DUPLICATE", texts["R_DUPLICATE"], "9", "60.0 %"),
    )


def test_refused_files_come_with_what_to_do(lake_facts: LakeFacts) -> None:
    table = refused_table(lake_facts)
    assert table is not None
    assert table.rows == (("bad.csv", "TRUNCATED_GZIP", "it ends early", "copy it again"),)


def test_without_reasons_or_refusals_there_is_no_table() -> None:
    facts = LakeFacts(({"refused": [], "reasons": {}, "rows_quarantined": 0},), {})
    assert reason_table(facts) is None
    assert refused_table(facts) is None


def test_an_ingest_call_and_a_week_are_a_row_each(lake_facts: LakeFacts) -> None:
    assert ingest_table(lake_facts).rows == (("state 1", "7", "4,215", "4,200", "15", "700", "1"),)
    rows = week_table(lake_facts.weeks).rows
    assert len(rows) == 7
    assert rows[1] == ("200650", "2007-02-05", "100", "600", "15", "20.0 %", "50.0 %", "25.0 %", "5.0 %")


def test_drift_of_the_label_is_told_and_read() -> None:
    def week(la: int, mm: int) -> WeekFacts:
        return WeekFacts(baskets=la + mm, lines=10, quarantined=0, labels={"LA": la, "MM": mm})

    weeks = {200701: week(500, 500), 200702: week(500, 500), 200703: week(490, 510), 200704: week(510, 490)}
    assert "no drift to act on" in label_drift(weeks, [200701, 200702], 200702)
    weeks |= {200703: week(950, 50), 200704: week(950, 50)}
    assert "training again" in label_drift(weeks, [200701, 200702], 200702)
    assert label_drift(weeks, [200701], 200704) == ""
