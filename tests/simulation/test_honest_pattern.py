"""The pattern of honest evaluation on simulated tills, as in the real data: what flatters, is weak, decides."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score

from retail_forecast.domain.labels import TIERS
from retail_forecast.simulation.spec import TillSpec

Simulated = Callable[[TillSpec, Path], pd.DataFrame]

LABEL = "BASKET_PRICE_SENSITIVITY"
NINE = [
    "BASKET_SIZE",
    "BASKET_TYPE",
    "BASKET_DOMINANT_MISSION",
    "SPEND",
    "QUANTITY",
    "STORE_REGION",
    "STORE_FORMAT",
    "PROD_CODE_20",
    "PROD_CODE_30",
]


@dataclass(frozen=True)
class Score:
    accuracy: float
    macro_f1: float


def _score(actual: NDArray[np.int64], predicted: NDArray[np.int64]) -> Score:
    return Score(accuracy_score(actual, predicted), f1_score(actual, predicted, average="macro"))


def _tiered(lines: pd.DataFrame) -> pd.DataFrame:
    return lines[lines[LABEL] != "XX"].reset_index(drop=True)


def _labels(values: pd.Series) -> NDArray[np.int64]:
    tiers = pd.Index([label.value for label in TIERS])
    return np.asarray(tiers.get_indexer(pd.Index(values)), np.int64)


def _forest(lines: pd.DataFrame, columns: list[str], test: NDArray[np.bool_]) -> Score:
    """A forest on single lines, every code as a number."""
    inputs = pd.DataFrame({c: lines[c] if c == "SPEND" else pd.factorize(lines[c])[0] for c in columns})
    labels = _labels(lines[LABEL])
    model = RandomForestClassifier(30, min_samples_leaf=2, random_state=0, n_jobs=1).fit(inputs[~test], labels[~test])
    return _score(labels[test], model.predict(inputs[test]))


def _linear(lines: pd.DataFrame, key: pd.Series, test_weeks: int) -> Score:
    """Logistic regression on each basket's shares of the values of `key`, tested on the last weeks."""
    basket, ids = pd.factorize(lines["BASKET_ID"])
    value, values = pd.factorize(key)
    share = 1.0 / np.bincount(basket)[basket]
    inputs = sparse.csr_matrix((share, (basket, value)), shape=(len(ids), len(values)))
    heads = lines.drop_duplicates("BASKET_ID")
    labels, test = _labels(heads[LABEL]), _last_weeks(heads, test_weeks)
    model = LogisticRegression(C=100, max_iter=1_000, tol=1e-4).fit(inputs[~test], labels[~test])
    return _score(labels[test], model.predict(inputs[test]))


def _last_weeks(lines: pd.DataFrame, count: int) -> NDArray[np.bool_]:
    weeks = np.sort(lines["SHOP_WEEK"].unique())
    return np.asarray(lines["SHOP_WEEK"] >= weeks[-count], np.bool_)


def _customers(lines: pd.DataFrame, test_weeks: int) -> tuple[Score, Score]:
    """The commonest tier of a customer so far, and always MM, on the customers' baskets of the last weeks."""
    heads = lines.drop_duplicates("BASKET_ID").dropna(subset="CUST_CODE")
    labels, test = _labels(heads[LABEL]), _last_weeks(heads, test_weeks)
    prior = 5 * np.bincount(labels[~test], minlength=3) / np.sum(~test)
    customer, _ = pd.factorize(heads["CUST_CODE"])
    seen = np.tile(prior, (customer.max() + 1, 1))
    np.add.at(seen, (customer[~test], labels[~test]), 1)
    always = np.ones(test.sum(), np.int64)
    return _score(labels[test], seen[customer[test]].argmax(axis=1)), _score(labels[test], always)


def _price_key(lines: pd.DataFrame) -> pd.Series:
    return lines["PROD_CODE_10"] + (100 * lines["SPEND"] / lines["QUANTITY"]).round().astype(int).astype(str)


