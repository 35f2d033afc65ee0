"""The network: learned product vectors, their mean over a basket's lines, and one hidden layer (an EmbeddingBag).

A product's vector holds its shares of a few learned kinds of product: the softmax of free weights. A basket is the mean
of its products' vectors beside its totals, so that the hidden layer sees how much of each kind is in it. An L2 penalty
draws the weights of rare products towards equal shares. PyTorch learns both by Adam (Kingma and Ba, 2015, "Adam: a
method for stochastic optimization") with one cycle of the learning rate (Smith and Topin, 2019, "Super-convergence").

The vectors then become the bundle's product table, where groups get the mean of their products, and the rest an ONNX
graph over the kernel's features: nothing of PyTorch is needed to answer.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retail_forecast.clouds.hosts import ALONE, Hosts
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.labels import TIERS
from retail_forecast.features.products import lay_out, occurring, unclassified
from retail_forecast.kernel.features import TOTALS, basket_features
from retail_forecast.kernel.lines import Baskets
from retail_forecast.kernel.products import ProductTable
from retail_forecast.models.examples import Labels, complete
from retail_forecast.models.graphs import network_graph

__all__ = ["EMBEDDING", "TORCH", "Lesson", "fit_embedding", "missing_torch"]

TORCH = "torch==2.13.0"
"""The version that the figures were measured with, as pip takes it."""

EMBEDDING: dict[str, Any] = {
    "kinds": 12,
    "hidden": 32,
    "epochs": 10,
    "least_steps": 1000,
    "batch": 512,
    "rate": 0.01,
    "vector_rate": 0.1,
    "penalty": 0.3,
}

_SPREAD = 0.5


@dataclass(frozen=True, slots=True)
class Lesson:
    """What the network learns from: n baskets with m lines of p products.

    Attributes
    ----------
    products : int64 array of shape (m,), product of each line; p where none is given
    offsets : int64 array of shape (n + 1,), as in `Baskets`
    beside : float32 array of shape (n, b), features beside the mean vector
    label : int64 array of shape (n,), positions in TIERS
    known : p
    """

    products: NDArray[np.int64]
    offsets: NDArray[np.int64]
    beside: NDArray[np.float32]
    label: NDArray[np.int64]
    known: int

    def batches(self, size: int, count: int, rng: np.random.Generator) -> "Iterator[Lesson]":
        """All baskets in random order as `count` batches of `size`; those beyond the last basket are empty."""
        order = rng.permutation(len(self.label))
        counts = np.diff(self.offsets)[order]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        lines = np.repeat(self.offsets[:-1][order] - offsets[:-1], counts) + np.arange(offsets[-1])
        products, beside, label = self.products[lines], self.beside[order], self.label[order]
        for first in range(0, count * size, size):
            part = slice(min(first, len(order)), first + size)
            bounds = offsets[part.start : first + size + 1]
            yield Lesson(products[bounds[0] : bounds[-1]], bounds - bounds[0], beside[part], label[part], self.known)


def fit_embedding(
    baskets: Baskets, label: Labels, settings: Mapping[str, Any], seed: int, hosts: Hosts = ALONE
) -> tuple[bytes, ProductTable]:
    """The head as ONNX bytes, and the vectors as a product table; on one thread, so that the seed decides every bit.

    Parameters
    ----------
    baskets, label : n baskets and their labels, positions in LABELS; XX baskets teach which products are XX only
    hosts : those that hold the baskets, of which `baskets` is this host's share

    Raises
    ------
    UsageError : PyTorch is not installed, or a whole tier is missing
    """
    if missing := missing_torch():
        raise missing
    codes = occurring(baskets, hosts)
    rows = baskets.prod_code.lookup({code: row for row, code in enumerate(codes)})
    xx = unclassified(baskets, label, rows, len(codes), hosts)[:, None].astype(np.float64)
    tiers = np.flatnonzero(label < len(TIERS))
    seen, truth = baskets.take(tiers), complete(label[tiers], hosts).astype(np.int64)
    beside = basket_features(seen, lay_out(baskets, codes, xx, ("is_xx",), hosts))
    squash = _squash(beside, hosts)
    products = seen.prod_code.lookup({code: row for row, code in enumerate(codes)}).astype(np.int64)
    products[products < 0] = len(codes)
    lesson = Lesson(products, seen.offsets, beside / (1 + beside * squash), truth, len(codes))
    with _one_thread():
        vectors, layers = _learned(lesson, settings, seed, hosts)
    columns = (*(f"kind_{number}" for number in range(settings["kinds"])), "is_xx")
    table = lay_out(baskets, codes, np.column_stack([vectors, xx]), columns, hosts)
    return network_graph(np.append(np.zeros(settings["kinds"], np.float32), squash), layers), table


def _squash(beside: NDArray[np.float32], hosts: Hosts) -> NDArray[np.float32]:
    """One over the mean for totals, by which x / (1 + k x) brings them between 0 and 1; shares keep k = 0."""
    squash = np.zeros(beside.shape[1], np.float32)
    *sums, count = hosts.total(np.append(beside.sum(axis=0, dtype=np.float64), len(beside)))
    for name in ("lines", "quantity", "spend_gbp"):
        column = TOTALS.index(name) - len(TOTALS)
        squash[column] = 1 / max(sums[column] / count, 1.0)
    return squash


def _learned(
    lesson: Lesson, settings: Mapping[str, Any], seed: int, hosts: Hosts
) -> tuple[NDArray[np.float64], list[NDArray[np.float32]]]:
    """Vectors of the products, shape (p, kinds), and weights and biases of the two layers behind them."""
    from retail_forecast.models.course import Course
    from retail_forecast.models.network import Network

    vectors, *layers = _drawn(lesson, settings, np.random.default_rng(seed))
    network = Network(vectors, layers)
    baskets = _counts(len(lesson.label), hosts)
    share = -(-settings["batch"] // hosts.size)
    batches = -(-int(baskets.max()) // share)
    epochs = max(settings["epochs"], -(-settings["least_steps"] // batches))
    decay = settings["penalty"] / (2 * int(baskets.sum()))
    course = Course(network, (settings["vector_rate"], settings["rate"]), epochs * batches, decay, hosts)
    for epoch in range(course.step // batches, epochs):
        rng = np.random.default_rng([seed, epoch, hosts.rank])
        for number, batch in islice(enumerate(lesson.batches(share, batches, rng)), course.step % batches, None):
            course.advance(batch, int(np.clip(baskets - number * share, 0, share).sum()))
    return network.shares()[: lesson.known], [layer.detach().numpy() for layer in network.layers()]


def _counts(own: int, hosts: Hosts) -> NDArray[np.int64]:
    """Baskets of each host, int64 of shape (hosts,)."""
    counts = np.zeros(hosts.size, np.int64)
    counts[hosts.rank] = own
    return hosts.total(counts)


def _drawn(lesson: Lesson, settings: Mapping[str, Any], rng: np.random.Generator) -> list[NDArray[np.float32]]:
    """The weights to begin with: of the vectors, then weights and biases of the two layers.

    The share of unknown products gets none, and keeps none: it is 0 in every basket that is learned from.
    """
    kinds, hidden, inputs = settings["kinds"], settings["hidden"], settings["kinds"] + lesson.beside.shape[1]
    inner, inner_bias = rng.uniform(-1, 1, (inputs, hidden)), rng.uniform(-1, 1, hidden)
    outer, outer_bias = rng.uniform(-1, 1, (hidden, len(TIERS))), rng.uniform(-1, 1, len(TIERS))
    inner[TOTALS.index("unknown_share") - len(TOTALS)] = 0
    parts = [rng.normal(0, _SPREAD, (lesson.known + 1, kinds))]
    parts += [part / np.sqrt(inputs) for part in (inner, inner_bias)]
    parts += [part / np.sqrt(hidden) for part in (outer, outer_bias)]
    return [part.astype(np.float32) for part in parts]


def missing_torch() -> UsageError | None:
    """What to say while PyTorch is not installed; None when it is."""
    if find_spec("torch") is not None:
        return None
    return UsageError(
        "the model embedding is trained by PyTorch, which is not installed",
        where="--model embedding",
        mend=f"pip install {TORCH}",
    )


@contextmanager
def _one_thread() -> Iterator[None]:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
