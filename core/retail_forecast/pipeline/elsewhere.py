"""Jobs on the hosts of a cloud: channels go up, a job is started or found again, and its bundle comes back.

What is learned and how it is measured and recorded is the same as on this machine: the hosts run the same container,
and everything after the fit happens here.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from retail_forecast.bundle.manifest import digest_of
from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.definitions import Definition, Search, Work, training_definition, tuning_definition
from retail_forecast.clouds.aws.jobs import (
    TRAINING,
    TUNING,
    Kind,
    Pause,
    Started,
    ended,
    fetch_model,
    found,
    submit,
    upload,
)
from retail_forecast.clouds.aws.outputs import Outputs, account_of, outputs_of
from retail_forecast.clouds.local_hosts import Log
from retail_forecast.domain.errors import DataError
from retail_forecast.domain.settings import AwsSettings, Settings
from retail_forecast.lake.channel import export_channel
from retail_forecast.models.search import Choice, Parameter, Range, sagemaker_ranges
from retail_forecast.models.tuning import Best
from retail_forecast.pipeline.together import Job

__all__ = ["SageMaker", "sagemaker"]


@dataclass(frozen=True, slots=True)
class SageMaker:
    """Hosts of Amazon SageMaker.

    Attributes
    ----------
    account, outputs, aws : the environment that jobs run in, and how
    hosts : of a training job
    threads : of each host; 0 = all that it has
    log : is told each step of a job
    pause : between two looks at a job
    """

    account: Account
    outputs: Outputs
    aws: AwsSettings
    hosts: int
    threads: int
    log: Log
    pause: Pause

    @contextmanager
    def carried_out(self, job: Job) -> Iterator[Path]:
        """The folder of the bundle that `job` left, as long as the block lasts.

        Raises
        ------
        UsageError : the environment does not allow such a job
        PlaceError : AWS refused, or the job failed or was stopped; says why
        BundleError : what the job left is damaged
        """
        started = self.started(job)
        with TemporaryDirectory(prefix="retail-forecast-job-") as folder:
            about = self._followed(started)
            fetch_model(self.account, about["ModelArtifacts"]["S3ModelArtifacts"], Path(folder) / "model")
            yield Path(folder) / "model"

    def started(self, job: Job) -> Started:
        """Start `job`, unless it runs or has ended well already; errors as of `carried_out`."""
        return self._started(TRAINING, self.definition(job), {"gold": job.export})

    def definition(self, job: Job) -> Definition:
        """What SageMaker is asked for `job`."""
        work = Work(job.work, job.hyperparameters, self.hosts)
        return training_definition(self.outputs, self.aws, work, version("retail-forecast"))

    def search(
        self,
        job: Job,
        held_out: NDArray[np.intp],
        space: tuple[Parameter, ...],
        *,
        trials: int,
        seed: int,
        timeout_s: float | None,
    ) -> Best:
        """The best of `trials` jobs that differ in the settings of `space`, judged on the baskets at `held_out`.

        Raises
        ------
        DataError : no trial finished within the time
        UsageError, PlaceError : as of `carried_out`
        """
        judged = digest_of(job.gold.label[held_out].tobytes() + job.gold.shop_week[held_out].tobytes())
        name = digest_of(msgspec.json.encode([job.work, judged]))
        work = Work(name, job.hyperparameters, self.hosts, ("gold", "validation"))
        search = Search(sagemaker_ranges(space), trials, seed, timeout_s)
        definition = tuning_definition(self.outputs, self.aws, work, search, version("retail-forecast"))
        write = partial(export_channel, job.gold, held_out, parts=1, facts=job.facts)
        about = self._followed(self._started(TUNING, definition, {"gold": job.export, "validation": write}))
        return _best(about, space)

    def _started(self, kind: Kind, definition: Definition, channels: Mapping[str, Any]) -> Started:
        job = found(self.account, kind, definition)
        if job.there:
            self.log(f"{kind.title} {job.name} was started before")
            return job
        with TemporaryDirectory(prefix="retail-forecast-channels-") as folder:
            for name, write in channels.items():
                files = write(folder=Path(folder) / name)
                upload(self.account, {f"{definition.root}/input/{name}/{file.name}": file for file in files})
        submit(self.account, definition, job)
        self.log(f"{kind.title} {job.name} started")
        return job

    def _followed(self, job: Started) -> dict[str, Any]:
        try:
            return ended(self.account, job, self.log, self.pause)
        except KeyboardInterrupt:
            self.log(f"{job.kind.title} {job.name} goes on; the same command follows it again")
            raise


def sagemaker(workspace: Path, settings: Settings, hosts: int, log: Log) -> SageMaker:
    """SageMaker as the settings name it.

    Raises
    ------
    UsageError : the outputs of the environment cannot be read
    """
    outputs = outputs_of(workspace, settings.aws)
    pause = partial(time.sleep, settings.aws.poll_s)
    return SageMaker(account_of(outputs), outputs, settings.aws, hosts, settings.train.threads, log, pause)


def _best(about: Mapping[str, Any], space: tuple[Parameter, ...]) -> Best:
    best = about.get("BestTrainingJob")
    if not best:
        raise DataError(
            "no trial finished",
            where=str(about["HyperParameterTuningJobName"]),
            mend="give more time with --timeout, or look why the jobs failed",
        )
    chosen = {parameter.name: _value(parameter, best["TunedHyperParameters"][parameter.name]) for parameter in space}
    value = best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
    return Best(value, chosen, about["TrainingJobStatusCounters"]["Completed"], 0)


def _value(parameter: Parameter, text: str) -> float | int | str:
    """A setting in its own type, for SageMaker passes text only."""
    match parameter:
        case Range(whole=True):
            return int(text)
        case Range():
            return float(text)
        case Choice():
            return text
