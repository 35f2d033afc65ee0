"""The tills of a simulated retailer: weekly files in the original format, written one week at a time.

A file stands under its name only when it is whole. The same specification gives the same bytes, and a week of a longer
run equals that week of a shorter one; memory is bounded by one week.
"""

import gzip
import shutil
from pathlib import Path

import duckdb
import pyarrow as pa

from retail_forecast.domain.calendar import add_weeks
from retail_forecast.domain.errors import PlaceError
from retail_forecast.domain.progress import Progress, Silent
from retail_forecast.simulation.spec import SimulationReport, TillSpec
from retail_forecast.simulation.week import draw_retailer, week_table

__all__ = ["simulate"]

_GZIP_LEVEL = 3  # three times quicker than level 6 for a quarter more bytes
_BUFFER_BYTES = 1 << 20


def simulate(spec: TillSpec, out: Path, progress: Progress | None = None) -> SimulationReport:
    """Write `transactions_YYYYWW.csv.gz` for each week of `spec` into `out`; files of the same names are replaced.

    Parameters
    ----------
    spec : the retailer and the weeks
    out : folder, made when it is not there
    progress : told of each week written; by default nobody

    Raises
    ------
    PlaceError : the folder cannot be written
    """
    retailer = draw_retailer(spec)
    files, lines = [], 0
    try:
        out.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as writer, (progress or Silent()).track("Simulating", spec.weeks, "weeks") as advance:
            for week in (add_weeks(spec.start_week, i) for i in range(spec.weeks)):
                table = week_table(spec, week, retailer)
                files.append(_write(writer, table, out / f"transactions_{week}.csv", plain=spec.plain))
                lines += table.num_rows
                advance(1)
    except (OSError, duckdb.IOException) as error:
        raise PlaceError(
            f"the simulated files cannot be written: {error}",
            where=str(out),
            mend="give a folder with room that you may write",
        ) from error
    return SimulationReport(tuple(files), spec.weeks * spec.baskets_per_week, lines)


def _write(writer: duckdb.DuckDBPyConnection, table: pa.Table, file: Path, *, plain: bool) -> Path:
    """Write one week. DuckDB writes numbers and the quotes of empty codes exactly as the original files have them."""
    part = file.with_suffix(".part")
    writer.from_arrow(table).write_csv(str(part))
    if plain:
        return part.replace(file)
    packed = file.with_suffix(".gz.part")
    with (
        part.open("rb") as source,
        packed.open("wb") as raw,
        gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as target,
    ):
        shutil.copyfileobj(source, target, _BUFFER_BYTES)
    part.unlink()
    return packed.replace(file.with_suffix(".csv.gz"))