@pytest.fixture(scope="module")
def tiered(small: pd.DataFrame) -> pd.DataFrame:
    return _tiered(small)


@pytest.fixture(scope="module")
def quarter(tiered: pd.DataFrame) -> pd.DataFrame:
    """The first weeks, for the learners that take their time."""
    return tiered[~_last_weeks(tiered, 10)].reset_index(drop=True)


def _by_row(lines: pd.DataFrame) -> NDArray[np.bool_]:
    return np.random.default_rng(1).random(len(lines)) < 0.25


def _by_basket(lines: pd.DataFrame) -> NDArray[np.bool_]:
    basket, ids = pd.factorize(lines["BASKET_ID"])
    chosen: NDArray[np.bool_] = (np.random.default_rng(1).random(len(ids)) < 0.25)[basket]
    return chosen


def test_nine_columns_are_weak(quarter: pd.DataFrame, record_property: Callable[[str, object], None]) -> None:
    score = _forest(quarter, NINE, _by_basket(quarter))
    record_property("nine", f"{score.accuracy:.3f} / {score.macro_f1:.3f}")
    assert 0.45 < score.accuracy < 0.6
    assert 0.35 < score.macro_f1 < 0.55


def test_a_split_of_rows_flatters(quarter: pd.DataFrame, record_property: Callable[[str, object], None]) -> None:
    columns = [c for c in quarter.columns if c not in (LABEL, "BASKET_ID")]
    flattering, honest = (_forest(quarter, columns, split(quarter)) for split in (_by_row, _by_basket))
    record_property("rows", f"{flattering.accuracy:.3f} / {flattering.macro_f1:.3f}")
    record_property("baskets", f"{honest.accuracy:.3f} / {honest.macro_f1:.3f}")
    assert flattering.accuracy > 0.75
    assert 0.5 < honest.accuracy < 0.65


def test_products_decide(tiered: pd.DataFrame) -> None:
    score = _linear(tiered, tiered["PROD_CODE"], 4)
    assert min(score.accuracy, score.macro_f1) > 0.93


def test_groups_say_little_and_group_with_price_says_much(tiered: pd.DataFrame) -> None:
    groups, prints = _linear(tiered, tiered["PROD_CODE_10"], 4), _linear(tiered, _price_key(tiered), 4)
    assert groups.accuracy < 0.65
    assert prints.accuracy > groups.accuracy + 0.15


def test_customers_say_something(tiered: pd.DataFrame) -> None:
    history, always = _customers(tiered, 4)
    assert always.accuracy + 0.03 < history.accuracy < 0.75
    assert history.macro_f1 > always.macro_f1 + 0.2


@pytest.mark.slow
def test_the_pattern_with_the_defaults(
    simulated: Simulated, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    lines = _tiered(simulated(TillSpec(), tmp_path))
    products, groups = _linear(lines, lines["PROD_CODE"], 10), _linear(lines, lines["PROD_CODE_10"], 10)
    prints = _linear(lines, _price_key(lines), 10)
    history, always = _customers(lines, 10)
    scores = {"products": products, "groups": groups, "prints": prints, "history": history, "always": always}
    for name, score in scores.items():
        record_property(name, f"{score.accuracy:.3f} / {score.macro_f1:.3f}")
    assert min(products.accuracy, products.macro_f1) > 0.95
    assert groups.accuracy < 0.65
    assert 0.85 < prints.accuracy < products.accuracy
    assert always.accuracy + 0.05 < history.accuracy < 0.7


@pytest.mark.slow
def test_products_decide_more_the_more_weeks_there_are(simulated: Simulated, tmp_path: Path) -> None:
    lines = _tiered(simulated(TillSpec(weeks=24, label_noise=0.0), tmp_path))
    weeks = np.sort(lines["SHOP_WEEK"].unique())
    scores = [
        _linear(kept, kept["PROD_CODE"], 4) for kept in (lines[lines["SHOP_WEEK"] >= w] for w in weeks[[0, 10, 18]])
    ]
    assert scores[0].accuracy > scores[1].accuracy > scores[2].accuracy
