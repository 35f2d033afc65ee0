"""Spark as the engine: tasks travel to the workers as rows, and what came of them travels back.

Rows of the lake do not pass through Spark: a worker reads till files and slabs and writes part files, with the function
that the embedded engine calls too, and the driver alone commits. The files lie in a folder that all share, or travel by
way of the lake's object store. So the result is the same,
and Spark needs neither Delta's extension nor SQL of ours. The calls are those of PySpark 3.5 (`mapInArrow`).
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from retail_forecast.domain.errors import UsageError
from retail_forecast.lake.carrying import Carrier, packed, unpacked
from retail_forecast.lake.engines import Carried, Done

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["JOB", "SAIL", "Spark"]

SAIL = "sail"
"""Address of a Spark Connect server that is started in this process and ends with the work; it needs no Java."""

JOB = "job"
"""Address of the session of the job that this process belongs to, as on AWS Glue and EMR."""

A = TypeVar("A")
B = TypeVar("B")

_TASKS = "number int, task binary"
_ANSWERS = "number int, units long, answer binary"
_ANSWER = pa.schema([("number", pa.int32()), ("units", pa.int64()), ("answer", pa.binary())])


@dataclass(frozen=True, slots=True)
class Spark:
    """Workers of a Spark cluster.

    Attributes
    ----------
    address : `sc://host:port` of a Spark Connect server, `SAIL` or `JOB`
    workers : how many tasks run at once
    exchange : place by way of which files travel; None where all machines share the folders of the work
    """

    address: str
    workers: int
    exchange: str | None = None

    @property
    def together(self) -> int:
        """How many tasks share the memory of one process: on a cluster each has its own; Sail's are in this one."""
        return self.workers if self.address == SAIL else 1

    def run(
        self, work: Callable[[A, Done], B], tasks: Sequence[A], done: Done, carried: Carried | None = None
    ) -> Iterator[B]:
        """What `work` makes of each task, in order; `done` hears of tasks when all have ended.

        `work` must be a function of a module that the workers have, and tasks and answers must be picklable.

        Raises
        ------
        UsageError : PySpark is not installed
        """
        if not tasks:
            return
        carrier = Carrier(self.exchange, carried) if self.exchange and carried else None
        room = carried.room if carrier and carried else None
        rows = [(number, bytearray(packed(task, room))) for number, task in enumerate(tasks)]
        if carrier:
            carrier.send(tasks)
        with _session(self.address) as session:
            frame = session.createDataFrame(rows, _TASKS).repartitionByRange(len(rows), "number")
            answers = frame.mapInArrow(_on_workers(partial(_answered, work, carrier)), _ANSWERS).collect()
        for row in sorted(answers, key=lambda row: int(row["number"])):
            answer: B = unpacked(bytes(row["answer"]), room)
            if carrier:
                carrier.receive(answer)
            done(row["units"])
            yield answer


def _answered(work: Callable[[A, Done], B], carrier: Carrier | None, payload: bytes, done: Done) -> bytes:
    """The packed answer to a packed task."""
    return carrier.on_worker(work, payload, done) if carrier else packed(work(unpacked(payload, None), done), None)


def _on_workers(
    answered: Callable[[bytes, Done], bytes],
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def apply(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                heard: list[int] = []
                answer = answered(row["task"], heard.append)
                found = {"number": row["number"], "units": sum(heard), "answer": answer}
                yield pa.RecordBatch.from_pylist([found], _ANSWER)

    return apply


@contextmanager
def _session(address: str) -> Iterator["SparkSession"]:
    try:
        import pyspark  # noqa: PLC0415 - an extra, needed when it is chosen
        from pyspark.sql import SparkSession  # noqa: PLC0415
    except ImportError as error:
        raise UsageError(
            "the engine spark needs PySpark, which is not installed", mend='pip install "retail-forecast[spark]"'
        ) from error
    if address == JOB:
        yield SparkSession.builder.getOrCreate()
    elif address == SAIL:
        with _sail() as started, _session(started) as session:
            yield session
    else:
        # The client looks for Spark's home by the file of the main program, which not every program has (`python -c`).
        os.environ.setdefault("SPARK_HOME", str(Path(pyspark.__file__).parent))
        session = SparkSession.builder.remote(address).getOrCreate()
        try:
            yield session
        finally:
            session.stop()


@contextmanager
def _sail() -> Iterator[str]:
    from pysail.spark import SparkConnectServer  # noqa: PLC0415 - an extra, needed when it is chosen

    server = SparkConnectServer(ip="127.0.0.1", port=0)
    server.start(background=True)
    try:
        yield f"sc://127.0.0.1:{server.listening_address[1]}"
    finally:
        server.stop()
