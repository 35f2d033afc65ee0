"""Jobs of SageMaker: found or started, followed and stopped.

A job is known by the digest of its request, so that the same command, repeated, finds the job that runs or has ended
well instead of starting a second one. After a failure or a stop the next attempt has a name of its own, and the same
checkpoints.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from retail_forecast.clouds.aws.account import Account
from retail_forecast.clouds.aws.artifacts import lies, listed
from retail_forecast.clouds.aws.logs import JobLog
from retail_forecast.clouds.aws.refusals import Refusal, Refused, mend_of, refusal_of
from retail_forecast.clouds.aws.requests import Definition
from retail_forecast.domain.cloud import Tell
from retail_forecast.domain.errors import PlaceError

__all__ = [
    "PROCESSING",
    "TRAINING",
    "TRANSFORM",
    "TUNING",
    "Kind",
    "Pause",
    "Started",
    "ended",
    "found",
    "stop",
    "submit",
]

Pause = Callable[[], None]
"""Waits a while."""

_ATTEMPTS = 9  # the limits on names leave one digit


class Kind(NamedTuple):
    """What the calls of one kind of job are called, and their fields."""

    word: str
    """Operations are create_, describe_ and stop_ of it."""
    title: str
    name: str
    status: str
    group: str
    """Log group of its hosts; empty for a job of jobs."""
    again: str
    """What to do after a failure."""
    told: bool = True
    """Whether what its hosts write is told as it comes; else the end of it, when the job fails."""


_AGAIN = "repeat the command once the cause is mended"
_LOGS = "/aws/sagemaker"

TRAINING = Kind(
    "training_job",
    "training job",
    "TrainingJobName",
    "TrainingJobStatus",
    f"{_LOGS}/TrainingJobs",
    f"{_AGAIN}: it goes on from the checkpoint",
)
TUNING = Kind(
    "hyper_parameter_tuning_job",
    "tuning",
    "HyperParameterTuningJobName",
    "HyperParameterTuningJobStatus",
    "",
    _AGAIN,
)
TRANSFORM = Kind(
    "transform_job",
    "batch transform",
    "TransformJobName",
    "TransformJobStatus",
    f"{_LOGS}/TransformJobs",
    _AGAIN,
    told=False,
)
PROCESSING = Kind(
    "processing_job",
    "processing job",
    "ProcessingJobName",
    "ProcessingJobStatus",
    f"{_LOGS}/ProcessingJobs",
    _AGAIN,
)


@dataclass(frozen=True, slots=True)
class Started:
    """A job: the name of its latest attempt, and whether SageMaker has it already."""

    kind: Kind
    name: str
    there: bool


def found(account: Account, kind: Kind, definition: Definition) -> Started:
    """The attempt of `definition` that runs or has ended well, else the first name that is free.

    Raises
    ------
    Refused : AWS answered with an error
    PlaceError : every attempt ended badly
    """
    for number in range(1, _ATTEMPTS + 1):
        name = definition.name if number == 1 else f"{definition.name}-{number}"
        about = _described(account, kind, name)
        if about is None or about[kind.status] in ("InProgress", "Stopping") or _kept(account, kind, definition, about):
            return Started(kind, name, about is not None)
    raise PlaceError(
        f"{_ATTEMPTS} attempts ended badly", where=definition.name, mend="change the settings or the image of the job"
    )


def submit(account: Account, definition: Definition, job: Started) -> None:
    """Start `job`, and make its model before; one that somebody else has just started under its name is taken for it.

    Raises
    ------
    Refused : AWS answered with an error
    """
    if definition.model is not None:
        account.make("sagemaker", "create_model", **definition.model)
    account.make("sagemaker", f"create_{job.kind.word}", **{job.kind.name: job.name}, **definition.request)


def stop(account: Account, kind: Kind, name: str) -> None:
    """Ask a job to stop: its hosts keep what they have reached, and the next attempt goes on from there.

    Raises
    ------
    Refused : AWS answered with an error
    """
    account.call("sagemaker", f"stop_{kind.word}", **{kind.name: name})


def ended(account: Account, job: Started, tell: Tell, pause: Pause) -> dict[str, Any]:
    """Follow a job to its good end; returns how SageMaker describes it then.

    Parameters
    ----------
    tell : is told each step that the job takes, and what its hosts write; of a job that had ended well before, only
        where its log is
    pause : between two looks

    Raises
    ------
    PlaceError : it failed or was stopped; says why, and how its log ends
    """
    about = _description(account, job.kind, job.name)
    if job.there and job.kind.group and about[job.kind.status] == "Completed":
        tell(f"{job.kind.title} {job.name} had ended; its log is in {job.kind.group}/{job.name}")
        return about
    log = JobLog(account, job.kind.group, job.name)
    about = _followed(account, job, about, log, tell, pause)
    if about[job.kind.status] != "Completed":
        log.news()
        raise _ill(job, about, log.end)
    return about


def _followed(
    account: Account, job: Started, about: dict[str, Any], log: JobLog, tell: Tell, pause: Pause
) -> dict[str, Any]:
    """How SageMaker describes a job, first by `about`, once it has ended in any way."""
    told: set[tuple[object, str]] = set()
    while True:
        for step in _steps(job.kind, about):
            if step not in told:
                tell(f"{job.kind.title} {job.name}: {step[1]}")
                told.add(step)
        for line in log.news() if job.kind.told else ():
            tell(f"{job.kind.title} {job.name}: {line}")
        if about[job.kind.status] not in ("InProgress", "Stopping"):
            return about
        pause()
        about = _description(account, job.kind, job.name)


def _description(account: Account, kind: Kind, name: str) -> dict[str, Any]:
    return account.call("sagemaker", f"describe_{kind.word}", **{kind.name: name})


def _described(account: Account, kind: Kind, name: str) -> dict[str, Any] | None:
    try:
        return _description(account, kind, name)
    except Refused as error:
        if error.kind is Refusal.ABSENT:
            return None
        raise


def _kept(account: Account, kind: Kind, definition: Definition, about: Mapping[str, Any]) -> bool:
    """Whether a job that is no longer running has left what it was started for."""
    if about[kind.status] != "Completed":
        return False
    if kind is TRAINING:
        return lies(account, about["ModelArtifacts"]["S3ModelArtifacts"])
    return not definition.leaves or set(definition.leaves) <= set(listed(account, definition.output))


def _steps(kind: Kind, about: Mapping[str, Any]) -> list[tuple[object, str]]:
    """What a job has done so far, each with what tells it from the same thing done again."""
    if kind is TUNING:
        counts, best = about["TrainingJobStatusCounters"], about.get("BestTrainingJob", {})
        done = f"{counts['Completed']} jobs done, {counts['InProgress']} running"
        metric = best.get("FinalHyperParameterTuningJobObjectiveMetric")
        return [(None, done + (f"; best {metric['MetricName']} {metric['Value']:.4f}" if metric else ""))]
    if "SecondaryStatusTransitions" not in about:
        return [(None, about[kind.status])]
    steps = [
        (step["StartTime"], ": ".join(filter(None, (step["Status"], step.get("StatusMessage", "")))))
        for step in about["SecondaryStatusTransitions"]
    ]
    if "BillableTimeInSeconds" in about:
        steps.append(
            (None, f"{about['TrainingTimeInSeconds']} s, of which {about['BillableTimeInSeconds']} s are paid")
        )
    return steps


def _ill(job: Started, about: Mapping[str, Any], log: str) -> PlaceError:
    """Why a job did not come to a good end."""
    told = "; ".join(filter(None, (about.get("FailureReason"), about.get("ExitMessage"))))
    reason = told or about.get("SecondaryStatus") or about[job.kind.status]
    kind = refusal_of(reason.partition(":")[0].strip())
    mend = job.kind.again if kind is Refusal.OTHER else mend_of(kind)
    ended_as = "was stopped" if about[job.kind.status] == "Stopped" else "failed"
    said = f"the {job.kind.title} {ended_as}: {reason}" + (f"; {log}" if log else "")
    return PlaceError(said, where=job.name, mend=mend)
