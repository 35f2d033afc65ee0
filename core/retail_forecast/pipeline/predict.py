"""Predict: files of till lines or baskets in, one answer per basket out. A label column is never read."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path, PurePath

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from retail_forecast.bundle.scorer import Predictions
from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.faults import told_as_place
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.labels import LABELS
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.lines import Baskets
from retail_forecast.lake.reading import read_lines
from retail_forecast.pipeline.places import here, there
from retail_forecast.pipeline.resolve import resolve_bundle

__all__ = ["FORMATS", "answers_table", "predict_files", "require_format", "write_table", "write_tables"]

FORMATS = (".parquet", ".csv", ".jsonl")

Write = Callable[[pa.Table], None]


def predict_files(
    workspace: Path, settings: Settings, files: Sequence[Address], output: Address, *, model: str, task: Task
) -> tuple[str, int]:
    """Answer for every basket of `files`, or of folders in a store, in order of first appearance; returns the model's
    run id and the number of baskets.

    The output has the columns basket_id, label, p_LA, p_MM, p_UM, p_XX, unknown_share; its format follows its name.

    Raises
    ------
    UsageError : the output's name says no known format, the model is unknown, or a file is not there
    PlaceError : a store cannot be read or written
    DataError : a file cannot be read; nothing is written then
    """
    require_format(output)
    bundle = resolve_bundle(workspace, model, task, settings.train.threads or os.cpu_count() or 1)
    with here(files) as local:
        baskets = read_lines(_existing(local), settings.lake)
    with there(output) as file:
        write_table(answers_table(baskets, bundle.predict(baskets)), file)
    return bundle.manifest.run_id, len(baskets)


def require_format(output: Address, formats: Sequence[str] = FORMATS) -> None:
    """Raise unless the name of `output` ends with one of `formats`.

    Raises
    ------
    UsageError : it does not
    """
    name = PurePath(output).name
    if PurePath(name).suffix not in formats:
        raise UsageError(
            f"no format is known for {name}", where="--output", mend=f"end the name with {', '.join(formats)}"
        )


def write_table(table: pa.Table, output: Path) -> None:
    """Write `table` in the format that the name of `output` says; an earlier file is replaced in one step, or not at
    all.

    Raises
    ------
    PlaceError : it cannot be written
    """
    write_tables([table], output)


def write_tables(tables: Iterable[pa.Table], output: Path) -> None:
    """Write `tables` of the same columns, at least one, one after the other, as `write_table` writes one."""
    rest = iter(tables)
    first = next(rest)
    with _replaced(output) as partial, _WRITERS[output.suffix](partial, first.schema) as write:
        for table in chain([first], rest):
            write(table)


def answers_table(baskets: Baskets, answers: Predictions) -> pa.Table:
    """The answers for `baskets`: basket_id, label, p_LA, p_MM, p_UM, p_XX and unknown_share."""
    names = pa.array([str(label) for label in LABELS])
    columns = {
        "basket_id": pa.array(baskets.basket_id.to_list(), pa.string()),
        "label": names.take(pa.array(answers.label)),
    }
    columns |= {
        f"p_{label}": pa.array(np.ascontiguousarray(answers.probabilities[:, i])) for i, label in enumerate(LABELS)
    }
    return pa.table(columns | {"unknown_share": pa.array(answers.unknown_share)})


def _existing(files: Sequence[str]) -> list[Path]:
    missing = [file for file in files if not Path(file).is_file()]
    if missing:
        raise UsageError("no file is there", where=missing[0], mend="name an existing file, or a folder in a store")
    return [Path(file) for file in files]


@contextmanager
def _replaced(output: Path) -> Iterator[Path]:
    """A file to write, which replaces `output` when the block has ended well and is gone otherwise."""
    with told_as_place(output):
        output.parent.mkdir(parents=True, exist_ok=True)
        partial = output.with_name(f".{output.name}.part")
        try:
            yield partial
            partial.replace(output)
        finally:
            partial.unlink(missing_ok=True)


@contextmanager
def _parquet(path: Path, schema: pa.Schema) -> Iterator[Write]:
    with pq.ParquetWriter(path, schema) as writer:
        yield writer.write_table


@contextmanager
def _csv(path: Path, schema: pa.Schema) -> Iterator[Write]:
    with pa_csv.CSVWriter(path, schema, write_options=pa_csv.WriteOptions(quoting_style="needed")) as writer:
        yield writer.write_table


@contextmanager
def _jsonl(path: Path, _schema: pa.Schema) -> Iterator[Write]:
    with path.open("wb") as file:

        def write(table: pa.Table) -> None:
            file.writelines(msgspec.json.encode(row) + b"\n" for row in table.to_pylist())

        yield write


_WRITERS = {".parquet": _parquet, ".csv": _csv, ".jsonl": _jsonl}
