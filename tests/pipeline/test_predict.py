"""Writing answers: the whole file or none of it, and a place that does not take them is named."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from retail_forecast.domain.errors import PlaceError
from retail_forecast.pipeline.predict import FORMATS, write_table, write_tables

TABLE = pa.table({"basket_id": ["1", "2"], "p_LA": [0.25, 0.5]})


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_earlier_file_is_replaced(tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"answers{suffix}"
    output.write_text("earlier")
    write_tables([TABLE, TABLE], output)
    assert output.read_bytes() != b"earlier"
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize("suffix", FORMATS)
def test_whoever_is_interrupted_half_way_leaves_the_earlier_file_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    def interrupted() -> Iterator[pa.Table]:
        yield TABLE
        raise KeyboardInterrupt

    output = tmp_path / f"answers{suffix}"
    output.write_text("earlier")
    with pytest.raises(KeyboardInterrupt):
        write_tables(interrupted(), output)
    assert output.read_text() == "earlier"
    assert list(tmp_path.iterdir()) == [output]


def test_a_place_that_takes_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    (tmp_path / "folder.csv").mkdir()
    for output in (tmp_path / "file" / "answers.csv", tmp_path / "folder.csv"):
        with pytest.raises(PlaceError, match="cannot be written") as told:
            write_table(TABLE, output)
        assert told.value.where == str(output)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.csv"]
