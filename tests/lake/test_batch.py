"""How weeks are put into batches."""

import math
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retail_forecast.domain.calendar import add_weeks
from retail_forecast.lake.batch import plan
from retail_forecast.lake.landing import Landed
from retail_forecast.lake.staging import Slab, Staged

FIRST = 200607


def staged(rows: dict[int, int]) -> Staged:
    """A file with so many rows of each week."""
    nothing = pa.table({})
    slab = Slab(Path("slab"), 0, rows, frozenset())
    return Staged(Landed(Path("a.csv"), Path("copy"), "0" * 64, 1), (), (slab,), (), nothing, nothing, pa.array([]), 0)


def weeks(counts: list[int]) -> dict[int, int]:
    return {add_weeks(FIRST, number): rows for number, rows in enumerate(counts)}


@given(st.lists(st.integers(1, 50_000), min_size=1, max_size=120), st.integers(1_000, 500_000), st.integers(1, 8))
def test_every_week_is_in_one_batch_and_in_order(counts: list[int], limit: int, workers: int) -> None:
    rows = weeks(counts)
    batches = plan([staged(rows)], limit, workers)
    assert [week for batch in batches for week in batch] == sorted(rows)
    assert all(batches)


@given(st.lists(st.integers(20_000, 30_000), min_size=1, max_size=200), st.integers(100_000, 500_000))
def test_batches_keep_to_the_limit_but_for_a_week(counts: list[int], limit: int) -> None:
    rows = weeks(counts)
    for batch in plan([staged(rows)], limit, 2):
        assert sum(rows[week] for week in batch) <= limit + max(counts)


def test_workers_get_as_many_batches_each() -> None:
    assert len(plan([staged(weeks([26_000] * 100))], 450_000, 4)) == 8
    assert math.ceil(26_000 * 100 / 450_000) == 6


@pytest.mark.parametrize("workers", [1, 8])
def test_what_fits_into_one_batch_stays_together(workers: int) -> None:
    rows = weeks([100, 200, 300])
    assert plan([staged(rows)], 600, workers) == [sorted(rows)]


def test_files_of_one_week_go_together() -> None:
    assert plan([staged({FIRST: 500}), staged({FIRST: 500})], 600) == [[FIRST]]
