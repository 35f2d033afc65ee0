"""Which parent each product group and store has: what the lake says, else what most of the rows being read say."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from retail_forecast.lake.fields import Field
from retail_forecast.lake.rules import LINKS, Faults, Link, bit

__all__ = ["Accepted", "accept", "count_links", "merge_links", "strangers"]

Accepted = Mapping[Link, Mapping[str, str]]
"""The one parent of every child, for each link."""

Index = NDArray[np.int32]

_SCHEMA = pa.schema([("link", pa.int8()), ("child", pa.string()), ("parent", pa.string()), ("rows", pa.int64())])


def count_links(fields: Mapping[str, Field]) -> pa.Table:
    """How many rows show each (link, child, parent), where both are readable."""
    parts = [_count(number, fields[link.child], fields[link.parent]) for number, link in enumerate(LINKS)]
    return pa.concat_tables(parts)


def _count(number: int, child: Field, parent: Field) -> pa.Table:
    both = (child.index >= 0) & (parent.index >= 0)
    width = len(parent.values) + 1
    found, rows = _pairs(child.index[both], parent.index[both], width)
    children, parents = child.values.take(pa.array(found // width)), parent.values.take(pa.array(found % width))
    return pa.table([pa.array(np.full(len(found), number, np.int8)), children, parents, pa.array(rows)], schema=_SCHEMA)


def _pairs(child: Index, parent: Index, width: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs that occur, as child * width + parent, and how often each does."""
    only = np.zeros(int(child.max(initial=-1)) + 1, np.int64)
    only[child] = parent
    if np.array_equal(only[child], parent):  # as a rule a child has one parent: no pair needs to be looked for
        rows = np.bincount(child, minlength=len(only))
        seen = np.flatnonzero(rows)
        return seen * width + only[seen], rows[seen]
    return np.unique(child.astype(np.int64) * width + parent, return_counts=True)


def merge_links(parts: Sequence[pa.Table]) -> pa.Table:
    """The counts of several blocks together."""
    joined = pa.concat_tables([_SCHEMA.empty_table(), *parts])
    summed = joined.group_by(["link", "child", "parent"]).aggregate([("rows", "sum")])
    return summed.select(["link", "child", "parent", "rows_sum"]).rename_columns(_SCHEMA.names).cast(_SCHEMA)


def accept(counted: pa.Table, lake: Accepted) -> dict[Link, dict[str, str]]:
    """The parent of every child: the lake's where it knows the child, else the commonest in `counted`, the smaller
    code of equals.

    Only links with a child that has several parents in sight are returned: in the others no row can disagree.
    """
    votes: dict[tuple[int, str], list[tuple[int, str]]] = {}
    for number, child, parent, rows in zip(*(column.to_pylist() for column in counted.columns), strict=True):
        votes.setdefault((number, child), []).append((-rows, parent))
    accepted: dict[Link, dict[str, str]] = {}
    for (number, child), found in votes.items():
        link = LINKS[number]
        known = lake.get(link, {}).get(child)
        if {parent for _, parent in found} != {known or found[0][1]}:
            accepted.setdefault(link, {})[child] = known or min(found)[1]
    return accepted


def strangers(fields: Mapping[str, Field], accepted: Accepted) -> Faults:
    """Fault bits of the rows whose child has another parent than the accepted one, shape (rows,)."""
    faults = np.zeros(len(fields[LINKS[0].child].index), np.uint64)
    for link, parents in accepted.items():
        child, parent = fields[link.child], fields[link.parent]
        faults[_differs(child, parent, parents)] |= bit(link.code)
    return faults


def _differs(child: Field, parent: Field, parents: Mapping[str, str]) -> NDArray[np.bool_]:
    position = {word: i for i, word in enumerate(parent.values.to_pylist())}
    # -2: the child is not in question; -3: its accepted parent does not occur here, so that every readable one differs.
    wanted = [position.get(parents[w], -3) if w in parents else -2 for w in child.values.to_pylist()]
    expected = np.append(np.asarray(wanted, np.int32), np.int32(-2))[child.index]
    differs: NDArray[np.bool_] = (expected != -2) & (parent.index >= 0) & (expected != parent.index)
    return differs
