"""Data channels: baskets of gold as Parquet files, dealt to the hosts of a training job.

Part k of N holds every N-th basket from the k-th on, in the order of (shop_week, basket_id). Each part says
which part it is and from which state of the lake, so that a job needs nothing of the lake.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from retail_forecast.domain.errors import DataError
from retail_forecast.lake.reading import Labelled, gold_table, in_order, labelled
from retail_forecast.lake.state import LakeState

__all__ = ["Part", "export_channel", "read_part"]

_ABOUT = b"retail_forecast"


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
    root: Path, state: LakeState, weeks: Sequence[int], folder: Path, parts: int, facts: Mapping[str, Any]
) -> list[Path]:
    """Write the complete baskets of `weeks` as `parts` files into `folder`; returns the files, by number of the part.

    Parameters
    ----------
    root, state : the lake, and its state to read
    facts : JSON object that each part carries
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = gold_table(root, state, weeks)
    order = in_order(table)
    order = order[np.asarray(table["complete"])[order]]
    files = [folder / f"part-{number:05d}-of-{parts:05d}.parquet" for number in range(parts)]
    for number, file in enumerate(files):
        about = msgspec.json.encode({"number": number, "parts": parts, "facts": facts})
        dealt = table.take(pa.array(order[number::parts]))
        pq.write_table(dealt.replace_schema_metadata({_ABOUT: about}), file, compression="zstd")
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
        return Part(about["number"], about["parts"], about["facts"], labelled(table))
    except (pa.ArrowException, TypeError, KeyError) as error:
        raise DataError(
            f"this is no part of an exported channel: {type(error).__name__}: {error}",
            where=str(file),
            mend="export the channel again",
        ) from error
