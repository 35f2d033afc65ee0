"""Profiles: how the values of a week's baskets are distributed, kept with the state that wrote the week.

They are what a later week is compared with, so that no comparison reads the tables again.
"""

from collections.abc import Collection, Mapping
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import obstore
import pyarrow as pa
from numpy.typing import NDArray

from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.objects import listed, read
from retail_forecast.clouds.opening import open_store
from retail_forecast.lake.columnar import basket_sizes, codes_from_arrow
from retail_forecast.lake.schemas import GOLD_HEADER

__all__ = ["PROFILED", "Profile", "keep_profiles", "profile", "read_profiles"]

Profile = Mapping[str, Mapping[str, int]]
"""Baskets by column and value; what is empty counts as the value ""."""

_FIELDS = ("label", "type", "mission", "store_format", "store_region", "seg_1", "seg_2", "shop_hour")
_EDGES = {"lines a basket": (2, 4, 8, 16, 32), "spend a basket [GBP]": (2, 5, 10, 20, 40, 80)}
_PREFIX = "profiles"

PROFILED = (*(GOLD_HEADER[name].name for name in _FIELDS), *_EDGES)
"""What a profile holds: columns of the contract, and sizes of baskets in classes."""


def profile(gold: pa.Table) -> dict[int, Profile]:
    """The profile of each week among baskets of gold."""
    weeks, week = np.unique(np.asarray(gold["shop_week"]), return_inverse=True)
    lines, spend = basket_sizes(gold)
    columns = {GOLD_HEADER[name].name: _words(gold[name]) for name in _FIELDS}
    sizes = zip(_EDGES.items(), (lines, spend // 100), strict=True)
    columns |= {name: (_classes(edges), np.digitize(numbers, edges)) for (name, edges), numbers in sizes}
    found: dict[int, dict[str, dict[str, int]]] = {number: {} for number in weeks.tolist()}
    for name, (words, index) in columns.items():
        counted = np.bincount(week * len(words) + index, minlength=len(weeks) * len(words))
        for number, counts in zip(weeks.tolist(), counted.reshape(len(weeks), len(words)).tolist(), strict=True):
            found[number][name] = {word: count for word, count in sorted(zip(words, counts, strict=True)) if count}
    return dict(found)


def _words(column: pa.ChunkedArray) -> tuple[list[str], NDArray[np.int64]]:
    """The words of a column, the last of them "" for what is empty, and the place of each row's among them."""
    codes = codes_from_arrow(column.combine_chunks())
    index = codes.index.astype(np.int64)
    return [*map(str, codes.values), ""], np.where(index < 0, len(codes.values), index)


def _classes(edges: tuple[int, ...]) -> list[str]:
    between = (f"{a} to below {b}" for a, b in pairwise(edges))
    return [f"below {edges[0]}", *between, f"from {edges[-1]}"]


def keep_profiles(root: Address, state: int, profiles: Mapping[int, Profile]) -> None:
    """Keep the profiles of the weeks that `state` wrote."""
    store = open_store(root)
    obstore.put(store, _path(state), msgspec.json.format(msgspec.json.encode(profiles), indent=1))


def read_profiles(root: Address, state: int, weeks: Collection[int]) -> dict[int, Profile]:
    """The profiles of `weeks` as of `state`, the newest of each; weeks that were written before profiles were kept are
    left out.
    """
    store = open_store(root)
    numbers = sorted((n for path, _ in listed(store, _PREFIX) if (n := int(Path(path).stem)) <= state), reverse=True)
    found: dict[int, Profile] = {}
    for number in numbers:
        if len(found) == len(weeks):
            break
        kept = msgspec.json.decode(read(store, _path(number)), type=dict[int, Profile])
        found |= {week: one for week, one in kept.items() if week in weeks and week not in found}
    return found


def _path(state: int) -> str:
    return f"{_PREFIX}/{state}.json"
