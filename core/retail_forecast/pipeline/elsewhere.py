"""Jobs on the hosts of a cloud: channels go up, a job is started or found again, and its bundle comes back.

What is learned and how it is measured and recorded is the same as on this machine: the hosts run the same container,
and everything after the fit happens here.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
from retail_forecast.clouds.aws.artifacts import fetch_model, upload
from retail_forecast.clouds.aws.definitions import (
    OBJECTIVE,
    Search,
    Work,
    training_definition,
    tuning_definition,
)
from retail_forecast.clouds.aws.jobs import (
    TRAINING,
    TUNING,
    Kind,
    Pause,
    Started,
    ended,
    found,
    submit,
)
from retail_forecast.clouds.aws.outputs import Outputs, account_of, outputs_of
from retail_forecast.clouds.aws.requests import Definition
from retail_forecast.clouds.local_hosts import Log
from retail_forecast.domain.errors import PlaceError
from retail_forecast.domain.settings import AwsSettings, Settings
from retail_forecast.lake.channel import export_channel
from retail_forecast.models.search import Choice, Parameter, Range
from retail_forecast.models.tuning import Best
from retail_forecast.pipeline.together import Job

__all__ = ["Asked", "SageMaker", "sagemaker"]


Channels = Mapping[str, Callable[[Path], list[Path]]]
"""By name, what writes a data channel into a folder; returns its files."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What SageMaker is asked for, and the channels that it needs."""

    kind: Kind
    definition: Definition
    channels: Channels

    @property
    def request(self) -> dict[str, Any]:
        """The request of the first attempt."""
        return {self.kind.name: self.definition.name, **self.definition.request}


@dataclass(frozen=True, slots=True)
class SageMaker:
    """Hosts of Amazon SageMaker.

    Attributes
    ----------
    account, outputs, aws : the environment that jobs run in, and how
    hosts : of a training job
    threads : of each host
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
        about = self.followed(self.start(self.training(job)))
        with TemporaryDirectory(prefix="retail-forecast-job-") as folder:
            fetch_model(self.account, about["ModelArtifacts"]["S3ModelArtifacts"], Path(folder) / "model")
            yield Path(folder) / "model"

    def training(self, job: Job, held_out: NDArray[np.intp] | None = None) -> Asked:
        """What is asked for `job`, which is judged on the baskets at `held_out` where they are given.

        Raises
        ------
        UsageError : the environment does not allow such a job
        """
        work, channels = self._work(job, held_out)
        return Asked(TRAINING, training_definition(self.outputs, self.aws, work, version("retail-forecast")), channels)

    def tuning(self, job: Job, held_out: NDArray[np.intp], search: Search) -> Asked:
        """What is asked for jobs that differ in some settings of `job`, judged on the baskets at `held_out`.

        Raises
        ------
        UsageError : the environment does not allow such jobs
        """
        work, channels = self._work(job, held_out)
        return Asked(
            TUNING, tuning_definition(self.outputs, self.aws, work, search, version("retail-forecast")), channels
        )

    def _work(self, job: Job, held_out: NDArray[np.intp] | None) -> tuple[Work, Channels]:
        if held_out is None:
            return Work(job.work, job.hyperparameters, self.hosts), {"gold": job.export}
        judged = digest_of(job.gold.label[held_out].tobytes() + job.gold.shop_week[held_out].tobytes())
        name = digest_of(msgspec.json.encode([job.work, judged]))

        def write(folder: Path) -> list[Path]:
            return export_channel(job.gold, held_out, folder, 1, job.facts)

        channels = {"gold": job.export, "validation": write}
        return Work(name, job.hyperparameters, self.hosts, tuple(channels)), channels

    def start(self, asked: Asked) -> Started:
        """Start what is asked for, unless it runs or has ended well already.

        Raises
        ------
        PlaceError : AWS refused
        """
        job = found(self.account, asked.kind, asked.definition)
        if job.there:
            self.log(f"{job.kind.title} {job.name} was started before")
            return job
        with TemporaryDirectory(prefix="retail-forecast-channels-") as folder:
            for name, write in asked.channels.items():
                files = write(Path(folder) / name)
                upload(self.account, {f"{asked.definition.root}/input/{name}/{file.name}": file for file in files})
        submit(self.account, asked.definition, job)
        self.log(f"{job.kind.title} {job.name} started")
        return job

    def followed(self, job: Started) -> dict[str, Any]:
        """How SageMaker describes a job once it has ended well.

        Raises
        ------
        PlaceError : AWS refused, or the job failed or was stopped; says why
        """
        try:
            return ended(self.account, job, self.log, self.pause)
        except KeyboardInterrupt:
            self.log(f"{job.kind.title} {job.name} goes on; the same command follows it again")
            raise

    def best(
        self, usual: Started, tuning: Started | None, space: Sequence[Parameter], start: Mapping[str, Any]
    ) -> Best:
        """The best of a job with the settings `start`, and of the jobs of a tuning that searches `space`.

        Raises
        ------
        PlaceError : as of `followed`
        """
        names = [parameter.name for parameter in space]
        first = Best(_figure(self.followed(usual)), {name: start[name] for name in names}, 1, 0)
        if tuning is None:
            return first
        about = self.followed(tuning)
        found, done = about.get("BestTrainingJob"), 1 + about["TrainingJobStatusCounters"]["Completed"]
        value = found["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] if found else first.value
        if not found or value <= first.value:
            return replace(first, trials=done)
        return Best(value, {p.name: _value(p, found["TunedHyperParameters"][p.name]) for p in space}, done, 0)


def sagemaker(workspace: Path, settings: Settings, hosts: int, log: Log) -> SageMaker:
    """SageMaker as the settings name it.

    Each host takes as many threads as this machine would: with another number, sums are taken in another order, and the
    model is another one in its last bits.

    Raises
    ------
    UsageError : the outputs of the environment cannot be read
    """
    outputs = outputs_of(workspace, settings.aws)
    pause = partial(time.sleep, settings.aws.poll_s)
    threads = settings.train.threads or os.cpu_count() or 1
    return SageMaker(account_of(outputs), outputs, settings.aws, hosts, threads, log, pause)


def _figure(about: Mapping[str, Any]) -> float:
    """What the objective of tuning came to in a training job."""
    found = {metric["MetricName"]: float(metric["Value"]) for metric in about.get("FinalMetricDataList", [])}
    if OBJECTIVE not in found:
        raise PlaceError(
            f"the job told no {OBJECTIVE}",
            where=str(about["TrainingJobName"]),
            mend="use an image of this version of retail-forecast",
        )
    return found[OBJECTIVE]


def _value(parameter: Parameter, text: str) -> float | int | str:
    """A setting in its own type, for SageMaker passes text only."""
    match parameter:
        case Range(whole=True):
            return int(text)
        case Range():
            return float(text)
        case Choice():
            return text
