"""The history of customers and stores comes back from its files as it went in, or not at all."""

from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pytest

from retail_forecast.bundle.history import KEYS, SUMS, history_files, read_history
from retail_forecast.domain.basket import Basket
from retail_forecast.domain.calendar import EPOCH
from retail_forecast.domain.errors import BundleError
from retail_forecast.features.history import join_history
from retail_forecast.kernel.arrival import PAST, History, arrival_features
from retail_forecast.kernel.lines import Baskets, baskets_from_rows

WEEKS = 3


@pytest.fixture
def known() -> tuple[Baskets, History]:
    rows = [
        Basket(
            (),
            shop_date=EPOCH + timedelta(day),
            shop_hour=8 + day % 12,
            customer=None if day % 5 == 0 else f"C{day % 4}",
            store_code=f"S{day % 3}",
            store_region="E01",
            store_format="LS",
            seg_1="AZ",
            seg_2="DI",
        )
        for day in range(7 * WEEKS)
    ]
    baskets = baskets_from_rows(rows)
    past = np.random.default_rng(3).random((len(rows), len(PAST)))
    joined = join_history(baskets, past, np.ones(len(rows), np.bool_), 0, until=WEEKS - 1)
    return baskets, joined.history


def _write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, payload in files.items():
        (folder / name).write_bytes(payload)
    return folder


def test_it_comes_back_as_it_was(known: tuple[Baskets, History], tmp_path: Path) -> None:
    baskets, history = known
    back = read_history(_write(tmp_path, history_files(history)))
    assert back.week == history.week
    np.testing.assert_array_equal(arrival_features(baskets, back), arrival_features(baskets, history))
    assert history_files(back) == history_files(history)


def test_files_that_do_not_fit_each_other_are_refused(known: tuple[Baskets, History], tmp_path: Path) -> None:
    files = history_files(known[1])
    keys = msgspec.json.decode(files[KEYS])
    keys["groups"]["customer"].append("C9")
    _write(tmp_path, files | {KEYS: msgspec.json.encode(keys)})
    with pytest.raises(BundleError, match="customer have another shape"):
        read_history(tmp_path)


@pytest.mark.parametrize(
    ("name", "payload"), [(KEYS, b"{"), (KEYS, b'{"week": 1, "groups": {}}'), (SUMS, b"no zip"), (SUMS, b"PK")]
)
def test_damaged_files_are_refused(known: tuple[Baskets, History], tmp_path: Path, name: str, payload: bytes) -> None:
    _write(tmp_path, history_files(known[1]) | {name: payload})
    with pytest.raises(BundleError, match="does not fit this version"):
        read_history(tmp_path)
