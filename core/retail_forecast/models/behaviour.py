"""Behaviour of a model: what must hold of its answers whatever its figures are (Ribeiro, Wu, Guestrin and Singh, 2020,
"Beyond Accuracy: Behavioral Testing of NLP Models with CheckList": invariance, direction and minimum function).

Baskets are composed of real lines of training baskets. Products of high evidence are those that training baskets of
that product alone always had with the same label; what they lean to is thus known without asking any model.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from retail_forecast.bundle.scorer import Predictions
from retail_forecast.domain.labels import LABELS, TIERS, Label
from retail_forecast.kernel.lines import LEVELS, Baskets, Codes
from retail_forecast.models.findings import Trial

__all__ = ["CASES", "try_behaviour", "try_invariance"]

CASES = 300
"""Baskets of each trial, at most."""

_EVIDENCE = 3
_BASKETS_OF_LINES = 5
_STRANGERS = 9
_MOST = 0.95
_MOST_MOVEMENT = 0.8
"""Of the sum of all movements, because trees move in steps, and some of them the wrong way."""
_SAME = 1e-6

_XX = LABELS.index(Label.XX)

Answer = Callable[[Baskets], Predictions]


def try_invariance(answer: Answer, baskets: Baskets, rng: np.random.Generator) -> tuple[Trial, ...]:
    """Trials that every model must pass, whatever it looks at: neither the order of the lines nor the other baskets of
    a request move a basket's probabilities.

    Parameters
    ----------
    answer : the model
    baskets : any baskets
    rng : of the sample and the shuffles
    """
    some = baskets.take(rng.permutation(len(baskets))[:CASES])
    basket = np.repeat(np.arange(len(some)), some.line_counts)
    shuffled = some.compose(np.arange(len(some)), some.offsets, np.lexsort((rng.random(len(basket)), basket)))
    whole = answer(some).probabilities
    alone = np.concatenate([answer(some.take(np.array([row]))).probabilities for row in range(len(some))])
    return (
        _trial("the order of lines changes nothing", _same(answer(shuffled).probabilities, whole), 1.0),
        _trial("a basket alone is answered as among others", _same(alone, whole), 1.0),
    )


def try_behaviour(
    answer: Answer, baskets: Baskets, label: NDArray[np.int8], prior: NDArray[np.float64], rng: np.random.Generator
) -> tuple[Trial, ...]:
    """Trials of a model that looks at products; `try_invariance` comes on top.

    Parameters
    ----------
    answer : the model
    baskets, label : training baskets and their labels, positions in LABELS, shape (n,)
    prior : what the model answers when it knows nothing, shape (4,)
    rng : of the composed baskets
    """
    donors = {tier: _lines_of_evidence(baskets, label, LABELS.index(tier)) for tier in LABELS}
    return (
        *_of_one_class(answer, baskets, donors, rng),
        *_one_line_more(answer, baskets, donors, rng),
        *_strangers(answer, baskets, donors, prior, rng),
    )


def _of_one_class(
    answer: Answer, baskets: Baskets, donors: dict[Label, NDArray[np.int64]], rng: np.random.Generator
) -> Iterator[Trial]:
    for number, label in enumerate(LABELS):
        composed = _composed(baskets, donors[label], rng)
        yield _trial(f"a basket of {label} products is {label}", answer(composed).label == number, _MOST)


def _one_line_more(
    answer: Answer, baskets: Baskets, donors: dict[Label, NDArray[np.int64]], rng: np.random.Generator
) -> Iterator[Trial]:
    """Onto real baskets, so that there is room to move in either direction."""
    some = _sample(np.flatnonzero(baskets.line_counts > 0), rng)
    before = answer(baskets.take(some)).probabilities
    ends = np.cumsum(baskets.line_counts[some])
    offsets = np.concatenate([[0], ends + np.arange(1, len(some) + 1)]).astype(np.int64)
    for number, tier in enumerate(TIERS):
        name = f"a line of {tier} moves a basket towards {tier}"
        if len(donors[tier]) == 0:
            yield Trial(name, 0, 1.0, _MOST_MOVEMENT)
            continue
        lines = np.insert(_lines(baskets, some), ends, rng.choice(donors[tier], len(some)))
        moved = (answer(baskets.compose(some, offsets, lines)).probabilities - before)[:, number]
        yield _movement(name, moved)


def _strangers(
    answer: Answer,
    baskets: Baskets,
    donors: dict[Label, NDArray[np.int64]],
    prior: NDArray[np.float64],
    rng: np.random.Generator,
) -> Iterator[Trial]:
    some = baskets.take(_sample(np.arange(len(baskets)), rng))
    alone = answer(_unknown(some, np.ones(len(some.quantity), np.bool_))).probabilities
    yield _trial("a basket of unknown products alone gets the prior", _same(alone, prior), 1.0)
    for tier in (TIERS[0], TIERS[-1]):
        sure = _composed(baskets, donors[tier], rng)
        thinned = _thinned(sure)
        nearer = _distance(answer(sure).probabilities, prior) - _distance(answer(thinned).probabilities, prior)
        yield _movement(f"unknown products move a basket of {tier} products towards the prior", nearer)


def _lines_of_evidence(baskets: Baskets, label: NDArray[np.int8], wanted: int) -> NDArray[np.int64]:
    """A line of each product of high evidence for the label `wanted`."""
    single = np.flatnonzero(baskets.line_counts == 1)
    line = baskets.offsets[single]
    product = baskets.prod_code.index[line]
    seen = np.bincount(product[product >= 0], minlength=len(baskets.prod_code.values))
    agreeing = np.bincount(product[(product >= 0) & (label[single] == wanted)], minlength=len(baskets.prod_code.values))
    sure = (seen >= _EVIDENCE) & (agreeing == seen)
    chosen, first = np.unique(product, return_index=True)
    found: NDArray[np.int64] = line[first[(chosen >= 0) & sure[chosen]]]
    return found


def _composed(baskets: Baskets, donors: NDArray[np.int64], rng: np.random.Generator) -> Baskets:
    """Baskets of donated lines, each of different products where there are enough."""
    size = min(_BASKETS_OF_LINES, len(donors))
    count = CASES if size else 0
    lines = np.concatenate([np.zeros(0, np.int64), *(rng.choice(donors, size, replace=False) for _ in range(count))])
    rows = rng.integers(len(baskets), size=count)
    return baskets.compose(rows, np.arange(count + 1, dtype=np.int64) * size, lines)


def _thinned(baskets: Baskets) -> Baskets:
    """Each line with _STRANGERS lines of unknown products behind it."""
    copies = 1 + _STRANGERS
    lines = np.repeat(np.arange(len(baskets.quantity)), copies)
    thinned = baskets.compose(np.arange(len(baskets)), baskets.offsets * copies, lines)
    return _unknown(thinned, np.arange(len(lines)) % copies > 0)


def _unknown(baskets: Baskets, lines: NDArray[np.bool_]) -> Baskets:
    """The baskets, with nothing known of the products of `lines` (bool of shape (m,))."""
    hidden = {name: _hidden(getattr(baskets, name), lines) for name in LEVELS}
    return replace(
        baskets,
        prod_code=hidden["prod_code"],
        prod_code_10=hidden["prod_code_10"],
        prod_code_20=hidden["prod_code_20"],
        prod_code_30=hidden["prod_code_30"],
    )


def _hidden(codes: Codes, lines: NDArray[np.bool_]) -> Codes:
    return Codes(codes.values, np.where(lines, np.int32(-1), codes.index))


def _sample(rows: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.intp]:
    return np.sort(rng.permutation(rows)[:CASES])


def _lines(baskets: Baskets, rows: NDArray[np.intp]) -> NDArray[np.int64]:
    """Positions of the lines of the baskets at `rows`, in their order."""
    wanted = np.concatenate([np.arange(baskets.offsets[r], baskets.offsets[r + 1]) for r in rows])
    return wanted.astype(np.int64)


def _distance(probabilities: NDArray[np.float64], prior: NDArray[np.float64]) -> NDArray[np.float64]:
    """Total variation, shape (n,)."""
    away: NDArray[np.float64] = np.abs(probabilities - prior).sum(axis=1) / 2
    return away


def _same(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray((np.abs(one - other) <= _SAME).all(axis=1))


def _trial(name: str, held: NDArray[np.bool_], least: float) -> Trial:
    return Trial(name, len(held), float(held.mean()) if len(held) else 1.0, least)


def _movement(name: str, moved: NDArray[np.float64]) -> Trial:
    """A trial by the share of all movement that is positive; a model that nothing moves fails it."""
    right = float(np.maximum(moved, 0).sum() / max(np.abs(moved).sum(), _SAME))
    return Trial(name, len(moved), right if len(moved) else 1.0, _MOST_MOVEMENT)
