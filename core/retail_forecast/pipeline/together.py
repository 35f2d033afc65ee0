"""Fitting as a job: what a training container learns, on hosts that are processes of this machine or a cloud's.

A job is the same wherever it runs: the channel of baskets, one part a host, and hyperparameters in; a bundle out. On
this machine it has a folder of its own in the workspace, named by what it learns: the same command, repeated after an
interruption, finds its checkpoint there. The folder goes when the job is done.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from retail_forecast.bundle.manifest import digest_of, read_manifest
from retail_forecast.bundle.products import read_products
from retail_forecast.bundle.scorer import MODEL, VOCABULARIES
from retail_forecast.clouds.local_hosts import LocalHosts, Log, lay_out_hosts
from retail_forecast.domain.settings import TrainSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.kernel.arrival import SEGMENT_FEATURES
from retail_forecast.lake.channel import export_channel
from retail_forecast.lake.reading import Labelled
from retail_forecast.models.fitting import Fitted

__all__ = ["Here", "Job", "Place", "fit_on_hosts", "job_of"]

_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Job:
    """What hosts are to learn.

    Attributes
    ----------
    work : digest of all that the result depends on
    hosts : how many learn together
    hyperparameters : all of them text
    gold, rows : the baskets, and which of them are learned from
    facts : what each part says of the data
    """

    work: str
    hosts: int
    hyperparameters: Mapping[str, str]
    gold: Labelled
    rows: NDArray[np.intp]
    facts: Mapping[str, Any]

    def export(self, folder: Path) -> list[Path]:
        """Write the channel, one part a host; returns the files."""
        return export_channel(self.gold, self.rows, folder, self.hosts, self.facts)


class Place(Protocol):
    """Where jobs run: `hosts` learn together, each with so many `threads`."""

    @property
    def hosts(self) -> int:
        """How many learn together."""

    @property
    def threads(self) -> int:
        """Of each host."""

    def carried_out(self, job: Job) -> AbstractContextManager[Path]:
        """The folder of the bundle that `job` left, as long as the block lasts."""


@dataclass(frozen=True, slots=True)
class Here:
    """Processes of this machine.

    Attributes
    ----------
    workspace : holds the folder of the job
    hosts : how many processes
    threads : of each of them
    log : is told what each host writes
    """

    workspace: Path
    hosts: int
    threads: int
    log: Log

    @contextmanager
    def carried_out(self, job: Job) -> Iterator[Path]:
        """The folder of the bundle that `job` left, as long as the block lasts."""
        folder = self.workspace / "jobs" / job.work[:_DIGITS]
        containers = lay_out_hosts(folder, job.export(folder / "parts"), job.hyperparameters)
        with LocalHosts(containers, self.threads, self.log) as running:
            running.wait()
        yield containers[0].model
        shutil.rmtree(folder)


def fit_on_hosts(place: Place, job: Job) -> Fitted:
    """The model that `job` leaves at `place`.

    Raises
    ------
    Interrupted : the hosts were asked to stop; the same call goes on from their checkpoint
    PlaceError : a host failed or was lost
    """
    with place.carried_out(job) as folder:
        return _read(folder)


def job_of(
    place: Place,
    task: Task,
    model: tuple[str, Mapping[str, Any]],
    gold: Labelled,
    rows: NDArray[np.intp],
    settings: TrainSettings,
    facts: Mapping[str, Any],
) -> Job:
    """The job that fits a learner on the baskets at `rows`, dealt to the hosts of `place`.

    Parameters
    ----------
    model : name of the learner, and its settings
    facts : where the baskets come from; with them and the labels, the job is told from others
    """
    name, own = model
    given = {"task": task.value, "model": name, **own, **settings.model_dump(), "threads": place.threads}
    hyperparameters = {key: value if isinstance(value, str) else _text(value) for key, value in given.items()}
    labels = digest_of(gold.label[rows].tobytes() + gold.shop_week[rows].tobytes())
    told = {**facts, "baskets": len(rows), "labels": labels}
    if gold.baskets.known is not None:
        told["known"] = digest_of(gold.baskets.known[rows].tobytes())
    work = digest_of(msgspec.json.encode([hyperparameters, told, place.hosts], order="sorted"))
    return Job(work, place.hosts, hyperparameters, gold, rows, told)


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _read(folder: Path) -> Fitted:
    """The model of a bundle that a job left; one of `arrival` is without what is known at its end."""
    manifest = read_manifest(folder)
    model = (folder / MODEL).read_bytes()
    segments = set(SEGMENT_FEATURES) <= set(manifest.features)
    if VOCABULARIES not in manifest.files:
        return Fitted(manifest.task, model, read_products(folder), {}, manifest.prior)
    vocabularies = msgspec.json.decode((folder / VOCABULARIES).read_bytes(), type=dict[str, dict[str, int]])
    return Fitted(manifest.task, model, None, vocabularies, manifest.prior, segments=segments)
