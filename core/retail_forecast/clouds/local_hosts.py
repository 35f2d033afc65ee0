"""The hosts of a training job as processes of this machine: each finds the training contract laid out in a folder of
its own, as it would in a container."""

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from retail_forecast.clouds.container import ROOT_VARIABLE, Container, Resources
from retail_forecast.clouds.hosts import Interrupted
from retail_forecast.domain.errors import PlaceError, RetailForecastError

__all__ = ["LocalHosts", "Log", "free_port", "lay_out_hosts", "silent"]

_GRACE_S = 120.0
"""Between SIGTERM and SIGKILL, as in the training contract [s]."""

_LOOPBACK = "lo"

Log = Callable[[str], None]
"""Is told one line."""


def silent(line: str) -> None:
    """Tells nobody."""


def lay_out_hosts(folder: Path, parts: Sequence[Path], hyperparameters: Mapping[str, str]) -> list[Container]:
    """The contract for one host a part, in a folder of each host under `folder`.

    The hosts are loopback addresses of this machine. What lies in a host's checkpoints already is kept.
    """
    hosts = tuple(f"127.0.0.{number}" for number in range(1, len(parts) + 1))
    given = {"port": str(free_port(hosts[0])), **hyperparameters}
    containers = [Container(folder / f"host-{number}") for number in range(1, len(parts) + 1)]
    for container, host, part in zip(containers, hosts, parts, strict=True):
        container.lay_out(given, Resources(host, hosts, _LOOPBACK), ["gold"])
        part.replace(container.channel("gold") / part.name)
    return containers


class LocalHosts:
    """A process for each container; ends with the block.

    Parameters
    ----------
    containers : laid out already, by rank
    threads : of each host
    log : is told each line that a host writes, in threads of their own
    """

    def __init__(self, containers: Sequence[Container], threads: int, log: Log) -> None:
        self._containers = containers
        self._environment = os.environ | {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
        self._log = log
        self._ended: queue.Queue[int] = queue.Queue()
        self._followers: list[threading.Thread] = []
        self.processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> "LocalHosts":
        for number, container in enumerate(self._containers):
            process = subprocess.Popen(
                [sys.executable, "-m", "retail_forecast.pipeline.container", "train"],
                env=self._environment | {ROOT_VARIABLE: str(container.root)},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
            self.processes.append(process)
            self._followers.append(threading.Thread(target=self._follow, args=(number, process), daemon=True))
            self._followers[-1].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop(_GRACE_S)
        for follower in self._followers:
            follower.join()

    def wait(self) -> None:
        """Wait until every host is done; as soon as one is not well, the others are stopped.

        Raises
        ------
        Interrupted : the hosts were asked to stop, and kept what they had reached
        PlaceError : a host failed or was lost; says why in the host's own words
        """
        for _ in self.processes:
            number = self._ended.get()
            code = self.processes[number].returncode
            if code:
                self._stop(_GRACE_S)
                raise self._ill(number, code)

    def _ill(self, number: int, code: int) -> RetailForecastError:
        codes = [process.returncode for process in self.processes]
        if Interrupted.exit_code in codes and all(code in (0, Interrupted.exit_code) for code in codes):
            return Interrupted("stopped on request", mend="repeat the command: it goes on from the checkpoint")
        told = [c.failure.read_text("utf-8") for c in self._containers if c.failure.exists()]
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"failed with exit code {code}"
        return PlaceError(
            f"host {number + 1} of {len(codes)} {how}" + "".join(f"; {text}" for text in dict.fromkeys(told)),
            where=str(self._containers[number].root),
            mend="repeat the command once the cause is mended: it goes on from the checkpoint",
        )

    def _follow(self, number: int, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        with process.stdout as written:
            for line in written:
                self._log(f"host {number + 1}: {line.rstrip()}")
        process.wait()
        self._ended.put(number)

    def _stop(self, grace_s: float) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            try:
                process.wait(grace_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port(host: str) -> int:
    """A port of `host` that nobody listens on."""
    with socket.create_server((host, 0)) as listener:
        return int(listener.getsockname()[1])
