"""The files: the original format to the byte, whole or not there, the same for the same specification."""

import gzip
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from retail_forecast.domain.columns import HEADERS
from retail_forecast.domain.errors import PlaceError
from retail_forecast.simulation.spec import TillSpec
from retail_forecast.simulation.tills import simulate

SPEC = TillSpec(weeks=2, baskets_per_week=300, products=200, customers=100, stores=20)

LINE = re.compile(
    r"\d{6},\d{8},[1-7],\d{1,2},\d+,(0|[1-9]\d*)\.(\d|\d[1-9]),PRD\d{7},CL\d{5},DEP\d{5},G\d{5},D\d{5},"
    r'("","",""|CUST\d{10},[A-Z]{2},([A-Z]{2}|"")),\d{15},[SML],(LA|MM|UM|XX),(Small Shop|Top Up|Full Shop|XX),'
    r"(Fresh|Grocery|Mixed|Nonfood|XX),STORE\d{5},(LS|MS|SS|XLS),[ENSW]0[1-3]"
)


def _rows(file: Path) -> list[list[str]]:
    text = gzip.decompress(file.read_bytes()).decode() if file.suffix == ".gz" else file.read_text()
    return [line.split(",") for line in text.splitlines()[1:]]


def test_header_lines_and_ends_are_those_of_the_original(tmp_path: Path) -> None:
    (file, _) = simulate(replace(SPEC, plain=True), tmp_path).files
    text = file.read_bytes().decode("ascii")
    header, *lines = text.removesuffix("\n").split("\n")
    assert header == ",".join(HEADERS[0])
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    assert any('"","",""' in line for line in lines)


def test_lines_stand_by_store_product_and_customer_with_the_anonymous_last(tmp_path: Path) -> None:
    rows = _rows(simulate(SPEC, tmp_path).files[0])
    keys = [(r[19], r[6], r[11] == '""', r[11], r[14]) for r in rows]
    assert keys == sorted(keys)


def test_names_counts_and_places(tmp_path: Path) -> None:
    report = simulate(replace(SPEC, start_week=200652), tmp_path / "new" / "folder")
    assert [file.name for file in report.files] == ["transactions_200652.csv.gz", "transactions_200701.csv.gz"]
    assert sorted((tmp_path / "new" / "folder").iterdir()) == sorted(report.files)
    rows = [row for file in report.files for row in _rows(file)]
    assert (report.lines, report.baskets) == (len(rows), len({row[14] for row in rows}))


def test_the_same_specification_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = (simulate(SPEC, tmp_path / name).files for name in "ab")
    assert [f.read_bytes() for f in one] == [f.read_bytes() for f in two]


def test_another_seed_gives_other_lines(tmp_path: Path) -> None:
    one, two = (simulate(replace(SPEC, seed=seed), tmp_path / str(seed)).files for seed in (1, 2))
    assert one[0].read_bytes() != two[0].read_bytes()


def test_a_week_does_not_depend_on_the_weeks_before_it(tmp_path: Path) -> None:
    longer = simulate(SPEC, tmp_path / "longer").files
    alone = simulate(replace(SPEC, weeks=1, start_week=200618), tmp_path / "alone").files
    assert longer[1].read_bytes() == alone[0].read_bytes()


def test_plain_and_packed_hold_the_same(tmp_path: Path) -> None:
    (packed, _), (plain, _) = simulate(SPEC, tmp_path).files, simulate(replace(SPEC, plain=True), tmp_path).files
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    assert plain.suffix == ".csv"


def test_noise_touches_nothing_but_the_label(tmp_path: Path) -> None:
    quiet, loud = (
        _rows(simulate(replace(SPEC, label_noise=share), tmp_path / str(share)).files[0]) for share in (0.0, 0.5)
    )
    differ = {i for a, b in zip(quiet, loud, strict=True) for i in range(22) if a[i] != b[i]}
    assert differ == {16}


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PlaceError, match="cannot be written"):
        simulate(SPEC, tmp_path / "file" / "out")


def test_an_interrupted_run_leaves_whole_files_only(tmp_path: Path) -> None:
    class Impatient:
        @contextmanager
        def track(self, _title: str, _total: int, _unit: str) -> Iterator[Callable[[int], None]]:
            def stop(_done: int) -> None:
                raise KeyboardInterrupt

            yield stop

    with pytest.raises(KeyboardInterrupt):
        simulate(SPEC, tmp_path, Impatient())
    assert [file.name for file in tmp_path.iterdir()] == ["transactions_200617.csv.gz"]


def test_every_week_is_told(tmp_path: Path) -> None:
    told: list[object] = []

    class Told:
        @contextmanager
        def track(self, _title: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
            told.append((total, unit))
            yield told.append

    simulate(SPEC, tmp_path, Told())
    assert told == [(2, "weeks"), 1, 1]
