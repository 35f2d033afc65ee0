"""Training on several hosts by the collective of XGBoost, with checkpoints and a watch over the hosts.

The tracker, by which the hosts of a collective find each other, runs on the first host. XGBoost itself then learns one
model of all hosts' rows (the histograms of the rows are summed), and the sums of the product leanings go the same way.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xgboost import collective
from xgboost.core import XGBoostError
from xgboost.tracker import RabitTracker

from retail_forecast.clouds.checkpoint import Checkpoint
from retail_forecast.clouds.hosts import Interrupted, Number, Progress, gather
from retail_forecast.clouds.watch import Watch, follow, lead, tell
from retail_forecast.domain.errors import PlaceError

__all__ = ["Meeting", "Team", "joined"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Meeting:
    """How the hosts of a job find each other.

    Attributes
    ----------
    hosts : name or address of each host; the first one leads
    current : this host, one of them
    rank : number of this host's share of the rows
    port : on the first host
    join_s : how long to wait until all have come [s]
    patience_s : the longest that a host may stay silent [s]
    """

    hosts: Sequence[str]
    current: str
    rank: int
    port: int
    join_s: float
    patience_s: float


class Team:
    """The hosts of a job as `Hosts`; made by `joined`.

    Parameters
    ----------
    rank, size : this host's number, and how many there are
    stop : whether this host was asked to stop
    checkpoint : of the job; the first rank's counts
    every : steps between two checkpoints
    """

    def __init__(self, rank: int, size: int, stop: Callable[[], bool], checkpoint: Checkpoint, every: int) -> None:
        self.rank = rank
        self.size = size
        self._stop = stop
        self._checkpoint = checkpoint
        self._every = every
        self._steps = 0
        (self._kept, *_) = gather(self, (checkpoint.read() or b"") if rank == 0 else b"")
        if self._kept:
            _LOG.info("going on from the checkpoint")

    def total(self, values: NDArray[Number], progress: Progress | None = None) -> NDArray[Number]:
        """Sum over the hosts; each sum carries the wish to stop, so that all hosts stop at the same one."""
        summed = self._sum(np.append(values.ravel(), values.dtype.type(self._stop())))
        if summed[-1]:
            if progress is not None:
                self._keep(progress)
            raise Interrupted("stopped on request", mend="start the job again: it goes on from its checkpoint")
        return summed[:-1].reshape(values.shape)

    def kept(self) -> bytes | None:
        """What the first rank's checkpoint held when the job started."""
        return self._kept or None

    def reached(self, progress: Progress) -> None:
        """Keep progress every few steps, and when the job is to stop."""
        self._steps += 1
        self.total(np.zeros(0, np.int64), progress)
        if self._steps % self._every == 0:
            self._keep(progress)

    def _keep(self, progress: Progress) -> None:
        if self.rank == 0:
            self._checkpoint.write(progress())
            _LOG.info("kept after %d steps", self._steps)

    def _sum(self, values: NDArray[Number]) -> NDArray[Number]:
        if self.size == 1:
            return values

        summed: NDArray[Number] = collective.allreduce(values, collective.Op.SUM)
        return summed


@contextmanager
def joined(
    meeting: Meeting, stop: Callable[[], bool], checkpoint: Checkpoint, every: int, lost: Callable[[str], None]
) -> Iterator[Team]:
    """The hosts of `meeting` as one team, while the block lasts.

    Parameters
    ----------
    stop, checkpoint, every : as in `Team`
    lost : called with the name of a host that was lost, in another thread; it must end the process, for training may
        wait for that host without an end

    Raises
    ------
    PlaceError : the hosts did not find each other, or one was lost
    """
    if len(meeting.hosts) == 1:
        yield Team(0, 1, stop, checkpoint, every)
        return

    watch, place, tracker = _met(meeting, lost)
    together = False
    try:
        collective.init(**place, dmlc_task_id=f"{meeting.rank:05d}", dmlc_timeout=round(meeting.join_s))
        try:
            yield Team(meeting.rank, len(meeting.hosts), stop, checkpoint, every)
            together = True
        except Interrupted:
            together = True
            raise
        finally:
            if together:
                _leave(tracker, meeting.join_s)
    except XGBoostError as error:
        raise PlaceError(
            f"training on {len(meeting.hosts)} hosts failed, probably for a lost host: {_reason(error)}",
            where=meeting.current,
            mend="start the job again: it goes on from its checkpoint",
        ) from error
    finally:
        watch.close(goodbye=together)


def _leave(tracker: RabitTracker | None, join_s: float) -> None:
    """Leave the collective; the first host stays until all have left, for they tell its tracker."""
    collective.finalize()
    if tracker is not None:
        tracker.wait_for(round(join_s))


def _reason(error: XGBoostError) -> str:
    """The last cause that the library names, without its trace."""
    causes = [line for line in str(error).partition("Stack trace")[0].splitlines() if line.startswith("- ")]
    return causes[-1].removeprefix("- ") if causes else str(error)


def _met(meeting: Meeting, lost: Callable[[str], None]) -> tuple[Watch, dict[str, Any], RabitTracker | None]:
    """The watch, under way; what the collective needs to meet; the tracker of the first host, which must live on."""
    address, leader = (meeting.hosts[0], meeting.port), meeting.hosts[0]
    if meeting.current == leader:
        connections = lead(address, meeting.hosts[1:], meeting.join_s)
        tracker = RabitTracker(len(meeting.hosts), leader, sortby="task", timeout=round(meeting.join_s))
        tracker.start()
        place = tracker.worker_args()
        tell(connections, place)
    else:
        connection, place = follow(address, meeting.current, meeting.join_s)
        connections, tracker = {leader: connection}, None
    watch = Watch(connections, meeting.patience_s, lost)
    watch.start()
    return watch, place, tracker
