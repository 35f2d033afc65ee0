"""A snapshot tells of each basket what was known before it, bit by bit as training is told, or it is refused."""

import hashlib
from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from retail_forecast.bundle.snapshot import LATEST, known_by, read_latest, read_snapshot, write_snapshot
from retail_forecast.domain.basket import Basket
from retail_forecast.domain.calendar import EPOCH
from retail_forecast.domain.errors import BundleError, DataError
from retail_forecast.features.history import follow, join_history, week_of
from retail_forecast.kernel.arrival import PAST, History
from retail_forecast.kernel.lines import Baskets, baskets_from_rows

World = tuple[Baskets, NDArray[np.float64], NDArray[np.bool_]]
WEEKS, LEARNED, LAG = 6, 2, 1


@pytest.fixture
def world() -> World:
    rng = np.random.default_rng(5)
    rows = [
        Basket(
            (),
            shop_date=EPOCH + timedelta(int(day)),
            shop_hour=int(rng.integers(8, 22)),
            customer=None if rng.random() < 0.2 else f"C{rng.integers(9)}",
            store_code=f"S{rng.integers(4)}",
            store_region="E01",
            store_format="LS",
            seg_1="AZ",
            seg_2="DI",
        )
        for day in np.sort(rng.integers(0, 7 * WEEKS, 160))
    ]
    return baskets_from_rows(rows), rng.random((160, len(PAST))), rng.random(160) < 0.9


def of_weeks(world: World, after: int) -> NDArray[np.intp]:
    return np.flatnonzero(week_of(world[0].shop_day) > after)


@pytest.fixture
def learned(world: World) -> History:
    baskets, past, counted = world
    return join_history(baskets, past, counted, LAG, until=LEARNED).history


@pytest.fixture
def histories(world: World, learned: History) -> tuple[History, ...]:
    later = of_weeks(world, LEARNED)
    baskets, past, counted = world
    return follow(learned, baskets.take(later), past[later], counted[later], range(LEARNED + 1, WEEKS))


def test_it_tells_what_training_is_told(
    world: World,
    learned: History,
    histories: tuple[History, ...],
    tmp_path: Path,
) -> None:
    later = of_weeks(world, LEARNED)
    baskets, past, counted = world[0].take(later), world[1][later], world[2][later]
    joined = join_history(baskets, past, counted, LAG, until=LEARNED, start=learned)
    found = read_snapshot(tmp_path, write_snapshot(tmp_path, "d" * 64, LAG, histories))
    assert (found.bundle_digest, found.lag_days) == ("d" * 64, LAG)
    known, week = known_by(baskets, [learned, *found.histories], LAG)
    np.testing.assert_array_equal(known, joined.baskets.known)
    assert set(week.tolist()) == {LEARNED, *range(LEARNED + 1, WEEKS - 1)}, "what is not known yet is not told"
    for number in (0, 7, len(later) - 1):
        alone, _ = known_by(baskets.take(np.array([number])), [learned, *found.histories], LAG)
        np.testing.assert_array_equal(alone[0], known[number])


def test_a_basket_without_a_day_is_told_the_newest_and_an_early_one_the_oldest(
    learned: History, histories: tuple[History, ...]
) -> None:
    rows = [Basket(()), Basket((), shop_date=EPOCH), Basket((), shop_date=EPOCH + timedelta(weeks=99))]
    _, week = known_by(baskets_from_rows(rows), [learned, *histories], LAG)
    assert week.tolist() == [WEEKS - 1, LEARNED, WEEKS - 1]


def test_nothing_is_followed_backwards(world: World, learned: History) -> None:
    with pytest.raises(DataError, match="knows more"):
        follow(learned, *world, [LEARNED + 1])


def test_the_newest_is_in_force_and_the_one_before_stays(histories: tuple[History, ...], tmp_path: Path) -> None:
    assert read_latest(tmp_path) is None
    made = [write_snapshot(tmp_path, "d" * 64, LAG, histories[: number + 1]) for number in range(3)]
    assert read_latest(tmp_path) == made[-1]
    assert {file.name for file in tmp_path.iterdir()} == {LATEST, made[1].file, made[2].file}
    assert [len(read_snapshot(tmp_path, one).histories) for one in made[1:]] == [2, 3]


@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_a_damaged_file_is_refused(histories: tuple[History, ...], tmp_path: Path, damage: str) -> None:
    latest = write_snapshot(tmp_path, "d" * 64, LAG, histories)
    file = tmp_path / latest.file
    payload = bytearray(file.read_bytes())
    payload[-100] ^= 1
    file.write_bytes(payload if damage == "flip" else payload[:-64])
    if damage == "gone":
        file.unlink()
    with pytest.raises(BundleError, match="the snapshot cannot be used"):
        read_snapshot(tmp_path, latest)


def test_groups_that_this_version_does_not_have_are_refused(histories: tuple[History, ...], tmp_path: Path) -> None:
    latest = write_snapshot(tmp_path, "d" * 64, LAG, histories)
    whole = (tmp_path / latest.file).read_bytes().replace(b'"customer":', b'"customes":', 1)
    (tmp_path / latest.file).write_bytes(whole)
    with pytest.raises(BundleError, match="customer"):
        read_snapshot(tmp_path, msgspec.structs.replace(latest, sha256=hashlib.sha256(whole).hexdigest()))


def test_an_entry_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / LATEST).write_text("{")
    with pytest.raises(BundleError, match="in force cannot be read"):
        read_latest(tmp_path)
