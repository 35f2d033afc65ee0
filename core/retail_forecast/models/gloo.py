"""The process group of PyTorch over gloo, in which a network is trained by DistributedDataParallel. Needs PyTorch to be
imported."""

import os
import socket
from datetime import timedelta
from typing import Any

import torch
from numpy.typing import NDArray
from torch import distributed

from retail_forecast.clouds.hosts import Number
from retail_forecast.models.meeting import Meeting

__all__ = ["Gloo"]

_INTERFACE = "GLOO_SOCKET_IFNAME"
"""Environment variable by which gloo is told the network interface; it takes it in no other way."""

_STORE = "port"

_LIBUV = False
"""Where libuv has closed its io_uring, Linux interrupts reads of the thread that opened it some milliseconds later,
without a signal: a learner that meets next in the same process, such as XGBoost, would take that for a lost host."""


class Gloo:
    """PyTorch's `meeting.Collective`."""

    failure: type[Exception] = RuntimeError

    def __init__(self) -> None:
        self._store: distributed.TCPStore | None = None

    def open(self, meeting: Meeting) -> dict[str, Any]:
        """Listen for the others on a free port of the first host, and on no other address."""
        listener = socket.create_server((meeting.leader, 0))
        port = int(listener.getsockname()[1])
        self._store = distributed.TCPStore(
            meeting.leader,
            port,
            is_master=True,
            timeout=timedelta(seconds=meeting.join_s),
            wait_for_workers=False,
            master_listen_fd=listener.detach(),
            use_libuv=_LIBUV,
        )
        return {_STORE: port}

    def join(self, meeting: Meeting, place: dict[str, Any]) -> None:
        """Come to the first host; a sum that takes longer than `join_s` fails."""
        if meeting.interface:
            os.environ[_INTERFACE] = meeting.interface
        wait = timedelta(seconds=meeting.join_s)
        store = self._store or distributed.TCPStore(
            meeting.leader, place[_STORE], is_master=False, timeout=wait, use_libuv=_LIBUV
        )
        distributed.init_process_group(
            "gloo", store=store, rank=meeting.rank, world_size=len(meeting.hosts), timeout=wait
        )

    def total(self, values: NDArray[Number]) -> NDArray[Number]:
        """The sum over the hosts."""
        summed = torch.from_numpy(values.copy())
        distributed.all_reduce(summed)
        array: NDArray[Number] = summed.numpy()
        return array

    def leave(self, meeting: Meeting) -> None:  # noqa: ARG002 - the protocol's signature
        """Close the connections: after the last sum no host waits for another."""
        distributed.destroy_process_group()

    def reason(self, error: Exception) -> str | None:
        """What gloo says, without the place in its source; it raises plain RuntimeError, as much of PyTorch does."""
        text = str(error)
        if isinstance(error, distributed.DistError) or "/gloo/" in text:
            return text.rpartition("] ")[2]
        return None
