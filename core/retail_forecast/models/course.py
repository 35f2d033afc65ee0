"""The course of a network's training: steps that several hosts take together, and that a later start can take up. Needs
PyTorch to be imported.

Every host computes the slope on its share of a batch; DistributedDataParallel (Li et al., 2020, "PyTorch Distributed:
Experiences on accelerating data parallel training") takes the mean over the hosts, which moves them all by one step.
"""

import io
from collections.abc import Mapping
from typing import Any

import torch
from torch.nn.parallel import DistributedDataParallel

from retail_forecast.clouds.hosts import Hosts
from retail_forecast.models.embedding import Lesson
from retail_forecast.models.network import Network

__all__ = ["Course"]

_STEPS = 100
"""Steps between two times that the hosts are told of progress, and ask whether to stop."""


class Course:
    """A network on its way, by Adam with one cycle of the learning rates.

    Parameters
    ----------
    network : moved by the course
    rates : of the vectors, and of the layers behind them
    steps : of the whole course
    decay : penalty on the squares of the vectors' weights
    hosts : those that take the steps together; they have met over PyTorch, when there are several

    Attributes
    ----------
    step : how many are done
    """

    def __init__(self, network: Network, rates: tuple[float, float], steps: int, decay: float, hosts: Hosts) -> None:
        self._network = network
        self._slopes = DistributedDataParallel(network) if hosts.size > 1 else network
        self._decay = decay
        self._hosts = hosts
        groups = ([network.weights], network.layers())
        self._adam = torch.optim.Adam(
            [{"params": group, "lr": rate} for group, rate in zip(groups, rates, strict=True)]
        )
        self._cycle = torch.optim.lr_scheduler.OneCycleLR(self._adam, rates, total_steps=steps)
        self.step = 0
        if kept := hosts.kept():
            self._resume(torch.load(io.BytesIO(kept), weights_only=True))

    def advance(self, lesson: Lesson, baskets: int) -> None:
        """Take one step along the slope on a batch of `baskets`, of which `lesson` is this host's share.

        Raises
        ------
        Interrupted : a host was asked to stop; what was reached is kept
        """
        self._adam.zero_grad()
        entropy, squares = self._slopes(lesson)
        (entropy * (self._hosts.size / baskets) + self._decay * squares).backward()
        self._adam.step()
        self._cycle.step()
        self.step += 1
        if self.step % _STEPS == 0:
            self._hosts.reached(self._progress)

    def _progress(self) -> bytes:
        """What it takes to go on from here."""
        state = {
            "step": self.step,
            "network": self._network.state_dict(),
            "adam": self._adam.state_dict(),
            "cycle": self._cycle.state_dict(),
        }
        kept = io.BytesIO()
        torch.save(state, kept)
        return kept.getvalue()

    def _resume(self, state: Mapping[str, Any]) -> None:
        self._network.load_state_dict(state["network"])
        self._adam.load_state_dict(state["adam"])
        self._cycle.load_state_dict(state["cycle"])
        self.step = state["step"]
