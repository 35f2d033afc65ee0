"""The shelf: the model in force for each task, and why a task has none.

A request takes its model from the shelf once and keeps it to its end, so that no answer is mixed from two models when
the shelf changes meanwhile.
"""

from collections.abc import Mapping

import msgspec

from retail_forecast.domain.tasks import Task
from retail_forecast_server.models import Described, Model, NoModel, Source, open_model, task_of
from retail_forecast_server.pulled import Pulled

__all__ = ["Missing", "Shelf", "Shelved", "open_shelf"]


class Missing(msgspec.Struct, frozen=True):
    """A task without a model, or without a new one, and why."""

    task: Task
    reason: str


class Shelved(msgspec.Struct, frozen=True):
    """What the server answers with.

    Attributes
    ----------
    default_task : the task that answers when a request names none
    models : the model of each task that has one
    missing : the tasks without
    refused : champions that could not be opened, while the model before goes on answering
    registry : how following the registry in a store goes; None where champions lie in the server's own workspace
    """

    default_task: Task
    models: tuple[Described, ...]
    missing: tuple[Missing, ...]
    refused: tuple[Missing, ...] = ()
    registry: Pulled | None = None


class Shelf:
    """The models of all tasks.

    Parameters
    ----------
    models : of each task, the model or the reason why there is none
    default : task that answers when a request names none; the server is ready when it has a model

    Attributes
    ----------
    registry : how following the registry in a store goes; None where there is none
    """

    def __init__(self, models: Mapping[Task, Model | NoModel], default: Task = Task.BASKET) -> None:
        self._models = dict(models)
        self._previous: dict[Task, Model] = {}
        self._refused: dict[Task, str] = {}
        self.default = default
        self.registry: Pulled | None = None

    @property
    def front(self) -> Model | NoModel:
        """What the default task answers with."""
        return self._models[self.default]

    @property
    def models(self) -> list[Model]:
        """The models of all tasks that have one."""
        return [model for model in list(self._models.values()) if isinstance(model, Model)]

    def get(self, task: Task | None = None) -> Model:
        """The model of `task`, by default of the default task.

        Raises
        ------
        Problem : there is none
        """
        model = self._models[task or self.default]
        if isinstance(model, NoModel):
            raise model.refusal()
        return model

    def previous(self, task: Task) -> Model | None:
        """The model that answered before; None while there was none."""
        return self._previous.get(task)

    def put(self, task: Task, model: Model) -> Model | None:
        """Let `model` answer from the next request on; returns the one that did."""
        before = self._models[task]
        self._models[task] = model
        self._refused.pop(task, None)
        if isinstance(before, NoModel):
            return None
        self._previous[task] = before
        return before

    def refuse(self, task: Task, reason: str) -> None:
        """A champion could not be opened, for `reason`."""
        if isinstance(self._models[task], NoModel):
            self._models[task] = NoModel(reason)
        else:
            self._refused[task] = reason

    def explain(self, task: Task, reason: str) -> None:
        """Why `task` has no model, as long as it has none."""
        if isinstance(self._models[task], NoModel):
            self._models[task] = NoModel(reason)

    def describe(self) -> Shelved:
        """All models, and why others are missing."""
        refused = self._refused | (self.registry.refused if self.registry else {})
        return Shelved(
            self.default,
            tuple(model.describe() for model in self.models),
            tuple(Missing(task, model.reason) for task, model in self._models.items() if isinstance(model, NoModel)),
            tuple(Missing(task, reason) for task, reason in refused.items()),
            self.registry,
        )


def open_shelf(source: Source) -> Shelf:
    """Open the champions of all tasks, or the one bundle that `source` names; what cannot be opened is told, and the
    server starts all the same."""
    if source.folder is None:
        return Shelf({task: open_model(source, task) for task in Task})
    only = task_of(source.folder)
    aside = NoModel(f"a single bundle is served, and it answers task {only}")
    return Shelf({task: open_model(source, task) if task is only else aside for task in Task}, only)
