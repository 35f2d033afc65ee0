"""The collective of XGBoost: a tracker on the first host, by which the hosts find each other. Needs XGBoost to be
imported."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from numpy.typing import NDArray
from xgboost import collective
from xgboost.core import XGBoostError
from xgboost.tracker import RabitTracker

from retail_forecast.clouds.hosts import Number
from retail_forecast.models.meeting import Meeting

__all__ = ["Rabit"]


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Signals wait until the block ends, and never reach threads that begin in it: XGBoost takes a read that a signal
    interrupts, be it of a child that ended, for a lost host."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Tracker(RabitTracker):
    """A tracker that may be left behind: when hosts were lost, whoever missed them has told so, and what the tracker
    finds wrong at its own end is no news."""

    def __del__(self) -> None:
        with suppress(XGBoostError):
            self.free()


class Rabit:
    """XGBoost's `meeting.Collective`."""

    failure: type[Exception] = XGBoostError

    def __init__(self) -> None:
        self._tracker: _Tracker | None = None

    def open(self, meeting: Meeting) -> dict[str, Any]:
        """Start the tracker, which must live on until all have left."""
        self._tracker = _Tracker(len(meeting.hosts), meeting.leader, sortby="task", timeout=round(meeting.join_s))
        with _undisturbed():
            self._tracker.start()
        place: dict[str, Any] = self._tracker.worker_args()
        return place

    def join(self, meeting: Meeting, place: dict[str, Any]) -> None:
        """Come to the tracker; ranks follow the shares of the rows."""
        with _undisturbed():
            collective.init(**place, dmlc_task_id=f"{meeting.rank:05d}", dmlc_timeout=round(meeting.join_s))

    def total(self, values: NDArray[Number]) -> NDArray[Number]:
        """The sum over the hosts."""
        summed: NDArray[Number] = collective.allreduce(values, collective.Op.SUM)
        return summed

    def leave(self, meeting: Meeting) -> None:
        """Leave the collective; the first host stays until all have left, for they tell its tracker."""
        with _undisturbed():
            collective.finalize()
        if self._tracker is not None:
            self._tracker.wait_for(round(meeting.join_s))

    def reason(self, error: Exception) -> str:
        """The last cause that the library names, without its trace."""
        causes = [line for line in str(error).partition("Stack trace")[0].splitlines() if line.startswith("- ")]
        return causes[-1].removeprefix("- ") if causes else str(error)
