"""Requests that come together are scored together, and each gets what it would have got alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest

from retail_forecast.domain.basket import Basket, Line
from retail_forecast_server.gathering import Gathering
from retail_forecast_server.models import Model

if TYPE_CHECKING:
    from retail_forecast.bundle.scorer import Predictions

ROWS = [
    [Basket(tuple(Line(1, 1.0, f"PRD{(7 * number + line) % 150:07d}") for line in range(1 + number % 5)))]
    for number in range(40)
]


def _together(model: Model, asked: Sequence[Sequence[Basket]]) -> list[Predictions]:
    async def ask() -> list[Predictions]:
        gathering = Gathering()
        return await asyncio.gather(*(gathering.predict(model, baskets) for baskets in asked))

    return asyncio.run(ask())


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    seen: list[int] = []
    predict = Model.predict

    def counted(self: Model, rows: Sequence[Basket]) -> Predictions:
        seen.append(len(rows))
        return predict(self, rows)

    monkeypatch.setattr(Model, "predict", counted)
    return seen


def test_company_changes_no_answer(model: Model, calls: list[int]) -> None:
    found = _together(model, ROWS)
    assert calls == [40]
    for baskets, together in zip(ROWS, found, strict=True):
        alone = model.predict(baskets)
        np.testing.assert_allclose(together.probabilities, alone.probabilities, atol=1e-6)
        np.testing.assert_array_equal(together.label, alone.label)
        np.testing.assert_array_equal(together.unknown_share, alone.unknown_share)


def test_a_turn_scores_no_more_than_it_may(model: Model, calls: list[int]) -> None:
    found = _together(model, [row * 100 for row in ROWS[:6]] + [ROWS[0] * 300])
    assert [len(part.label) for part in found] == [100] * 6 + [300]
    assert calls == [200, 200, 200, 300]


def test_who_comes_while_others_come_is_scored_with_them(model: Model, calls: list[int]) -> None:
    async def ask() -> list[Predictions]:
        gathering = Gathering()

        async def after(turns: int) -> Predictions:
            for _ in range(turns):
                await asyncio.sleep(0)
            return await gathering.predict(model, ROWS[turns])

        return await asyncio.gather(*(after(turns) for turns in (0, 1, 2, 9)))

    assert len(asyncio.run(ask())) == 4
    assert calls == [3, 1]


def test_each_model_answers_its_own(model: Model, flat_model: Model, calls: list[int]) -> None:
    async def ask() -> list[Predictions]:
        gathering = Gathering()
        return await asyncio.gather(*(gathering.predict(m, ROWS[0]) for m in (model, flat_model, model)))

    first, flat, second = asyncio.run(ask())
    assert sorted(calls) == [1, 2]
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    np.testing.assert_array_equal(flat.probabilities, flat_model.predict(ROWS[0]).probabilities)


def test_a_fault_reaches_every_request_and_the_next_turn_is_answered(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask() -> list[object]:
        gathering = Gathering()
        with monkeypatch.context() as broken:
            broken.setattr(Model, "predict", lambda *_: 1 / 0)
            faults = await asyncio.gather(
                *(gathering.predict(model, baskets) for baskets in ROWS[:3]), return_exceptions=True
            )
        return [*faults, await gathering.predict(model, ROWS[0])]

    *faults, answered = asyncio.run(ask())
    assert [type(fault) for fault in faults] == [ZeroDivisionError] * 3
    assert len(answered.label) == 1  # type: ignore[attr-defined]


def test_a_client_that_left_takes_nothing_from_the_others(model: Model) -> None:
    async def ask() -> Predictions:
        gathering = Gathering()
        left, stays = gathering.predict(model, ROWS[0]), gathering.predict(model, ROWS[1])
        left.cancel()
        return await stays

    np.testing.assert_array_equal(asyncio.run(ask()).label, model.predict(ROWS[1]).label)
