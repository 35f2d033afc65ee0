"""Datasets: a table of the lake at a version, for whoever reads rows of it.

Files that a replacement rewrote hold string views, which Arrow can neither compare nor group by. Read as dictionaries,
the texts of every file are strings again.
"""

import pyarrow as pa
import pyarrow.dataset
import pyarrow.fs
from deltalake.fs import DeltaStorageHandler

from retail_forecast.clouds.addresses import Address, local_folder
from retail_forecast.clouds.opening import table_options
from retail_forecast.lake.tables import PATHS, open_table

__all__ = ["dataset_of", "files_of"]


def dataset_of(root: Address, name: str, version: int) -> pyarrow.dataset.FileSystemDataset:
    """The rows of the table `name` at `version`; its fragments alone hold texts as dictionaries of strings.

    Raises
    ------
    PlaceError : it is not there, or not at that version
    """
    table = open_table(root, name, version)
    schema, parts = pa.schema(table.schema()), table.metadata().partition_columns
    texts = [field.name for field in schema if pa.types.is_string(field.type) and field.name not in parts]
    options = pyarrow.dataset.ParquetReadOptions(dictionary_columns=texts)
    folder = local_folder(root)
    files = None if folder is None else files_of(folder / PATHS[name])
    found = table.to_pyarrow_dataset(filesystem=files, parquet_read_options=options)
    return pyarrow.dataset.FileSystemDataset(list(found.get_fragments()), schema, found.format, found.filesystem)


def files_of(root: Address) -> pyarrow.fs.FileSystem:
    """What lies below `root`, as Arrow reads files."""
    folder = local_folder(root)
    if folder is not None:
        return pyarrow.fs.SubTreeFileSystem(str(folder), pyarrow.fs.LocalFileSystem())
    return pyarrow.fs.PyFileSystem(DeltaStorageHandler(str(root), table_options(root)))
