"""Product leanings: which way each product pulls a basket, learned from labelled baskets.

A basket's label follows the balance of its lines, so the leanings are the weights of a multinomial logistic regression
on the mean of the lines' one-hot product codes (softmax(mean(W[products]) + b)), with an L2 penalty that keeps rare
products near the average. Gradients of rare products are small, so the problem is solved in coordinates scaled by the
square root of each product's expected curvature (Jacobi preconditioning); 40 L-BFGS steps then do what several hundred
do without.

A model must be trained on features whose leanings never saw the row's own label: `out_of_fold_features` learns them
without the row's fold.

Where several hosts hold a share of the baskets each (`clouds.hosts`), all of them solve the same problem: the loss, its
slope and every count are sums over the hosts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, diags

from retail_forecast.clouds.hosts import ALONE, Hosts
from retail_forecast.domain.labels import TIERS
from retail_forecast.features.prices import lay_out_by_price
from retail_forecast.features.products import lay_out, occurring, unclassified
from retail_forecast.kernel.features import basket_features
from retail_forecast.kernel.lines import Baskets
from retail_forecast.kernel.prices import by_price_key
from retail_forecast.kernel.products import VALUES, ProductTable

__all__ = ["Leanings", "learn_leanings", "learn_table", "out_of_fold_features"]

_STEPS = 40
_CURVATURE = 0.2
"""Typical p (1 - p) of a softmax output near the class shares; only the scale of the coordinates depends on it."""


@dataclass(frozen=True, slots=True)
class Leanings:
    """Weights of the regression.

    Attributes
    ----------
    codes : the p products that occur in the training baskets, sorted
    weights : float64 array of shape (p, 3), columns in the order of TIERS
    intercept : float64 array of shape (3,)
    unclassified : bool array of shape (p,), products of class XX
    """

    codes: tuple[str, ...]
    weights: NDArray[np.float64]
    intercept: NDArray[np.float64]
    unclassified: NDArray[np.bool_]


def learn_table(
    baskets: Baskets, label: NDArray[np.int8], penalty: float, *, coarse: bool = False, hosts: Hosts = ALONE
) -> ProductTable:
    """Learn leanings and lay them out as the kernel's table, with fall-backs for products and groups never seen.

    Parameters
    ----------
    baskets, label : n training baskets and their labels, positions in LABELS
    penalty : L2 penalty on the weights, in units of baskets
    coarse : for baskets seen `by_price_key` (`features.prices`)
    hosts : those that hold the baskets, of which `baskets` is this host's share
    """
    leanings = learn_leanings(baskets, label, penalty, hosts)
    if coarse:
        return lay_out_by_price(baskets, leanings.codes, _values(leanings), hosts)
    return lay_out(baskets, leanings.codes, _values(leanings), VALUES, hosts)


def learn_leanings(baskets: Baskets, label: NDArray[np.int8], penalty: float, hosts: Hosts = ALONE) -> Leanings:
    """Fit the regression on the baskets that lie on the scale (LA, MM, UM); XX baskets only tell which products are
    XX."""
    codes = occurring(baskets, hosts)
    rows = baskets.prod_code.lookup({code: row for row, code in enumerate(codes)})
    counts = baskets.line_counts
    share = 1 / np.repeat(counts, counts).astype(np.float32)
    matrix = csr_matrix(
        (share[rows >= 0], rows[rows >= 0], _offsets_of(rows >= 0, baskets.offsets)), shape=(len(baskets), len(codes))
    )
    scaled = label < len(TIERS)
    weights, intercept = _fit_softmax(matrix[scaled], label[scaled], penalty, hosts)
    return Leanings(codes, weights, intercept, unclassified(baskets, label, rows, len(codes), hosts))


def out_of_fold_features(
    baskets: Baskets,
    label: NDArray[np.int8],
    penalty: float,
    folds: int,
    rng: np.random.Generator,
    *,
    coarse: bool = False,
    hosts: Hosts = ALONE,
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
    """Features of the training baskets, each from a table that was learned without the basket's fold; the folds are the
    same on however many hosts the baskets lie.

    Yields
    ------
    rows, features : positions of one fold's baskets, and their features, float32 of shape (len(rows), f), in the order
        of BASKET_FEATURES, or of COARSE_FEATURES
    """
    count = int(hosts.total(np.array([len(baskets)], np.int64))[0])
    fold = rng.permutation(np.arange(count) % folds)[hosts.rank :: hosts.size]
    for number in range(folds):
        inside, outside = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        table = learn_table(baskets.take(outside), label[outside], penalty, coarse=coarse, hosts=hosts)
        held_out = baskets.take(inside)
        yield inside, basket_features(by_price_key(held_out, table.products) if coarse else held_out, table)


def _fit_softmax(
    matrix: csr_matrix, label: NDArray[np.int8], penalty: float, hosts: Hosts
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Minimise the penalised negative log-likelihood; returns weights (p, 3) and intercept (3,), each centred over the
    classes."""
    p, k = matrix.shape[1], len(TIERS)
    squares = np.asarray(matrix.multiply(matrix).sum(axis=0), np.float64).ravel()
    *curvature, n = hosts.total(np.append(squares, matrix.shape[0]))
    scale = 1 / np.sqrt(_CURVATURE * np.array(curvature) + penalty)
    scale_b = 1 / np.sqrt(_CURVATURE * max(n, 1))
    forward = (matrix @ diags(scale.astype(np.float32))).tocsr()
    backward = forward.T.tocsr()
    ridge = penalty * (scale**2)[:, None]
    truth = np.eye(k, dtype=np.float32)[label]

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        v, b = point[: p * k].reshape(p, k), point[p * k :] * scale_b
        logits = forward @ v.astype(np.float32) + b.astype(np.float32)
        # Column by column: NumPy reduces rows of three an order of magnitude slower.
        logits -= reduce(np.maximum, logits.T)[:, None]
        exponents = np.exp(logits)
        sums = reduce(np.add, exponents.T)[:, None]
        value = np.log(sums).sum(dtype=np.float64) - (logits * truth).sum(dtype=np.float64)
        error = exponents / sums - truth
        slopes = (backward @ error).ravel(), [column.sum(dtype=np.float64) for column in error.T]
        summed = hosts.total(np.concatenate([[value], *slopes]).astype(np.float64))
        slope = summed[1 : p * k + 1].reshape(p, k) + ridge * v
        penalised = float(summed[0]) + float((ridge * v**2).sum()) / 2
        return penalised, np.concatenate([slope.ravel(), summed[p * k + 1 :] * scale_b])

    found = minimize(
        loss,
        np.zeros((p + 1) * k),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": _STEPS, "maxcor": 20, "ftol": 1e-10},
    )
    weights, intercept = found.x[: p * k].reshape(p, k) * scale[:, None], found.x[p * k :] * scale_b
    return weights - weights.mean(axis=1, keepdims=True), intercept - intercept.mean()


def _values(leanings: Leanings) -> NDArray[np.float64]:
    """Columns VALUES of each product, float64 of shape (p, len(VALUES)), not yet quantised."""
    w = leanings.weights
    lean = np.stack([w[:, 0] - w[:, 1], w[:, 2] - w[:, 1]], axis=1)
    logits = w + leanings.intercept
    alone = np.exp(logits - logits.max(axis=1, keepdims=True))
    alone /= alone.sum(axis=1, keepdims=True)
    likeliest = np.eye(len(TIERS))[alone.argmax(axis=1)] * ~leanings.unclassified[:, None]
    columns = np.concatenate(
        [lean, np.tanh(lean / 2), lean**2, alone, likeliest, leanings.unclassified[:, None]], axis=1
    )
    assert columns.shape[1] == len(VALUES)  # noqa: S101 - the kernel reads columns by position
    return columns


def _offsets_of(kept: NDArray[np.bool_], offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    """Offsets of the baskets after dropping the lines that are not kept."""
    running = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept, dtype=np.int64)])
    kept_offsets: NDArray[np.int64] = running[offsets]
    return kept_offsets
