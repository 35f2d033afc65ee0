"""Lineage events: what each job tells, and that the specification's own classes accept it."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pyarrow as pa
import pytest
from openlineage.client import facet_v2
from openlineage.client.event_v2 import InputDataset, OutputDataset, Run, RunEvent, RunState
from openlineage.client.event_v2 import Job as SpecJob

from retail_forecast.domain.errors import DataError, PlaceError
from retail_forecast.registry.events import FOLDER, job

Clock = Callable[[], datetime]
FACETS: dict[str, Any] = {
    "version": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
    "schema": facet_v2.schema_dataset.SchemaDatasetFacet,
    "outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
    "errorMessage": facet_v2.error_message_run.ErrorMessageRunFacet,
    "jobType": facet_v2.job_type_job.JobTypeJobFacet,
}


def clock_from(start: datetime) -> Iterator[datetime]:
    while True:
        yield start
        start += timedelta(seconds=1)


@pytest.fixture
def ticks() -> Clock:
    return clock_from(datetime(2026, 11, 22, 15, 27, tzinfo=UTC)).__next__


def events(workspace: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted((workspace / FOLDER).iterdir())]


def facets(found: dict[str, Any]) -> dict[str, Any]:
    """Facets as the specification's classes; unknown, missing and ill-formed fields raise."""
    made = {}
    for name, fields in found.items():
        own = {key: value for key, value in fields.items() if not key.startswith("_")}
        if name == "schema":
            own["fields"] = [facet_v2.schema_dataset.SchemaDatasetFacetFields(**column) for column in own["fields"]]
        made[name] = FACETS[name](**own)
        assert fields["_schemaURL"] == FACETS[name]._get_schema()
        assert fields["_producer"].startswith("https://")
    return made


def as_specified(event: dict[str, Any]) -> RunEvent:
    """The event as the official client, whose classes are made from the published schema, would hold it."""
    given = dict(event)
    assert given.pop("schemaURL") == RunEvent._get_schema()
    run, task = given.pop("run"), given.pop("job")
    datasets: dict[str, list[Any]] = {"inputs": [], "outputs": []}
    for kind, made in (("inputs", InputDataset), ("outputs", OutputDataset)):
        own = "inputFacets" if kind == "inputs" else "outputFacets"
        for one in given.pop(kind):
            more = {own: facets(one.pop(own))} if own in one else {}
            datasets[kind].append(made(**(one | {"facets": facets(one["facets"])} | more)))
    return RunEvent(
        **(given | {"eventType": RunState[given["eventType"]], **datasets}),
        run=Run(**(run | {"facets": facets(run["facets"])})),
        job=SpecJob(**(task | {"facets": facets(task["facets"])})),
    )


def test_a_job_tells_its_beginning_and_its_end(tmp_path: Path, ticks: Clock) -> None:
    with job(tmp_path, "ingest", ticks) as told:
        told.reads("lake/raw/ab/a.csv", "ab")
        told.reads("s3://sales/shop/raw/cd/b.csv", "cd")
        told.writes("lake/gold/baskets", 3, columns=pa.schema([("label", pa.string())]), rows=7)
    first, last = events(tmp_path)
    assert (first["eventType"], last["eventType"]) == ("START", "COMPLETE")
    assert first["run"]["runId"] == last["run"]["runId"]
    assert first["eventTime"] < last["eventTime"]
    assert [(one["namespace"], one["name"]) for one in last["inputs"]] == [
        ("file", (tmp_path / "lake/raw/ab/a.csv").as_posix()),
        ("s3://sales", "shop/raw/cd/b.csv"),
    ]
    output = last["outputs"][0]
    assert output["facets"]["version"]["datasetVersion"] == "3"
    assert output["outputFacets"]["outputStatistics"]["rowCount"] == 7
    for event in (first, last):
        assert attrs.asdict(as_specified(event))["job"]["name"] == "ingest"


def test_a_job_that_ends_in_an_error_says_so(tmp_path: Path, ticks: Clock) -> None:
    with pytest.raises(DataError), job(tmp_path, "train", ticks):
        raise DataError("nothing to learn from", where="here", mend="ingest first")
    last = events(tmp_path)[-1]
    assert last["eventType"] == "FAIL"
    assert last["run"]["facets"]["errorMessage"]["message"] == "here: nothing to learn from"
    as_specified(last)


def test_a_job_that_comes_to_nothing_says_so(tmp_path: Path, ticks: Clock) -> None:
    with job(tmp_path, "promote", ticks) as told:
        told.fails("macro F1 too low")
    assert events(tmp_path)[-1]["eventType"] == "FAIL"


def test_two_calls_are_two_runs(tmp_path: Path, ticks: Clock) -> None:
    for _ in range(2):
        with job(tmp_path, "ingest", ticks):
            pass
    assert len({event["run"]["runId"] for event in events(tmp_path)}) == 2


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("run", {"runId": "not-a-uuid", "facets": {}}),
        ("eventTime", "yesterday"),
        ("job", {"namespace": "n", "name": "x", "facets": {}, "colour": "red"}),
        ("outputs", [{"namespace": "file"}]),
    ],
)
def test_an_event_that_is_not_as_specified_is_found(tmp_path: Path, ticks: Clock, part: str, change: object) -> None:
    with job(tmp_path, "ingest", ticks):
        pass
    event = events(tmp_path)[-1]
    event[part] = change
    with pytest.raises((TypeError, ValueError, KeyError)):
        as_specified(event)


def test_a_place_that_takes_no_events_says_so(tmp_path: Path, ticks: Clock) -> None:
    (tmp_path / FOLDER).write_text("a file in the way")
    with pytest.raises(PlaceError, match="event"), job(tmp_path, "ingest", ticks):
        pass
