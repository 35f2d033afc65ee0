"""The network itself, as PyTorch trains it. Needs PyTorch to be imported."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

if TYPE_CHECKING:
    from retail_forecast.models.embedding import Lesson

__all__ = ["Network"]


class Network(torch.nn.Module):  # type: ignore[misc]  # PyTorch is an extra, looked at without its types
    """Mean of the products' kinds, beside the totals, into one hidden layer.

    Parameters
    ----------
    vectors : float32 array of shape (p + 1, kinds), free weights of the products; the last row is of those without one
    layers : weights and biases of the hidden layer, then of the last: float32 arrays of shape (kinds + b, hidden),
        (hidden,), (hidden, 3) and (3,)
    """

    def __init__(self, vectors: NDArray[np.float32], layers: Sequence[NDArray[np.float32]]) -> None:
        super().__init__()
        # From the last to the first, as their slopes come back: so several hosts sum them in one order from the first
        # step on, also after an interruption.
        parts = (*reversed(layers), vectors)
        self.outer_bias, self.outer, self.inner_bias, self.inner, self.weights = (
            torch.nn.Parameter(torch.from_numpy(part)) for part in parts
        )

    def forward(self, lesson: "Lesson") -> tuple[torch.Tensor, torch.Tensor]:
        """Cross-entropy, summed over the baskets of the lesson, and the sum of the squares of the vectors' weights."""
        means = torch.nn.functional.embedding_bag(
            torch.from_numpy(lesson.products),
            torch.softmax(self.weights, 1),
            torch.from_numpy(lesson.offsets),
            mode="mean",
            include_last_offset=True,
        )
        inputs = torch.cat([means, torch.from_numpy(lesson.beside)], 1)
        logits = torch.relu(inputs @ self.inner + self.inner_bias) @ self.outer + self.outer_bias
        entropy = torch.nn.functional.cross_entropy(logits, torch.from_numpy(lesson.label), reduction="sum")
        return entropy, self.weights.square().sum()

    def shares(self) -> NDArray[np.float64]:
        """Shares of the kinds of each product, shape (p + 1, kinds)."""
        softmax: NDArray[np.float64] = torch.softmax(self.weights.detach().double(), 1).numpy()
        return softmax

    def layers(self) -> list[torch.nn.Parameter]:
        """Weights and biases of the two layers, in the order in which the network was given them."""
        return [self.inner, self.inner_bias, self.outer, self.outer_bias]
