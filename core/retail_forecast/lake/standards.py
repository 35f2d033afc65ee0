"""All rules by their severity: which data are refused, put aside, or taken in and remarked upon.

block: the file is refused; those of `ACCEPTABLE` are judgements on a readable file, which whoever ingests may overrule
by code, and that is recorded. error: the row goes to quarantine (`lake.rules`). warn: the report says so.
"""

from retail_forecast.lake.rules import RULES, Rule, Severity

__all__ = ["ACCEPTABLE", "ALL_RULES", "FILE_RULES", "rules_document"]

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
)
"""Rules of readable files."""

ACCEPTABLE = tuple(rule.code for rule in FILE_RULES)
"""Codes that `--accept` takes."""

ALL_RULES = (*FILE_RULES, *RULES)


def rules_document() -> str:
    """The rules as a Markdown table, for `docs/lake.md`."""
    lines = [
        f"| `{rule.code}` | {rule.severity} | {rule.level} | {rule.text.replace('|', chr(92) + '|')} |"
        for rule in ALL_RULES
    ]
    return "\n".join(["| code | severity | level | good data |", "|---|---|---|---|", *lines]) + "\n"
