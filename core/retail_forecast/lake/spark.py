"""Spark as the engine: tasks travel to the workers as rows, and what came of them travels back.

Rows of the lake do not pass through Spark: a worker reads till files and slabs and writes part files where the lake
lies, with the function that the embedded engine calls too, and the driver alone commits. So the result is the same,
and Spark needs neither Delta's extension nor SQL of ours. The calls are those of PySpark 3.5 (`mapInArrow`).
"""

import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from retail_forecast.domain.errors import UsageError
from retail_forecast.lake.engines import Done

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
    """

    address: str
    workers: int

    @property
    def together(self) -> int:
        """How many tasks share the memory of one process: on a cluster each has its own; Sail's are in this one."""
        return self.workers if self.address == SAIL else 1

    def run(self, work: Callable[[A, Done], B], tasks: Sequence[A], done: Done) -> Iterator[B]:
        """What `work` makes of each task, in order; `done` hears of tasks when all have ended.

        `work` must be a function of a module that the workers have, and tasks and answers must be picklable.

        Raises
        ------
        UsageError : PySpark is not installed
        """
        if not tasks:
            return
        rows = [(number, bytearray(pickle.dumps(task))) for number, task in enumerate(tasks)]
        with _session(self.address) as session:
            frame = session.createDataFrame(rows, _TASKS).repartitionByRange(len(rows), "number")
            answers = frame.mapInArrow(_on_workers(work), _ANSWERS).collect()
        for answer in sorted(answers, key=lambda row: int(row["number"])):
            done(answer["units"])
            yield pickle.loads(bytes(answer["answer"]))  # noqa: S301 - our own workers wrote it


def _on_workers(work: Callable[[A, Done], B]) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def apply(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for row in batch.to_pylist():
                heard: list[int] = []
                answer = pickle.dumps(work(pickle.loads(row["task"]), heard.append))  # noqa: S301 - the driver wrote it
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
