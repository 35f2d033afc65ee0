"""Changing: a new champion is verified, loaded and tried beside the one that answers, and then takes its place.

Requests under way keep the model they began with. A bundle that cannot be opened is told in the log, in `/model` and in
`/metrics`, and the model before goes on answering. A rollback is written into the folder that the workers share, so
that all of them answer with the same model; it holds until the pointer names another champion, or until a reload.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from threading import Lock

import msgspec

from retail_forecast.bundle.pointer import Pointer, read_pointer
from retail_forecast.domain.errors import RetailForecastError
from retail_forecast.domain.tasks import Task
from retail_forecast_server.metrics import Metrics
from retail_forecast_server.models import Model, Source, load_model
from retail_forecast_server.problems import Problem
from retail_forecast_server.pulled import figures, read_state
from retail_forecast_server.shelf import Shelf

__all__ = ["Changer"]

_LOG = logging.getLogger(__name__)

_TELL = timedelta(minutes=1)
"""How often the log tells how following a registry goes."""


class _Rollback(msgspec.Struct, frozen=True):
    """Instead of champion number `leaves`, `pointer` answers."""

    leaves: int
    pointer: Pointer


@dataclass(slots=True)
class Changer:
    """Keeps a shelf as the champion pointers say.

    Attributes
    ----------
    shelf : what answers
    source : where champions are
    metrics : told of each change
    folder : that the workers share
    """

    shelf: Shelf
    source: Source
    metrics: Metrics
    folder: Path
    _left: dict[Task, Pointer] = field(default_factory=dict)
    _reloaded: int = 0
    _told: datetime | None = None
    _lock: Lock = field(default_factory=Lock)

    async def run(self, every_s: float) -> None:
        """Look every `every_s` seconds, until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            await asyncio.to_thread(self.look)

    def look(self) -> None:
        """Let the champions in force answer, of all tasks whose champion changed."""
        if self.source.folder is not None:
            return
        with self._lock:
            self.look_at_registry()
            asked = self._asked()
            if asked != self._reloaded:
                self._reloaded = asked
                self._left.clear()
            for task in Task:
                self._look_at(task)

    def look_at_registry(self) -> None:
        """Tell how pulling goes, where champions are pulled from a store."""
        self.shelf.registry = read_state(self.source.workspace)
        if self.shelf.registry is None:
            return
        self.metrics.registry_read(self.shelf.registry)
        now = datetime.now(UTC)
        if self._told is None or now - self._told >= _TELL:
            self._told = now
            _LOG.info("registry followed", extra={"fields": figures(self.shelf.registry, now)})

    def reload(self) -> None:
        """Look at once, try again what could not be opened, and end rollbacks; the other workers do when they look."""
        for file in self.folder.glob("rollback-*"):
            file.unlink(missing_ok=True)
        (self.folder / "reload").write_bytes(b"")
        self.look()

    def roll_back(self, task: Task) -> None:
        """Let the model before answer again.

        Raises
        ------
        Problem : there is none
        """
        with self._lock:
            now, before = self.shelf.get(task), self.shelf.previous(task)
            pointer = _pointer(before) if before else self._before(task, now)
            if pointer is None or now.champion is None:
                raise Problem(HTTPStatus.CONFLICT, f"Task {task} has no model before this one to roll back to.")
            beside = self.folder / f".rollback-{task}"
            beside.write_bytes(msgspec.json.encode(_Rollback(now.champion, pointer)))
            beside.replace(self.folder / f"rollback-{task}")
            self._look_at(task)

    def _look_at(self, task: Task) -> None:
        try:
            wanted = self._wanted(task)
            if wanted is None:
                self.shelf.explain(task, self.source.none_for(task))
                return
            if self._answers(task, wanted) or self._left.get(task) == wanted:
                return
            self._left[task] = wanted
            before = self.shelf.previous(task)
            kept = before is not None and _is(before, wanted)
            self._put(task, before if before is not None and kept else load_model(self.source, task, wanted))
            del self._left[task]
        except RetailForecastError as error:
            self.shelf.refuse(task, error.what)
            self.metrics.change(task, "refused")
            fields = {"task": task, "what": error.what, "where": error.where, "mend": error.mend}
            _LOG.error("champion left, the model before answers", extra={"fields": fields})

    def _put(self, task: Task, model: Model) -> None:
        gone = self.shelf.put(task, model)
        if gone is not None:
            self.metrics.model(task, gone.version, gone.bundle.digest, in_force=False)
        self.metrics.model(task, model.version, model.bundle.digest, in_force=True)
        self.metrics.change(task, "loaded")
        fields = {"task": task, "model_version": model.version, "digest": model.bundle.digest}
        _LOG.info("model changed", extra={"fields": fields})

    def _wanted(self, task: Task) -> Pointer | None:
        pointer = read_pointer(self.source.workspace, task)
        file = self.folder / f"rollback-{task}"
        if pointer is None or not file.exists():
            return pointer
        rollback = msgspec.json.decode(file.read_bytes(), type=_Rollback)
        return rollback.pointer if rollback.leaves == pointer.version else pointer

    def _before(self, task: Task, model: Model) -> Pointer | None:
        """What the journal has before `model`, for a worker that began with it."""
        return None if model.champion is None else read_pointer(self.source.workspace, task, model.champion)

    def _answers(self, task: Task, pointer: Pointer) -> bool:
        return any(model.task is task and _is(model, pointer) for model in self.shelf.models)

    def _asked(self) -> int:
        file = self.folder / "reload"
        return file.stat().st_mtime_ns if file.exists() else 0


def _pointer(model: Model) -> Pointer | None:
    return None if model.champion is None else Pointer(model.champion, model.version, model.bundle.digest)


def _is(model: Model, pointer: Pointer) -> bool:
    return (model.champion, model.bundle.digest) == (pointer.version, pointer.bundle_digest)
