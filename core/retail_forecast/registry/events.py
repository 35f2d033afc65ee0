"""Lineage events as OpenLineage defines them, one JSON object each under `lineage/` of the registry.

A job leaves START and then COMPLETE or FAIL, with the datasets that it read and wrote and their versions. The form
follows https://openlineage.io/spec/2-0-2/OpenLineage.json.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import NAMESPACE_URL, uuid5

import msgspec
import obstore
import pyarrow as pa
from obstore.exceptions import BaseError

from retail_forecast import __version__
from retail_forecast.clouds.addresses import Address, below, local_folder
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import PlaceError

__all__ = ["FOLDER", "Job", "job"]

FOLDER = "lineage"

_PRODUCER = f"https://github.com/retail-forecast/retail-forecast/tree/v{__version__}"
_SPEC = "https://openlineage.io/spec"
_NAMESPACE = "retail-forecast"
_FACETS = {
    "version": "1-0-1/DatasetVersionDatasetFacet",
    "schema": "1-2-0/SchemaDatasetFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
}

Type = Literal["START", "COMPLETE", "FAIL"]


@dataclass(frozen=True, slots=True)
class Job:
    """A job under way, which collects what it reads and writes: addresses, and paths relative to the workspace."""

    workspace: Path
    place: Address
    name: str
    run_id: str
    inputs: list[dict[str, Any]] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def reads(self, path: str, version: object) -> None:
        """Say that the dataset at `path` is read, in which version."""
        self.inputs.append(self._dataset(path, version))

    def writes(self, path: str, version: object, *, columns: pa.Schema | None = None, rows: int | None = None) -> None:
        """Say that the dataset at `path` was written: its version then, columns, and the rows that were added."""
        dataset = self._dataset(path, version)
        if columns is not None:
            fields = [{"name": column.name, "type": str(column.type)} for column in columns]
            dataset["facets"]["schema"] = _facet("schema", fields=fields)
        if rows is not None:
            dataset["outputFacets"] = {"outputStatistics": _facet("outputStatistics", rowCount=rows)}
        self.outputs.append(dataset)

    def fails(self, reason: str) -> None:
        """Say that the job came to its end, and to nothing."""
        self.faults.append(reason)

    def _dataset(self, path: str, version: object) -> dict[str, Any]:
        folder, place = local_folder(path), urlsplit(path)
        return {
            "namespace": "file" if folder else f"{place.scheme}://{place.netloc}",
            "name": (self.workspace.resolve() / folder).as_posix() if folder else place.path.lstrip("/"),
            "facets": {"version": _facet("version", datasetVersion=str(version))},
        }


@contextmanager
def job(workspace: Path, name: str, clock: Callable[[], datetime], place: Address | None = None) -> Iterator[Job]:
    """Tell the beginning and the end of the job `name`; an error that leaves the block is its end as well.

    Parameters
    ----------
    place : where it is told, by default the workspace

    Raises
    ------
    PlaceError : an event cannot be written
    """
    start = clock()
    run_id = uuid5(NAMESPACE_URL, f"{_PRODUCER}/{workspace.resolve()}/{name}/{start.isoformat()}")
    told = Job(workspace, place or workspace, name, str(run_id))
    _tell(told, "START", start)
    try:
        yield told
    except BaseException as error:
        told.fails(str(error) or type(error).__name__)
        with suppress(PlaceError):  # a full disk must not hide what it did
            _tell(told, "FAIL", clock())
        raise
    _tell(told, "FAIL" if told.faults else "COMPLETE", clock())


def _tell(told: Job, kind: Type, now: datetime) -> None:
    faults = {"message": "; ".join(told.faults), "programmingLanguage": "PYTHON"}
    event: Mapping[str, Any] = {
        "eventType": kind,
        "eventTime": now.isoformat(),
        "run": {
            "runId": told.run_id,
            "facets": {"errorMessage": _facet("errorMessage", **faults)} if told.faults else {},
        },
        "job": {
            "namespace": _NAMESPACE,
            "name": told.name,
            "facets": {
                "jobType": _facet("jobType", processingType="BATCH", integration="RETAIL_FORECAST", jobType="JOB")
            },
        },
        "inputs": told.inputs,
        "outputs": told.outputs,
        "producer": _PRODUCER,
        "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
    }
    path = f"{FOLDER}/{now:%Y%m%dT%H%M%S%f}-{told.name}-{told.run_id}-{kind.lower()}.json"
    try:
        obstore.put(open_store(told.place), path, msgspec.json.format(msgspec.json.encode(event), indent=2))
    except (OSError, BaseError) as error:
        raise PlaceError(
            f"an event of lineage cannot be written ({error})",
            where=below(told.place, FOLDER),
            mend="check place and permissions",
        ) from error


def _facet(name: str, **fields: object) -> dict[str, Any]:
    schema = _FACETS[name]
    return {
        "_producer": _PRODUCER,
        "_schemaURL": f"{_SPEC}/facets/{schema}.json#/$defs/{schema.split('/')[1]}",
        **fields,
    }
