"""Whatever bytes come: the file is refused with a code, or every one of its rows is in silver or in quarantine."""

import gzip
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retail_forecast.domain.errors import FileRefused
from retail_forecast.lake.judge import Evidence
from retail_forecast.lake.landing import land
from retail_forecast.lake.links import accept, merge_links
from retail_forecast.lake.refine import refine
from retail_forecast.lake.rules import RULES
from retail_forecast.lake.staging import Staged, stage

Row = dict[str, str]
ARRIVAL = datetime(2008, 7, 7, tzinfo=UTC)

EDITS = st.lists(
    st.tuples(
        st.integers(0, 10_000),
        st.sampled_from(
            [b"", b",", b"\n", b"\r", b'"', b"\x00", b"\xff", b"e", b"-", b"9", b"A", b" ", b".", b"\xc3\xa9"]
        ),
        st.integers(0, 12),
    ),
    min_size=1,
    max_size=6,
)


def damaged(payload: bytes, edits: list[tuple[int, bytes, int]]) -> bytes:
    for place, inserted, removed in edits:
        start = place % len(payload)
        payload = payload[:start] + inserted + payload[start + removed :] or b"x"
    return payload


def outcome(staged: Staged) -> tuple[int, int, int]:
    """Rows read, in silver, in quarantine."""
    evidence = Evidence(accept(merge_links([staged.links]), {}), pa.array([], pa.string()), staged.wounded)
    found = refine([staged], sorted({0, *staged.weeks}), evidence, ARRIVAL)
    assert all(row["reasons"] for row in found.quarantine.to_pylist())
    assert {code for row in found.quarantine.to_pylist() for code in row["reasons"]} <= {rule.code for rule in RULES}
    assert all(row["row_number"] > 1 for row in found.quarantine.to_pylist())
    in_baskets = sum(len(row["lines"]) for row in found.gold.to_pylist())
    assert in_baskets == len(found.silver)
    return staged.rows, len(found.silver), len(found.quarantine)


@pytest.fixture(scope="module")
def payload(
    tmp_path_factory: pytest.TempPathFactory, make_rows: Callable[..., list[Row]], write: Callable[..., Path]
) -> bytes:
    return write(tmp_path_factory.mktemp("sound") / "a.csv", make_rows()).read_bytes()


@settings(
    max_examples=1_450, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(edits=EDITS)
def test_damaged_text(edits: list[tuple[int, bytes, int]], payload: bytes, tmp_path: Path) -> None:
    check(damaged(payload, edits), tmp_path)


@settings(
    max_examples=550, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(edits=EDITS)
def test_damaged_gzip(edits: list[tuple[int, bytes, int]], payload: bytes, tmp_path: Path) -> None:
    check(damaged(gzip.compress(payload), edits), tmp_path)


def staged_or_refused(file: Path) -> Staged | FileRefused:
    try:
        return stage(land(file, file.parent), file.parent)
    except FileRefused as refused:
        return refused


def check(content: bytes, folder: Path) -> None:
    file = folder / "till.csv"
    file.write_bytes(content)
    found = staged_or_refused(file)
    if isinstance(found, FileRefused):
        assert found.code
        assert found.mend
        assert found.where == str(file)
    else:
        rows, silver, quarantined = outcome(found)
        assert rows == silver + quarantined


def test_sound_text_is_all_silver(payload: bytes, tmp_path: Path) -> None:
    file = tmp_path / "till.csv"
    file.write_bytes(payload)
    assert outcome(stage(land(file, tmp_path), tmp_path)) == (24, 24, 0)
