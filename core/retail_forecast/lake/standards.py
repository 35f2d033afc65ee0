"""All rules by their severity: which data are refused, put aside, or taken in and remarked upon.

block: the file is refused; those of `ACCEPTABLE` are judgements on a readable file, which whoever ingests may overrule
by code, and that is recorded. error: the row goes to quarantine (`lake.rules`). warn: the report says so.
"""

from retail_forecast.lake.rules import RULES, Rule, Severity

__all__ = ["ACCEPTABLE", "ALL_RULES", "FILE_RULES", "WEEK_RULES", "rules_document"]

FILE_RULES: tuple[Rule, ...] = (
    Rule(
        "FAULTY_ROWS",
        "file",
        "at most `lake.quality.faulty_share` of a file's rows break rules of fields and rows",
        Severity.BLOCK,
    ),
    Rule(
        "SHRUNK_WEEK",
        "file",
        "files that replace a week bring at least `lake.quality.replaced_share` of the rows that it has",
        Severity.BLOCK,
    ),
    Rule(
        "REMOVED_COLUMN",
        "file",
        "a file has every column beside the contract's that files of its weeks or earlier ones brought",
        Severity.BLOCK,
    ),
)
"""Rules of readable files."""

WEEK_RULES: tuple[Rule, ...] = (
    Rule("NEW_COLUMN", "week", "files have no columns beside the contract's that are new", Severity.WARN),
    Rule("CUSTOMER_SEGMENT", "lake", "a customer has the segments of the week in which they came last", Severity.WARN),
    Rule(
        "XX_PRODUCTS",
        "week",
        "a complete basket is XX where each of its products stands in an XX basket of the week",
        Severity.WARN,
    ),
    Rule("MISSING_WEEK", "week", "an ingest opens no gap between the weeks that are present", Severity.WARN),
    Rule(
        "WEEK_VOLUME",
        "week",
        "a week has as many rows as the median of the trailing weeks, within the factor `lake.quality.volume_factor`",
        Severity.WARN,
    ),
    Rule(
        "WEEK_SHIFT",
        "week",
        "a column's values are distributed as in the trailing weeks: population stability index below "
        "`lake.quality.shift_index`",
        Severity.WARN,
    ),
)
"""Rules of the weeks that an ingest wrote."""

ACCEPTABLE = tuple(rule.code for rule in FILE_RULES)
"""Codes that `--accept` takes."""

ALL_RULES = (*FILE_RULES, *RULES, *WEEK_RULES)


def rules_document() -> str:
    """The rules as a Markdown table, for `docs/lake.md`."""
    lines = [
        f"| `{rule.code}` | {rule.severity} | {rule.level} | {rule.text.replace('|', chr(92) + '|')} |"
        for rule in ALL_RULES
    ]
    return "\n".join(["| code | severity | level | good data |", "|---|---|---|---|", *lines]) + "\n"
