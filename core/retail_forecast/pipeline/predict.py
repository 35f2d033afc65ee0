"""Predict: files of till lines or baskets in, one answer per basket out. A label column is never read."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from retail_forecast.bundle.scorer import Predictions
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.labels import LABELS
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.lines import Baskets
from retail_forecast.lake.reading import read_lines
from retail_forecast.pipeline.resolve import resolve_bundle

__all__ = ["FORMATS", "predict_files", "require_format", "write_table"]

FORMATS = (".parquet", ".csv", ".jsonl")


def predict_files(
    workspace: Path, settings: Settings, files: Sequence[Path], output: Path, *, model: str, task: Task
) -> tuple[str, int]:
    """Answer for every basket of `files`, in order of first appearance; returns the model's run id and the number of
    baskets.

    The output has the columns basket_id, label, p_LA, p_MM, p_UM, p_XX, unknown_share; its format follows its name.

    Raises
    ------
    UsageError : the output's name says no known format, or the model is unknown
    DataError : a file cannot be read; nothing is written then
    """
    require_format(output)
    bundle = resolve_bundle(workspace, model, task, settings.train.threads or os.cpu_count() or 1)
    baskets = read_lines(files, settings.lake)
    write_table(_table(baskets, bundle.predict(baskets)), output)
    return bundle.manifest.run_id, len(baskets)


def require_format(output: Path, formats: Sequence[str] = FORMATS) -> None:
    """Raise unless the name of `output` ends with one of `formats`.

    Raises
    ------
    UsageError : it does not
    """
    if output.suffix not in formats:
        raise UsageError(
            f"no format is known for {output.name}", where="--output", mend=f"end the name with {', '.join(formats)}"
        )


def write_table(table: pa.Table, output: Path) -> None:
    """Write `table` in the format that the name of `output` says; an earlier file is replaced in one step, or not at
    all."""
    output.parent.mkdir(parents=True, exist_ok=True)
    partial = output.with_name(f".{output.name}.part")
    _write(table, partial, output.suffix)
    partial.replace(output)


def _table(baskets: Baskets, answers: Predictions) -> pa.Table:
    names = pa.array([str(label) for label in LABELS])
    columns = {
        "basket_id": pa.array(baskets.basket_id.to_list(), pa.string()),
        "label": names.take(pa.array(answers.label)),
    }
    columns |= {
        f"p_{label}": pa.array(np.ascontiguousarray(answers.probabilities[:, i])) for i, label in enumerate(LABELS)
    }
    return pa.table(columns | {"unknown_share": pa.array(answers.unknown_share)})


def _write(table: pa.Table, path: Path, suffix: str) -> None:
    if suffix == ".parquet":
        pa_parquet.write_table(table, path)
    elif suffix == ".csv":
        pa_csv.write_csv(table, path, pa_csv.WriteOptions(quoting_style="needed"))
    else:
        import msgspec

        path.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in table.to_pylist()))
