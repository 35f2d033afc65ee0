"""What a job rests on: parts of a channel, checkpoints, and what hosts add up."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from retail_forecast.clouds.checkpoint import Checkpoint
from retail_forecast.clouds.hosts import ALONE, gather, union
from retail_forecast.kernel.lines import HEADER, LEVELS, concatenate
from retail_forecast.lake.channel import export_channel, read_part
from retail_forecast.lake.reading import Labelled

WORK = "a" * 64


def test_parts_are_dealt_like_cards_and_lose_nothing(gold: Labelled, tmp_path: Path) -> None:
    rows = np.arange(100, 201)
    parts = [read_part(file) for file in export_channel(gold, rows, tmp_path, 3, {"state": 4})]
    assert [(part.number, part.parts, part.facts) for part in parts] == [(n, 3, {"state": 4}) for n in range(3)]
    dealt = np.concatenate([rows[n::3] for n in range(3)])
    found, expected = concatenate([part.rows.baskets for part in parts]), gold.baskets.take(dealt)
    np.testing.assert_array_equal(np.concatenate([part.rows.label for part in parts]), gold.label[dealt])
    for name in ("offsets", "quantity", "spend_pence"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for name in (*LEVELS, *HEADER):
        assert getattr(found, name).to_list() == getattr(expected, name).to_list(), name


def test_what_was_known_of_baskets_goes_with_them(gold: Labelled, tmp_path: Path) -> None:
    known = np.random.default_rng(1).random((len(gold.label), 5), np.float32)
    rows = np.arange(7, 30)
    files = export_channel(replace(gold, baskets=replace(gold.baskets, known=known)), rows, tmp_path, 2, {})
    for number, file in enumerate(files):
        np.testing.assert_array_equal(read_part(file).rows.baskets.known, known[rows[number::2]])
    (file,) = export_channel(gold, rows, tmp_path, 1, {})
    assert read_part(file).rows.baskets.known is None


def test_a_checkpoint_is_read_back(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "new", WORK)
    assert checkpoint.read() is None
    checkpoint.write(b"one")
    checkpoint.write(b"two")
    assert checkpoint.read() == b"two"


def test_a_checkpoint_of_other_work_is_left_alone(tmp_path: Path) -> None:
    Checkpoint(tmp_path, "b" * 64).write(b"other")
    assert Checkpoint(tmp_path, WORK).read() is None


@pytest.mark.parametrize("place", [0, 70, 130, -1])
def test_a_damaged_checkpoint_is_left_alone(tmp_path: Path, place: int) -> None:
    checkpoint = Checkpoint(tmp_path, WORK)
    checkpoint.write(b"progress")
    (file,) = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    content[place] ^= 1
    file.write_bytes(content)
    assert checkpoint.read() is None


def test_a_host_alone_gathers_itself() -> None:
    assert gather(ALONE, b"some bytes") == (b"some bytes",)
    assert gather(ALONE, b"") == (b"",)
    assert union(ALONE, ["b", "a", "b"]) == ("a", "b")
