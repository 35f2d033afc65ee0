"""The course of a network's training: steps that several hosts take together, and that a later start can take up. Needs
PyTorch to be imported.

Every host computes the slope on its share of a batch; the sum over the hosts moves them all by the same step, as in
synchronous data-parallel training (Chen et al., 2016, "Revisiting distributed synchronous SGD").
"""

import io
from collections.abc import Sequence

import numpy as np
import torch

from retail_forecast.clouds.hosts import Hosts

__all__ = ["Course"]

_STEPS = 100
"""Steps between two times that the hosts are told of progress."""


class Course:
    """Parameters on their way.

    Parameters
    ----------
    parameters : of the network, float32 leaves
    optimizer, cycle : over these parameters
    """

    def __init__(
        self,
        parameters: Sequence[torch.Tensor],
        optimizer: torch.optim.Optimizer,
        cycle: torch.optim.lr_scheduler.LRScheduler,
    ) -> None:
        self._parameters = parameters
        self._optimizer = optimizer
        self._cycle = cycle
        self.step = 0

    def advance(self, loss: torch.Tensor, hosts: Hosts) -> None:
        """Take one step along the slope of the sum of the hosts' losses.

        Raises
        ------
        Interrupted : a host was asked to stop; what came before this step is kept
        """
        self._optimizer.zero_grad()
        loss.backward()
        if hosts.size > 1:
            self._sum_slopes(hosts)
        self._optimizer.step()
        self._cycle.step()
        self.step += 1
        if self.step % _STEPS == 0:
            hosts.reached(self.progress)

    def progress(self) -> bytes:
        """What it takes to go on from here."""
        state = {
            "step": self.step,
            "parameters": [parameter.detach() for parameter in self._parameters],
            "optimizer": self._optimizer.state_dict(),
            "cycle": self._cycle.state_dict(),
        }
        kept = io.BytesIO()
        torch.save(state, kept)
        return kept.getvalue()

    def resume(self, kept: bytes | None) -> None:
        """Go on from `kept` progress; from the beginning, when there is none."""
        if kept is None:
            return
        state = torch.load(io.BytesIO(kept), weights_only=True)
        with torch.no_grad():
            for parameter, value in zip(self._parameters, state["parameters"], strict=True):
                parameter.copy_(value)
        self._optimizer.load_state_dict(state["optimizer"])
        self._cycle.load_state_dict(state["cycle"])
        self.step = state["step"]

    def _sum_slopes(self, hosts: Hosts) -> None:
        slopes = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        flat = torch.cat([slope.ravel() for slope in slopes]).numpy().astype(np.float64)
        summed = torch.from_numpy(hosts.total(flat, self.progress).astype(np.float32))
        for slope, part in zip(slopes, summed.split([slope.numel() for slope in slopes]), strict=True):
            slope.copy_(part.view_as(slope))
