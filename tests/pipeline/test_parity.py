"""When two paths to an answer agree: each rule refuses what is just beyond it and accepts what is just within."""

from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np
import pytest

from retail_forecast.bundle.scorer import Predictions
from retail_forecast.domain.basket import Basket
from retail_forecast.domain.errors import PlaceError
from retail_forecast.domain.spooled import Entry, framed
from retail_forecast.pipeline.audit import _features
from retail_forecast.pipeline.parity import differences
from retail_forecast.pipeline.replay import Replayed

BATCH = Predictions(
    np.array([[0.5, 0.25, 0.25, 0.0], [0.25, 0.375, 0.375, 0.0]]),
    np.array([0, 1], np.int8),
    np.array([0.0, 0.5]),
    np.array([[1.0, 0.0], [2.0, np.nan]], np.float32),
)
TOLD = Replayed(frozenset({"run"}), BATCH.label, BATCH.probabilities, BATCH.unknown_share, np.zeros(2, np.int32))


def apart(told: Replayed, features: np.ndarray[tuple[int, ...], np.dtype[np.float32]] | None) -> dict[str, list[bool]]:
    found = differences(BATCH, told, "run", (1.0, 1.0, 1.0, 1.0), features)
    return {name: which.tolist() for name, which in found.items() if which.any()}


def test_the_same_agrees() -> None:
    assert apart(TOLD, BATCH.features.copy()) == {}


def test_one_bit_of_a_feature_is_a_difference() -> None:
    other = BATCH.features.copy()
    other[1, 0] = np.nextafter(other[1, 0], np.float32(9))
    assert apart(TOLD, other) == {"features": [False, True]}
    signed = BATCH.features.copy()
    signed[0, 1] = -0.0
    assert apart(TOLD, signed) == {"features": [True, False]}


def test_features_that_were_not_seen_are_not_said_to_be_the_same() -> None:
    assert "features" not in differences(BATCH, TOLD, "run", (1.0,) * 4, None)


@pytest.mark.parametrize(("step", "found"), [(0.9e-6, {}), (1.1e-6, {"probabilities": [True, False]})])
def test_probabilities_within_a_millionth(step: float, found: dict[str, list[bool]]) -> None:
    moved = TOLD.probabilities + np.array([[step, -step, 0, 0], [0, 0, 0, 0]])
    assert apart(replace(TOLD, probabilities=moved), None) == found


def test_another_label_is_a_difference_unless_the_two_likeliest_are_as_likely() -> None:
    assert apart(replace(TOLD, label=np.array([0, 2], np.int8)), None) == {}
    assert apart(replace(TOLD, label=np.array([1, 1], np.int8)), None) == {"label": [True, False]}


def test_another_model_and_another_share_are_differences() -> None:
    assert apart(replace(TOLD, model_versions=frozenset({"run", "other"})), None) == {"model": [True, True]}
    assert apart(replace(TOLD, unknown_share=np.array([0.0, 0.25])), None) == {"unknown_share": [False, True]}


def entry(basket: Basket, features: list[float]) -> Entry:
    digest = sha256(msgspec.json.encode(basket)).hexdigest()
    payload = np.array(features, np.float32).tobytes()
    return Entry("id", 0, 0.0, "run", "basket", None, digest, payload, (1.0, 0.0, 0.0, 0.0), "LA", 0.0)


def test_features_come_out_of_the_log_in_the_order_asked_and_none_may_lack(tmp_path: Path) -> None:
    rows = [Basket((), shop_hour=hour) for hour in (9, 8, 9)]
    payload = msgspec.msgpack.encode([entry(rows[1], [8.0, 0.5]), entry(rows[0], [9.0, 1.5])])
    (tmp_path / f"{'0' * 16}-00000001.ready").write_bytes(framed(payload))
    assert _features(tmp_path, rows).tolist() == [[9.0, 1.5], [8.0, 0.5], [9.0, 1.5]]
    with pytest.raises(PlaceError, match="lacks 1 of 4"):
        _features(tmp_path, [*rows, Basket((), shop_hour=10)])
