"""Tuned settings: kept, found again, and refused where they would flatter."""

from datetime import UTC, datetime

import pytest
from obstore.store import MemoryStore

from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.labels import LabelSource
from retail_forecast.domain.tasks import Task
from retail_forecast.registry.record import Span, Windows
from retail_forecast.registry.tuned import Tuned, load_tuned, refuse_unfit, save_tuned

TUNED = Tuned(
    study="basket-xgboost-12345678",
    task=Task.BASKET,
    model="xgboost",
    value=0.9,
    settings={"max_depth": 5, "leaning_penalty": 0.1},
    trials=7,
    pruned=2,
    train=Span.of([200607, 200609]),
    validation=Span.of([200610, 200611]),
    lake_state=3,
    created_at=datetime(2026, 11, 22, tzinfo=UTC),
    label_source=LabelSource.GIVEN,
)


def test_the_newest_settings_are_found_again() -> None:
    store = MemoryStore()
    save_tuned(store, TUNED)
    assert load_tuned(store, Task.BASKET, "xgboost") == TUNED


def test_what_was_never_tuned_is_refused_with_the_way_to_tune_it() -> None:
    with pytest.raises(UsageError, match="not been tuned") as caught:
        load_tuned(MemoryStore(), Task.FLAT, "logistic")
    assert "tune --task flat --model logistic" in caught.value.mend


@pytest.mark.parametrize("first", [200611, 200610, 200608])
def test_settings_chosen_on_test_weeks_are_refused(first: int) -> None:
    windows = _windows(Span.of([first, 200612]))
    with pytest.raises(UsageError, match="chosen on weeks up to 200611"):
        refuse_unfit(TUNED, windows, LabelSource.GIVEN)


def test_settings_chosen_before_the_test_weeks_pass() -> None:
    for test in (Span.of([200612]), None):
        refuse_unfit(TUNED, _windows(test), LabelSource.GIVEN)


def test_settings_chosen_by_other_labels_are_refused() -> None:
    with pytest.raises(UsageError, match="chosen by given labels"):
        refuse_unfit(TUNED, _windows(None), LabelSource.PRICE_TIERS)


def _windows(test: Span | None) -> Windows:
    return Windows(Span.of([200607]), Span.of([200608]), Span.of([200609]), test)
