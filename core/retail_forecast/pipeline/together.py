"""Training on several hosts that are processes of this machine: the job of a training container, without a container.

The job has a folder of its own in the workspace, named by what it learns: the same command, repeated after an
interruption, finds its checkpoint there. The folder goes when the job is done.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from retail_forecast.bundle.manifest import digest_of, read_manifest
from retail_forecast.bundle.products import read_products
from retail_forecast.bundle.scorer import MODEL, VOCABULARIES
from retail_forecast.clouds.local_hosts import LocalHosts, Log, lay_out_hosts
from retail_forecast.domain.settings import TrainSettings
from retail_forecast.domain.tasks import Task
from retail_forecast.lake.channel import export_channel
from retail_forecast.lake.reading import Labelled
from retail_forecast.models.fitting import Fitted

__all__ = ["Place", "fit_on_hosts"]

_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Place:
    """Where a job runs.

    Attributes
    ----------
    workspace : holds the folder of the job
    hosts : how many processes
    threads : of all of them together
    log : is told what each host writes
    """

    workspace: Path
    hosts: int
    threads: int
    log: Log


def fit_on_hosts(
    place: Place,
    task: Task,
    model: tuple[str, Mapping[str, Any]],
    gold: Labelled,
    rows: NDArray[np.intp],
    settings: TrainSettings,
    facts: Mapping[str, Any],
) -> Fitted:
    """Fit a learner on the baskets at `rows`, dealt to the hosts.

    Parameters
    ----------
    model : name of the learner, and its settings
    facts : where the baskets come from; with them and the labels, the job is told from others

    Raises
    ------
    Interrupted : the hosts were asked to stop; the same call goes on from their checkpoint
    PlaceError : a host failed or was lost
    """
    (name, own), each = model, max(1, place.threads // place.hosts)
    given = {"task": task.value, "model": name, **own, **settings.model_dump(), "threads": each}
    hyperparameters = {key: value if isinstance(value, str) else _text(value) for key, value in given.items()}
    labels = digest_of(gold.label[rows].tobytes() + gold.shop_week[rows].tobytes())
    known = {**facts, "baskets": len(rows), "labels": labels}
    work = digest_of(msgspec.json.encode([hyperparameters, known, place.hosts], order="sorted"))[:_DIGITS]
    folder = place.workspace / "jobs" / work
    parts = export_channel(gold, rows, folder / "parts", place.hosts, known)
    containers = lay_out_hosts(folder, parts, hyperparameters)
    with LocalHosts(containers, each, place.log) as running:
        running.wait()
    fitted = _read(containers[0].model)
    shutil.rmtree(folder)
    return fitted


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _read(folder: Path) -> Fitted:
    """The model of a bundle that a job left."""
    manifest = read_manifest(folder)
    model = (folder / MODEL).read_bytes()
    if VOCABULARIES not in manifest.files:
        return Fitted(manifest.task, model, read_products(folder), {}, manifest.prior)
    vocabularies = msgspec.json.decode((folder / VOCABULARIES).read_bytes(), type=dict[str, dict[str, int]])
    return Fitted(manifest.task, model, None, vocabularies, manifest.prior)
