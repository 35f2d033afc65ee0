"""The model a server answers with: a verified bundle, or the reason why there is none."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from retail_forecast.bundle.manifest import Manifest, read_manifest
from retail_forecast.bundle.pointer import Pointer, champion_folder, read_pointer
from retail_forecast.bundle.scorer import Bundle, Predictions, load_bundle
from retail_forecast.domain.basket import Basket, Line
from retail_forecast.domain.calendar import week_at
from retail_forecast.domain.errors import BundleError, RetailForecastError
from retail_forecast.domain.tasks import Task
from retail_forecast_server.problems import Problem
from retail_forecast_server.pulled import read_state

__all__ = ["Described", "Followed", "Model", "NoModel", "Source", "load_model", "open_model", "task_of"]

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Source:
    """Where bundles come from: the champions of a workspace, unless the folder of a bundle is given."""

    workspace: Path
    folder: Path | None = None

    def none_for(self, task: Task) -> str:
        """Why `task` has no champion: none was promoted, or the store that they come from says otherwise."""
        pulled = read_state(self.workspace)
        if pulled is not None and task in pulled.refused:
            return f"the champion of task {task} cannot be used: {pulled.refused[task]}"
        if pulled is not None and pulled.read is None:
            return "the registry could not be read yet; the log says why"
        return f"task {task} has no champion yet"


@dataclass(frozen=True, slots=True)
class Model:
    """A bundle that was verified, loaded and tried.

    Attributes
    ----------
    bundle : what answers
    champion : version of the champion pointer that named it; None when its folder was given
    """

    bundle: Bundle
    champion: int | None

    @property
    def version(self) -> str:
        """Name of the run that made the bundle."""
        return self.bundle.manifest.run_id

    @property
    def task(self) -> Task:
        """What it answers."""
        return self.bundle.manifest.task

    def predict(self, rows: Sequence[Basket]) -> Predictions:
        """Answer for the baskets of a request."""
        return self.bundle.predict_rows(rows)

    def describe(self) -> "Described":
        """The manifest, and what identifies the bundle."""
        history = _followed(self.bundle)
        return Described(self.version, self.task, self.bundle.digest, self.champion, self.bundle.manifest, history)


class Described(msgspec.Struct, frozen=True):
    """What answers.

    Attributes
    ----------
    digest : of the bundle's manifest, which covers all its files
    champion_version : number of the champion pointer; None when the bundle's folder was given
    manifest : what the bundle says of itself: data, windows, figures and what they are from
    history : what it knows of customers and stores; None where it does not look at their past
    """

    model_version: str
    task: Task
    digest: str
    champion_version: int | None
    manifest: Manifest
    history: "Followed | None" = None


class Followed(msgspec.Struct, frozen=True):
    """What a model knows of customers and stores.

    Attributes
    ----------
    source : where its newest weeks come from: the bundle, or a snapshot
    weeks : YYYYWW, the ends of which it can tell; a basket is answered by the newest that was known when it began
    sha256 : digest of the snapshot
    """

    source: Literal["bundle", "snapshot"]
    weeks: tuple[int, ...]
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class NoModel:
    """Why there is no model; `reason` names no path of this machine."""

    reason: str

    def refusal(self) -> Problem:
        """The answer to whoever asks for one all the same."""
        return Problem(HTTPStatus.SERVICE_UNAVAILABLE, f"No model is loaded: {self.reason}.")


def load_model(source: Source, task: Task, pointer: Pointer | None) -> Model:
    """Verify, load and try the bundle that `pointer` names, or the one whose folder was given.

    Raises
    ------
    RetailForecastError : it cannot answer
    """
    model = _open(source, task, pointer)
    _try(model)
    return model


def open_model(source: Source, task: Task) -> Model | NoModel:
    """Verify, load and try the bundle that answers `task`; a server without one starts all the same and says why."""
    try:
        model = load_model(source, task, None if source.folder else read_pointer(source.workspace, task))
    except RetailForecastError as error:
        fields = {"task": task, "what": error.what, "where": error.where, "mend": error.mend}
        level = logging.INFO if isinstance(error, _NoChampion) else logging.ERROR
        _LOG.log(level, "no model", extra={"fields": fields})
        return NoModel(error.what)
    fields = {"task": task, "model_version": model.version, "digest": model.bundle.digest}
    _LOG.info("model loaded", extra={"fields": fields})
    return model


def task_of(folder: Path) -> Task:
    """What the bundle in `folder` answers; the default task when that cannot be read, so that opening it says why."""
    try:
        return read_manifest(folder).task
    except BundleError:
        return Task.BASKET


class _NoChampion(BundleError):
    """A task for which nothing was promoted, which is no fault."""


def _open(source: Source, task: Task, pointer: Pointer | None) -> Model:
    if source.folder is not None:
        return Model(load_bundle(source.folder), None)
    if pointer is None:
        raise _NoChampion(
            source.none_for(task),
            where=str(source.workspace),
            mend="promote a run; the server takes it up by itself",
        )
    bundle = load_bundle(champion_folder(source.workspace, pointer), pointer.bundle_digest)
    return Model(bundle, pointer.version)


def _followed(bundle: Bundle) -> Followed | None:
    if bundle.history is None:
        return None
    if bundle.snapshot is None:
        return Followed("bundle", (week_at(bundle.history.week),))
    weeks = {week_at(history.week) for history in (bundle.history, *bundle.snapshot.histories)}
    return Followed("snapshot", tuple(sorted(weeks)), bundle.snapshot.sha256)


def _try(model: Model) -> None:
    """Ask once, so that the first client does not wait, and a model that cannot answer is never ready."""
    answers = model.predict([Basket((Line(1, 0.0),))])
    if not np.isclose(answers.probabilities.sum(), 1.0):
        raise BundleError("the model does not answer with probabilities", where=model.version, mend="train again")
