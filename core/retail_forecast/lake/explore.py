"""Explore: one question in SQL about one state of the lake, answered without being able to change or reach anything.

The tables of the state stand as views of their names; `raw` holds the lines of the till files as they came. DuckDB
answers in a database of its own that is gone afterwards, with files, network, extensions and settings locked away.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.dataset

from retail_forecast.clouds.addresses import Address
from retail_forecast.domain.errors import PlaceError, UsageError
from retail_forecast.domain.settings import LakeSettings
from retail_forecast.lake.catalogue import bounded
from retail_forecast.lake.datasets import dataset_of, files_of
from retail_forecast.lake.refine import SOURCE_DIGITS
from retail_forecast.lake.schemas import RAW
from retail_forecast.lake.state import LakeState

__all__ = ["answer", "views"]

_BATCH_ROWS = 65_536
_UNREADABLE = "reading the stream registered as"  # DuckDB has no error of its own for a table that fails
_SEALS = (
    "preserve_insertion_order = true",
    "python_enable_replacements = false",
    "enable_external_access = false",
    "lock_configuration = true",
)
_UNUSED = "\x01"  # separates no fields: a line is one text
_RAW_FORMAT = pyarrow.dataset.CsvFileFormat(
    parse_options=pyarrow.csv.ParseOptions(delimiter=_UNUSED, quote_char=False, double_quote=False),
    read_options=pyarrow.csv.ReadOptions(column_names=["text"]),
    convert_options=pyarrow.csv.ConvertOptions(column_types={"text": pa.string()}),
)


def views(state: LakeState) -> tuple[str, ...]:
    """Names that a question may use."""
    return ("raw", *sorted(state.tables))


@contextmanager
def answer(root: Address, state: LakeState, question: str, settings: LakeSettings) -> Iterator[pa.RecordBatchReader]:
    """The rows that answer `question`, one SELECT in DuckDB's dialect; they can be read until the block ends.

    Parameters
    ----------
    root : place of the lake
    state : the state that is asked about
    settings : bounds of memory and threads

    Raises
    ------
    UsageError : it is no single SELECT, does not fit the tables, or reaches for something outside of them
    PlaceError : a table is not there or damaged, or memory and disk do not suffice
    """
    with (
        TemporaryDirectory(prefix="retail-forecast-sql-") as spill,
        _sealed(root, state, settings, spill) as connection,
    ):
        try:
            _require_question(connection, question)
            with connection.sql(question).to_arrow_reader(_BATCH_ROWS) as rows:
                yield rows
        except duckdb.PermissionException as error:
            raise _misfit("only the tables of the lake can be read here", question, state) from error
        except (duckdb.ProgrammingError, duckdb.DataError, duckdb.NotSupportedError) as error:
            told = str(error).split("\n")[0]
            if _UNREADABLE in told:
                raise PlaceError(told, where=str(root), mend="restore the lake from a backup") from error
            raise _misfit(told, question, state) from error
        except duckdb.OperationalError as error:
            raise PlaceError(
                str(error).split("\n")[0], where=str(root), mend="ask for less, or raise lake.memory_limit_mb"
            ) from error


@contextmanager
def _sealed(root: Address, state: LakeState, settings: LakeSettings, spill: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database that knows the views and nothing else."""
    with bounded(settings, Path(spill)) as connection:
        connection.register("raw", _raw(root, state))
        for name, version in state.tables.items():
            connection.register(name, _table(root, name, version))
        for setting in _SEALS:
            connection.execute(f"SET {setting}")
        yield connection


class _Unhurried(pyarrow.dataset.FileSystemDataset):  # type: ignore[misc]
    """A dataset that is not read ahead: where a question wants a few rows only, reading that goes on behind its back
    can block or break the end of the process."""

    def scanner(self, **options: Any) -> pa.dataset.Scanner:
        """Arrow's scanner; DuckDB calls it, with the columns and rows that it wants."""
        return super().scanner(**options, batch_readahead=0, fragment_readahead=0)


def _table(root: Address, name: str, version: int) -> pa.dataset.Dataset:
    found = dataset_of(root, name, version)
    return _Unhurried(list(found.get_fragments()), found.schema, found.format, found.filesystem)


def _raw(root: Address, state: LakeState) -> pa.dataset.Dataset:
    """Lines of all till files; a file is opened only when a question wants lines of it."""
    place = files_of(root)
    source, file = pa.dataset.field("source"), pa.dataset.field("file")
    fragments = [
        _RAW_FORMAT.make_fragment(
            f"raw/{digest}/{account.name}",
            place,
            (source == digest[:SOURCE_DIGITS]) & (file == account.name),
        )
        for digest, account in state.sources.items()
    ]
    return _Unhurried(fragments, RAW, _RAW_FORMAT, place)


def _require_question(connection: duckdb.DuckDBPyConnection, question: str) -> None:
    statements = connection.extract_statements(question)
    if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:
        raise UsageError(
            "only one SELECT is answered: the lake is changed by `ingest` and `lake` alone",
            where=question,
            mend="ask one question that begins with SELECT, WITH or FROM",
        )


def _misfit(what: str, question: str, state: LakeState) -> UsageError:
    return UsageError(what, where=question, mend=f"tables: {', '.join(views(state))}; `DESCRIBE silver` shows columns")
