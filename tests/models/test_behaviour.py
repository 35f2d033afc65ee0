"""Trials of behaviour pass a model that has learned its shop, and fail models that are broken on purpose."""

from collections.abc import Callable

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from retail_forecast.bundle.scorer import Predictions
from retail_forecast.kernel.lines import Baskets
from retail_forecast.models.behaviour import try_behaviour, try_invariance
from retail_forecast.models.findings import Trial
from retail_forecast.models.fitting import Fitted

Shop = tuple[Baskets, NDArray[np.int8]]
Answer = Callable[[Baskets], Predictions]


def _trials(answer: Answer, shop: Shop, model: Fitted) -> dict[str, Trial]:
    rng = np.random.default_rng(5)
    found = (
        *try_invariance(answer, shop[0], rng),
        *try_behaviour(answer, *shop, np.asarray(model.prior), rng),
    )
    return {trial.name: trial for trial in found}


def _answers(probabilities: NDArray[np.float64], like: Predictions) -> Predictions:
    return msgspec.structs.replace(
        like, probabilities=probabilities, label=probabilities.argmax(axis=1).astype(np.int8)
    )


def test_a_model_that_has_learned_its_shop_passes_every_trial(shop: Shop, model: Fitted) -> None:
    trials = _trials(model.bundle().predict, shop, model)
    assert len(trials) == 12
    assert all(trial.passed and trial.cases for trial in trials.values()), trials


def _swapped(answer: Answer) -> Answer:
    """LA and UM changed places, as when the order of sensitivity is read the wrong way round."""
    return lambda baskets: _answers((p := answer(baskets)).probabilities[:, [2, 1, 0, 3]], p)


def _by_first_line(answer: Answer) -> Answer:
    """Looks at the first line only."""

    def broken(baskets: Baskets) -> Predictions:
        rows = np.arange(len(baskets))
        first = np.minimum(baskets.offsets[:-1], max(len(baskets.quantity) - 1, 0))
        return answer(baskets.compose(rows, np.arange(len(baskets) + 1), first))

    return broken


def _by_company(answer: Answer) -> Answer:
    """Scales by the other baskets of the request."""

    def broken(baskets: Baskets) -> Predictions:
        found = answer(baskets)
        mixed = found.probabilities + found.probabilities.mean(axis=0)
        return _answers(mixed / mixed.sum(axis=1, keepdims=True), found)

    return broken


def _constant(answer: Answer) -> Answer:
    return lambda baskets: _answers(np.tile([0.2, 0.6, 0.2, 0.0], (len(baskets), 1)), answer(baskets))


def _sure_of_strangers(answer: Answer) -> Answer:
    """Answers LA where it knows nothing."""

    def broken(baskets: Baskets) -> Predictions:
        found = answer(baskets)
        blind = found.unknown_share[:, None]
        return _answers((1 - blind) * found.probabilities + blind * np.array([1.0, 0, 0, 0]), found)

    return broken


def _deaf_to_strangers(answer: Answer) -> Answer:
    """Leaves unknown lines out, where any line is known."""

    def broken(baskets: Baskets) -> Predictions:
        owner = np.repeat(np.arange(len(baskets)), baskets.line_counts)
        known = baskets.prod_code.index >= 0
        kept = known | (np.bincount(owner[known], minlength=len(baskets)) == 0)[owner]
        offsets = np.concatenate([[0], np.cumsum(np.bincount(owner[kept], minlength=len(baskets)))])
        return answer(baskets.compose(np.arange(len(baskets)), offsets, np.flatnonzero(kept)))

    return broken


def _blind_to_xx(answer: Answer) -> Answer:
    def broken(baskets: Baskets) -> Predictions:
        found = answer(baskets)
        kept = found.probabilities * [1, 1, 1, 0] + [0, 1e-9, 0, 0]
        return _answers(kept / kept.sum(axis=1, keepdims=True), found)

    return broken


@pytest.mark.parametrize(
    ("broken", "failing"),
    [
        (_swapped, {"a basket of LA products is LA", "a line of UM moves a basket towards UM"}),
        (_by_first_line, {"the order of lines changes nothing"}),
        (_by_company, {"a basket alone is answered as among others"}),
        (_constant, {"a basket of UM products is UM", "a line of LA moves a basket towards LA"}),
        (_sure_of_strangers, {"a basket of unknown products alone gets the prior"}),
        (_deaf_to_strangers, {"unknown products move a basket of LA products towards the prior"}),
        (_blind_to_xx, {"a basket of XX products is XX"}),
    ],
)
def test_a_broken_model_fails(shop: Shop, model: Fitted, broken: Callable[[Answer], Answer], failing: set[str]) -> None:
    trials = _trials(broken(model.bundle().predict), shop, model)
    assert failing <= {name for name, trial in trials.items() if not trial.passed}


def test_what_cannot_be_tried_is_said_and_does_not_fail(shop: Shop, model: Fitted) -> None:
    baskets, label = shop
    several = np.flatnonzero((baskets.line_counts > 1) & (label < 3))
    found = try_behaviour(
        model.bundle().predict, baskets.take(several), label[several], np.asarray(model.prior), np.random.default_rng(5)
    )
    untried = [trial for trial in found if trial.name.startswith("a basket of LA")]
    assert [(trial.cases, trial.passed) for trial in untried] == [(0, True)]
