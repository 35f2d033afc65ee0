"""Examples: the first few rows that break each rule, as they stand in their files."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from retail_forecast.lake.rules import Faults, bit, counts

__all__ = ["FIRST", "Example", "first_examples", "join_examples"]

FIRST = 5
"""Examples a rule: enough to see what is wrong, few enough to be read."""

_TEXT_LENGTH = 300  # a row of the contract has about 180 characters; a broken line may have any number


@dataclass(frozen=True, slots=True, order=True)
class Example:
    """A row that breaks a rule: file, row number in it, and its text, cut where it is very long."""

    file: str
    row: int
    text: str


def first_examples(quarantine: pa.Table, faults: Faults) -> dict[str, tuple[Example, ...]]:
    """The first rows of `quarantine`, by file and row number, that break each rule; `faults` are its rows'."""
    order = np.asarray(pc.sort_indices(quarantine, [("file", "ascending"), ("row_number", "ascending")]))
    sorted_faults = faults[order]
    return {
        code: _examples(quarantine, order[np.flatnonzero(sorted_faults & bit(code))[:FIRST]]) for code in counts(faults)
    }


def join_examples(*parts: Mapping[str, tuple[Example, ...]]) -> dict[str, tuple[Example, ...]]:
    """The first examples of all `parts` together."""
    codes = sorted({code for part in parts for code in part})
    return {code: tuple(sorted(e for part in parts for e in part.get(code, ()))[:FIRST]) for code in codes}


def _examples(quarantine: pa.Table, rows: np.ndarray[tuple[int], np.dtype[np.intp]]) -> tuple[Example, ...]:
    found = quarantine.select(["file", "row_number", "text"]).take(pa.array(rows)).to_pylist()
    return tuple(Example(row["file"], row["row_number"], row["text"][:_TEXT_LENGTH]) for row in found)
