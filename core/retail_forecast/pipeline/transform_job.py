"""Batch scoring by a cloud: the baskets of the lake go up as lines, the server's image answers them, and the answers
are written here as `predict` writes its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pyarrow as pa

from retail_forecast.bundle.manifest import digest_of
from retail_forecast.clouds.addresses import Address
from retail_forecast.clouds.aws.artifacts import fetch, listed, pack_model
from retail_forecast.clouds.aws.jobs import TRANSFORM, ended, found, stop
from retail_forecast.clouds.aws.refusals import Refusal, Refused
from retail_forecast.clouds.aws.requests import Definition
from retail_forecast.clouds.aws.transform import ARCHIVE, counting, transform_definition
from retail_forecast.clouds.local_hosts import Log
from retail_forecast.domain.errors import PlaceError, UsageError
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.reading import read_gold
from retail_forecast.lake.state import LakeState
from retail_forecast.pipeline.bounds import weeks_between
from retail_forecast.pipeline.elsewhere import Asked, SageMaker, sagemaker
from retail_forecast.pipeline.exchange import read_answers, write_lines
from retail_forecast.pipeline.places import there
from retail_forecast.pipeline.predict import require_format, write_tables
from retail_forecast.pipeline.resolve import resolve_bundle
from retail_forecast.pipeline.scoring import spans_of
from retail_forecast.pipeline.workspace import bundle_path, lake_path, lake_state

__all__ = ["predict_elsewhere"]


@dataclass(frozen=True, slots=True)
class _Scoring:
    """What is answered: spans of weeks of a state of the lake, a file each."""

    workspace: Path
    state: LakeState
    run_id: str
    spans: tuple[tuple[int, ...], ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Names of the files, in the order of weeks."""
        return tuple(f"weeks-{span[0]}-{span[-1]}.jsonl" for span in self.spans)

    def write_baskets(self, folder: Path) -> list[Path]:
        """Write the baskets as the server takes them, a line each; returns the files."""
        folder.mkdir()
        files = [folder / name for name in self.files]
        for file, span in zip(files, self.spans, strict=True):
            write_lines(read_gold(lake_path(self.workspace), self.state, span).baskets, file)
        return files

    def write_model(self, folder: Path) -> list[Path]:
        """Pack the bundle; returns the archive."""
        return [pack_model(bundle_path(self.workspace, self.run_id), folder / ARCHIVE)]


def predict_elsewhere(
    workspace: Path,
    settings: Settings,
    output: Address,
    *,
    model: str,
    task: Task,
    from_week: int | None,
    to_week: int | None,
    log: Log,
) -> tuple[str, int]:
    """What `scoring.predict_lake` does, by a batch transform of SageMaker. The same call finds answers that are there.

    An interruption stops the job; its model goes whatever happens.

    Raises
    ------
    UsageError : as of `predict_lake`, the task is `arrival`, or the environment does not allow such a job
    DataError : nothing has been ingested yet
    PlaceError : AWS refused, the job failed or was stopped, or its answers are not those for these baskets
    """
    require_format(output)
    if task is Task.ARRIVAL:
        raise UsageError(
            "what is known of arrivals is followed from week to week, on this machine",
            where="--cloud",
            mend="leave --cloud out for --task arrival",
        )
    bundle, state = resolve_bundle(workspace, model, task), lake_state(workspace)
    weeks = weeks_between(state, from_week, to_week)
    scoring = _Scoring(workspace, state, bundle.manifest.run_id, tuple(spans_of(weeks)))
    place = sagemaker(workspace, settings, 1, log)
    work = digest_of(msgspec.json.encode([bundle.digest, state.number, state.tables, weeks], order="sorted"))
    definition = transform_definition(place.outputs, place.aws, work, scoring.files, version("retail-forecast"))
    channels = {"baskets": scoring.write_baskets, "model": scoring.write_model}
    with _tidied(place, definition):
        job = place.start(Asked(TRANSFORM, definition, channels))
        ended(place.account, job, place.log, counting(place.account, definition, place.log, place.pause))
    with there(output) as file:
        write_tables(_answered(place, definition, scoring), file)
    return scoring.run_id, sum(state.weeks[week].baskets for week in weeks)


@contextmanager
def _tidied(place: SageMaker, definition: Definition) -> Iterator[None]:
    """Remove the model of a job when the block ends, and stop the job where it ends badly and the job still runs."""
    try:
        yield
    except BaseException:
        # What went wrong is told, and not that a job which has ended cannot be stopped.
        with suppress(PlaceError):
            job = found(place.account, TRANSFORM, definition)
            if job.there:
                stop(place.account, TRANSFORM, job.name)
        with suppress(PlaceError):
            _remove_model(place, definition)
        raise
    _remove_model(place, definition)


def _remove_model(place: SageMaker, definition: Definition) -> None:
    assert definition.model is not None  # noqa: S101 - a transform has one
    try:
        place.account.call("sagemaker", "delete_model", ModelName=definition.model["ModelName"])
    except Refused as error:
        if error.kind is not Refusal.ABSENT:
            raise


def _answered(place: SageMaker, definition: Definition, scoring: _Scoring) -> Iterator[pa.Table]:
    """The answers, a table for each span of weeks."""
    addresses = listed(place.account, definition.output)
    for name, span in zip(definition.leaves, scoring.spans, strict=True):
        asked = read_gold(lake_path(scoring.workspace), scoring.state, span, lines=False).baskets
        with TemporaryDirectory(prefix="retail-forecast-answers-") as folder:
            fetch(place.account, addresses[name], Path(folder) / name)
            yield read_answers(Path(folder) / name, asked, addresses[name])
