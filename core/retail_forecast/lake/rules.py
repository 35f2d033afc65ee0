"""The rules of a till row: each with a code, its level and one line of text. A row that breaks any goes to quarantine
with all its codes.

The rules of single fields follow from the contract (`domain.columns`). Faults travel as bits of an unsigned 64-bit
number per row, one bit a rule, in the order of `RULES`; `reasons` turns them into codes. Rules of whole files stand in
`lake.standards`.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retail_forecast.domain.columns import COLUMNS, Column, Kind, Level

__all__ = [
    "BASKET_FIELD_BITS",
    "LINKS",
    "RULES",
    "WEEK_BITS",
    "Faults",
    "Link",
    "Rule",
    "Severity",
    "bit",
    "bits_of",
    "counts",
    "flagged",
    "reasons",
]

Faults = NDArray[np.uint64]
"""Fault bits of rows, shape (rows,)."""


class Severity(StrEnum):
    """What happens to data that breaks a rule."""

    BLOCK = "block"
    ERROR = "error"
    WARN = "warn"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes
    ----------
    code : what scripts and the quarantine table call it
    level : what must be looked at to judge it: `field`, `row`, `basket`, `lake`; `file` or `week`
    text : the rule that good data keep
    severity : what happens to data that do not
    """

    code: str
    level: str
    text: str
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Link:
    """A column that decides another: every `child` has one `parent`."""

    child: str
    parent: str
    code: str


LINKS = (
    Link("PROD_CODE", "PROD_CODE_10", "R_TREE"),
    Link("PROD_CODE_10", "PROD_CODE_20", "R_TREE"),
    Link("PROD_CODE_20", "PROD_CODE_30", "R_TREE"),
    Link("PROD_CODE_30", "PROD_CODE_40", "R_TREE"),
    Link("STORE_CODE", "STORE_FORMAT", "R_STORE_FORMAT"),
    Link("STORE_CODE", "STORE_REGION", "R_STORE_REGION"),
)


def _domain_text(column: Column) -> str:
    if column.values:
        codes = ", ".join(column.values)
        others = f" (under the name {column.alias}: {', '.join(column.alias_values)})" if column.alias else ""
        return f"{column.name} is one of {codes}{others}"
    if column.pattern:
        return f"{column.name} matches {column.pattern}"
    return f"{column.name} lies in {column.minimum}..{column.maximum}"


_TYPE_TEXTS = {
    Kind.INTEGER: "is a whole number",
    Kind.MONEY: "is an amount with at most two decimals",
    Kind.DATE: "is a day written YYYYMMDD",
}


def _field_rules(column: Column) -> list[Rule]:
    rules = [] if column.nullable else [Rule(f"R_NULL_{column.name}", "field", f"{column.name} is not empty")]
    if column.kind in _TYPE_TEXTS:
        rules.append(Rule(f"R_TYPE_{column.name}", "field", f"{column.name} {_TYPE_TEXTS[column.kind]}"))
    if column.kind is not Kind.DATE:
        rules.append(Rule(f"R_DOMAIN_{column.name}", "field", _domain_text(column)))
    return rules


RULES: tuple[Rule, ...] = (
    Rule("R_FIELDS", "row", f"a line has {len(COLUMNS)} fields"),
    *(rule for column in COLUMNS for rule in _field_rules(column)),
    Rule("R_WEEK", "row", "SHOP_DATE lies in SHOP_WEEK of the fiscal calendar"),
    Rule("R_WEEKDAY", "row", "SHOP_WEEKDAY is the weekday of SHOP_DATE"),
    Rule("R_XX", "row", "BASKET_TYPE is XX exactly where BASKET_DOMINANT_MISSION is XX"),
    Rule("R_ANONYMOUS", "row", "seg_1 is empty exactly where CUST_CODE is empty"),
    Rule(
        "R_DUPLICATE",
        "basket",
        "a product stands once in a basket; the first sound row in file order stays, the others go",
    ),
    Rule("R_BASKET", "basket", "all rows of a basket agree in what describes the basket; else all of them go"),
    Rule(
        "R_SIZE",
        "basket",
        "BASKET_SIZE follows from the basket's total QUANTITY; judged where nothing else is wrong, all rows go",
    ),
    Rule("R_SPAN", "lake", "a basket lies in one week; else all its rows that are being read go"),
    Rule(
        "R_TREE",
        "lake",
        "each product and product group has one parent: the lake's, else the majority's in what is being read",
    ),
    Rule("R_STORE_FORMAT", "lake", "each store has one format: the lake's, else the majority's in what is being read"),
    Rule("R_STORE_REGION", "lake", "each store has one region: the lake's, else the majority's in what is being read"),
)
if len(RULES) > 64:
    raise ImportError("fault bits hold at most 64 rules")

_POSITION = {rule.code: i for i, rule in enumerate(RULES)}


def bit(code: str) -> np.uint64:
    """The fault bit of the rule `code`."""
    return np.uint64(1 << _POSITION[code])


def bits_of(column: str) -> np.uint64:
    """All field-level fault bits of `column`; when none is set, its value could be read."""
    codes = [f"R_{what}_{column}" for what in ("NULL", "TYPE", "DOMAIN")]
    return np.uint64(sum(1 << _POSITION[code] for code in codes if code in _POSITION))


def flagged(wrong: NDArray[np.bool_], code: str) -> Faults:
    """The fault bit of the rule `code` on the rows that are `wrong`."""
    return np.where(wrong, bit(code), np.uint64(0))


BASKET_FIELD_BITS = np.bitwise_or.reduce(
    [bits_of(c.name) for c in COLUMNS if c.level not in {Level.LINE, Level.PRODUCT}]
)
"""Faults of any field that describes the basket."""

WEEK_BITS = bits_of("SHOP_WEEK") | bits_of("SHOP_DATE") | bit("R_WEEK")
"""Faults that leave open which week a row belongs to."""


def reasons(faults: Faults) -> pa.ListArray:
    """Codes of each row, list<string> of shape (rows,), in the order of `RULES`."""
    flags = (faults[:, None] >> np.arange(len(RULES), dtype=np.uint64)) & np.uint64(1)
    offsets = np.concatenate([[0], np.cumsum(flags.sum(axis=1))]).astype(np.int32)
    codes = pa.array([rule.code for rule in RULES], pa.string()).take(pa.array(np.nonzero(flags)[1]))
    return pa.ListArray.from_arrays(pa.array(offsets), codes)


def counts(faults: Faults) -> dict[str, int]:
    """How many rows break each rule; rules that none breaks are left out."""
    numbers = {rule.code: int(np.count_nonzero(faults & bit(rule.code))) for rule in RULES}
    return {code: n for code, n in numbers.items() if n}
