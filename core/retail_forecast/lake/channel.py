"""Data channels: labelled baskets as Parquet files, dealt to the hosts of a training job.

Part k of N holds every N-th basket from the k-th on, with what was known of each where a task looks at that. Each part
says which part it is and where the baskets come from, so that a job needs nothing of the lake.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from retail_forecast.domain.errors import DataError
from retail_forecast.domain.labels import LABELS
from retail_forecast.lake.columnar import baskets_from_arrow, baskets_to_arrow
from retail_forecast.lake.reading import Labelled

__all__ = ["Part", "export_channel", "read_part"]

_ABOUT = b"retail_forecast"
_WORDS = pa.array([str(label) for label in LABELS])


@dataclass(frozen=True, slots=True)
class Part:
    """One host's share of a channel.

    Attributes
    ----------
    number, parts : it is part `number` (from 0) of `parts`
    facts : what the exporter said of the data
    rows : the baskets
    """

    number: int
    parts: int
    facts: Mapping[str, Any]
    rows: Labelled


def export_channel(
    gold: Labelled, rows: NDArray[np.intp], folder: Path, parts: int, facts: Mapping[str, Any]
) -> list[Path]:
    """Write the baskets at `rows` as `parts` files into `folder`; returns the files, by number of the part.

    Parameters
    ----------
    facts : JSON object that each part carries
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"part-{number:05d}-of-{parts:05d}.parquet" for number in range(parts)]
    for number, file in enumerate(files):
        dealt = rows[number::parts]
        table = baskets_to_arrow(gold.baskets.take(dealt))
        for name, column in {
            "label": _WORDS.take(pa.array(gold.label[dealt])),
            "shop_week": pa.array(gold.shop_week[dealt]),
            "complete": pa.array(gold.complete[dealt]),
        }.items():
            table = table.append_column(name, column)
        if gold.baskets.known is not None:
            known = gold.baskets.known[dealt]
            column = pa.FixedSizeListArray.from_arrays(pa.array(known.ravel()), known.shape[1])
            table = table.append_column("known", column)
        about = msgspec.json.encode({"number": number, "parts": parts, "facts": facts})
        pq.write_table(table.replace_schema_metadata({_ABOUT: about}), file, compression="zstd")
    return files


def read_part(file: Path) -> Part:
    """One part of a channel.

    Raises
    ------
    DataError : the file is no part of an exported channel
    """
    try:
        table = pq.read_table(file)
        about = msgspec.json.decode(table.schema.metadata[_ABOUT])
        label = np.asarray(pc.index_in(table["label"], _WORDS), np.int8)
        week, complete = np.asarray(table["shop_week"], np.int32), np.asarray(table["complete"])
        baskets = replace(baskets_from_arrow(table), known=_known(table))
        return Part(about["number"], about["parts"], about["facts"], Labelled(baskets, label, week, complete))
    except (pa.ArrowException, TypeError, KeyError) as error:
        raise DataError(
            f"this is no part of an exported channel: {type(error).__name__}: {error}",
            where=str(file),
            mend="export the channel again",
        ) from error


def _known(table: pa.Table) -> NDArray[np.float32] | None:
    """What was known of each basket, float32 of shape (n, k); None where the channel does not say."""
    if "known" not in table.column_names:
        return None
    column = table["known"].combine_chunks()
    lists = column if isinstance(column, pa.Array) else pa.concat_arrays(column.chunks)
    return np.asarray(lists.flatten(), np.float32).reshape(len(lists), lists.type.list_size)
