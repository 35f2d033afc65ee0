"""The spool of the prediction log: answers are put aside, and a thread writes them into segments on the local disk.

An answer never waits for the log. What waits is bounded in baskets, what is on the disk in bytes; beyond that, and
where the disk fails, answers are left out and counted. `domain.spooled` says what a segment is.
"""

import fcntl
import hashlib
import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO

import msgspec
from prometheus_client import CollectorRegistry, Counter

from retail_forecast.domain.calendar import week_at
from retail_forecast.domain.labels import LABELS
from retail_forecast.domain.spooled import FINISHED, OPEN, Entry, framed, segments
from retail_forecast_server.answers import Answered

__all__ = ["Spool"]

_LOG = logging.getLogger(__name__)
_MOST_WAITING = 32_768
_EVERY_S = 0.5
_AT_ONCE = 1024


class Spool:
    """Puts answers aside.

    Parameters
    ----------
    folder : of the segments; made when it is missing
    most_bytes : of all segments in the folder together
    segment_s : how long a segment is written to before it is finished [s]
    registry : where what was written and left out is counted
    """

    def __init__(self, folder: Path, most_bytes: int, segment_s: float, registry: CollectorRegistry) -> None:
        self._folder, self._most_bytes, self._segment_s = folder, most_bytes, segment_s
        self._waiting: deque[Answered] = deque()
        # Baskets: the loop alone counts what came, the thread alone what went.
        self._come, self._gone = 0, 0
        self._stopping = threading.Event()
        self._writer, self._number = secrets.token_hex(8), 0
        self._file: IO[bytes] | None = None
        self._since = 0.0
        # Entries of the segment that is open.
        self._held = 0
        self._written = Counter(
            "retail_forecast_prediction_log_written", "Answers written to the spool", registry=registry
        )
        self._dropped = Counter(
            "retail_forecast_prediction_log_dropped",
            "Answers left out of the prediction log",
            ["reason"],
            registry=registry,
        )

    def observe(self, answered: Answered) -> None:
        """Put an answered request aside, unless too many baskets wait; an observer.

        Where none wait, there is room for the first of any request.
        """
        count, waiting = len(answered.baskets), self._come - self._gone
        kept = 0 if waiting and waiting + count > _MOST_WAITING else _kept(answered)
        if kept < count:
            self._dropped.labels("queue").inc(count - kept)
        if kept:
            self._come += kept
            self._waiting.append(answered)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Write until the block ends, and then what still waits."""
        thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(_EVERY_S):
            self._write()
        self._write()
        self._finish()

    def _write(self) -> None:
        """Write what waits, in micro-batches; finish the segment when it is old enough."""
        waiting = self._taken()
        while entries := list(islice(waiting, _AT_ONCE)):
            self._keep(entries)
        if self._file is not None and time.monotonic() - self._since >= self._segment_s:
            self._finish()

    def _taken(self) -> Iterator[Entry]:
        """The entries of all that waits now."""
        for _ in range(len(self._waiting)):
            answered = self._waiting.popleft()
            yield from _entries(answered)
            self._gone += _kept(answered)

    def _keep(self, entries: list[Entry]) -> None:
        payload = framed(msgspec.msgpack.encode(entries))
        try:
            held = sum(segment.path.stat().st_size for segment in segments(self._folder))
            if held + len(payload) > self._most_bytes:
                self._dropped.labels("full").inc(len(entries))
                return
            file = self._file or self._begin()
            file.write(payload)
            file.flush()
        except OSError as error:
            self._lose(len(entries), error)
            return
        self._written.inc(len(entries))
        self._held += len(entries)

    def _begin(self) -> IO[bytes]:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = (self._folder / f"{self._writer}-{self._number + 1:08d}{OPEN}").open("ab")
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        self._file, self._number, self._since = file, self._number + 1, time.monotonic()
        return file

    def _finish(self) -> None:
        if self._file is None:
            return
        file, held = self._file, self._held
        self._file, self._held = None, 0
        try:
            # Renamed while it is locked: an upload takes an open segment that nobody locks.
            with file:
                Path(file.name).replace(Path(file.name).with_suffix(FINISHED))
        except OSError as error:
            self._lose(held, error)
            # Segments of one writer are committed without gaps: those to come must not wait for this one.
            self._writer, self._number = secrets.token_hex(8), 0

    def _lose(self, count: int, error: OSError) -> None:
        """The disk failed, or somebody took a segment away."""
        self._dropped.labels("disk").inc(count)
        _LOG.error("prediction log", extra={"fields": {"what": str(error.strerror)}})


def _kept(answered: Answered) -> int:
    """How many baskets of a request are kept, from the first on, where there is room."""
    return min(len(answered.baskets), _MOST_WAITING)


def _entries(answered: Answered) -> Iterator[Entry]:
    kept = _kept(answered)
    found = answered.predictions.part(0, kept)
    weeks = [None] * len(found.label) if found.history_week is None else map(week_at, found.history_week.tolist())
    rows = zip(
        islice(answered.baskets, kept),
        found.features,
        found.probabilities.tolist(),
        found.label.tolist(),
        found.unknown_share.tolist(),
        weeks,
        strict=True,
    )
    for position, (basket, features, probabilities, label, unknown_share, week) in enumerate(rows, answered.first):
        yield Entry(
            answered.request_id,
            position,
            answered.time,
            answered.model.version,
            str(answered.model.task),
            basket.basket_id,
            hashlib.sha256(msgspec.json.encode(basket)).hexdigest(),
            features.tobytes(),
            tuple(probabilities),
            str(LABELS[label]),
            unknown_share,
            week,
        )
