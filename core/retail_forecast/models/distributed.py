"""Training on several hosts by the collective of a learner's library, with checkpoints and a watch over the hosts."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retail_forecast.clouds.checkpoint import Checkpoint
from retail_forecast.clouds.hosts import Interrupted, Number, Progress, gather
from retail_forecast.clouds.watch import Watch, follow, lead, tell
from retail_forecast.domain.errors import PlaceError
from retail_forecast.models.learners import AnyLearner, VectorLearner
from retail_forecast.models.meeting import Collective, Meeting

__all__ = ["Team", "collective_of", "joined"]

_LOG = logging.getLogger(__name__)


def collective_of(learner: AnyLearner) -> Collective:
    """The collective over which `learner` trains on several hosts.

    Raises
    ------
    UsageError : the learner's library is not installed
    """
    if isinstance(learner, VectorLearner):
        if missing := learner.missing():
            raise missing
        from retail_forecast.models.gloo import Gloo

        return Gloo()
    from retail_forecast.models.rabit import Rabit

    return Rabit()


class Team:
    """The hosts of a job as `Hosts`; made by `joined`.

    Parameters
    ----------
    rank, size : this host's number, and how many there are
    collective : sums over the hosts; None for a single one
    stop : whether this host was asked to stop
    checkpoint : of the job; the first rank's counts
    every : steps between two checkpoints
    """

    def __init__(
        self,
        rank: int,
        size: int,
        collective: Collective | None,
        stop: Callable[[], bool],
        checkpoint: Checkpoint,
        every: int,
    ) -> None:
        self.rank = rank
        self.size = size
        self._collective = collective
        self._stop = stop
        self._checkpoint = checkpoint
        self._every = every
        self._steps = 0
        (self._kept, *_) = gather(self, (checkpoint.read() or b"") if rank == 0 else b"")
        if self._kept:
            _LOG.info("going on from the checkpoint")

    def total(self, values: NDArray[Number], progress: Progress | None = None) -> NDArray[Number]:
        """Sum over the hosts; each sum carries the wish to stop, so that all hosts stop at the same one."""
        summed = np.append(values.ravel(), values.dtype.type(self._stop()))
        if self._collective is not None:
            summed = self._collective.total(summed)
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


@contextmanager
def joined(
    meeting: Meeting,
    learner: AnyLearner,
    stop: Callable[[], bool],
    checkpoint: Checkpoint,
    every: int,
    lost: Callable[[str], None],
) -> Iterator[Team]:
    """The hosts of `meeting` as one team that trains `learner`, while the block lasts.

    Parameters
    ----------
    stop, checkpoint, every : as in `Team`
    lost : called with the name of a host that was lost, in another thread; it must end the process, for training may
        wait for that host without an end

    Raises
    ------
    UsageError : the learner's library is not installed
    PlaceError : the hosts did not find each other, or one was lost
    """
    if len(meeting.hosts) == 1:
        yield Team(0, 1, None, stop, checkpoint, every)
        return

    collective = collective_of(learner)
    watch, place = _met(meeting, collective, lost)
    together = False
    try:
        collective.join(meeting, place)
        try:
            yield Team(meeting.rank, len(meeting.hosts), collective, stop, checkpoint, every)
            together = True
        except Interrupted:
            together = True
            raise
        finally:
            if together:
                collective.leave(meeting)
    except collective.failure as error:
        if (reason := collective.reason(error)) is None:
            raise
        raise _apart(meeting, reason) from error
    finally:
        watch.close(goodbye=together)


def _apart(meeting: Meeting, reason: str) -> PlaceError:
    return PlaceError(
        f"training on {len(meeting.hosts)} hosts failed, probably for a lost host: {reason}",
        where=meeting.current,
        mend="start the job again: it goes on from its checkpoint",
    )


def _met(meeting: Meeting, collective: Collective, lost: Callable[[str], None]) -> tuple[Watch, dict[str, Any]]:
    """The watch, under way, and where the hosts meet."""
    address = (meeting.leader, meeting.port)
    if meeting.current == meeting.leader:
        connections = lead(address, meeting.hosts[1:], meeting.join_s)
        place = collective.open(meeting)
        tell(connections, place)
    else:
        connection, place = follow(address, meeting.current, meeting.join_s)
        connections = {meeting.leader: connection}
    watch = Watch(connections, meeting.patience_s, lost)
    watch.start()
    return watch, place
