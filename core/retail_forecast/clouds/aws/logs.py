"""Log groups of Amazon CloudWatch Logs: lines into one, and the lines that the hosts of a job write, as they come."""

from collections import deque
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.refusals import Refusal, Refused
from retail_forecast.domain.errors import PlaceError

__all__ = ["JobLog", "put_lines"]

_LAST = 5


class JobLog:
    """What the hosts of a job write: streams of `group` whose names begin with the job's.

    Parameters
    ----------
    group : empty for a job that writes nothing itself
    """

    def __init__(self, account: Account, group: str, job: str) -> None:
        self._account = account
        self._group = group
        self._job = job
        self._read: dict[str, str] = {}
        self._last: deque[tuple[str, str]] = deque(maxlen=_LAST)
        self._told = False

    @property
    def end(self) -> str:
        """The last lines that were read, with their address; empty when there are none."""
        if not self._last:
            return ""
        return f"{self._group}/{self._last[-1][0]} ends with " + " | ".join(line for _, line in self._last)

    def news(self) -> list[str]:
        """The lines that came since the last look. A log that cannot be read says so once: the job goes on without."""
        if not self._group:
            return []
        lines: list[str] = []
        try:
            for stream in self._streams():
                lines += self._new_lines(stream)
        except PlaceError as error:
            absent = isinstance(error, Refused) and error.kind is Refusal.ABSENT
            if not absent and not self._told:
                self._told = True
                lines.append(f"its log {self._group} cannot be read: {error.what}")
        return lines

    def _streams(self) -> Iterator[str]:
        given = {"logGroupName": self._group, "logStreamNamePrefix": f"{self._job}/"}
        for page in self._account.pages("logs", "describe_log_streams", **given):
            yield from (str(stream["logStreamName"]) for stream in page["logStreams"])

    def _new_lines(self, stream: str) -> Iterator[str]:
        """The end of a stream is where the same token comes back."""
        given: dict[str, Any] = {"logGroupName": self._group, "logStreamName": stream, "startFromHead": True}
        while True:
            known = self._read.get(stream)
            page = self._account.call("logs", "get_log_events", **given, **({"nextToken": known} if known else {}))
            self._read[stream] = page["nextForwardToken"]
            for event in page["events"]:
                line = str(event["message"]).rstrip()
                self._last.append((stream, line))
                yield line
            if page["nextForwardToken"] == known:
                return


def put_lines(account: Account, group: str, stream: str, lines: Sequence[str], now: datetime) -> None:
    """Add lines to a stream, which is made where it is missing, in a group that is there.

    Raises
    ------
    Refused : AWS answered with an error, such as that there is no such group
    PlaceError : AWS could not be reached
    """
    account.make("logs", "create_log_stream", logGroupName=group, logStreamName=stream)
    moment = round(now.timestamp() * 1000)
    events = [{"timestamp": moment, "message": line} for line in lines]
    account.call("logs", "put_log_events", logGroupName=group, logStreamName=stream, logEvents=events)
