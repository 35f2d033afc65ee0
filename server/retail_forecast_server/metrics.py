"""What `GET /metrics` tells Prometheus. With several workers their figures add up: prometheus-client keeps them in
files of the folder that PROMETHEUS_MULTIPROC_DIR names, and looks for it when it is imported.
"""

import os
from collections import Counter as Counts
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from retail_forecast.domain.labels import LABELS
from retail_forecast.domain.tasks import Task
from retail_forecast_server.answers import Answered
from retail_forecast_server.pulled import Pulled

__all__ = ["Metrics", "forget_dead"]

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_BUCKETS_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class Metrics:
    """Counts what one worker does.

    Attributes
    ----------
    registry : where further figures of this worker are to be registered
    in_flight : requests being answered
    refused : counter of requests refused for too much work
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self._requests = Counter(
            "retail_forecast_requests", "Requests answered", ["route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "retail_forecast_request_seconds", "Time to answer [s]", ["route"], buckets=_BUCKETS_S, registry=registry
        )
        self._predictions = Counter(
            "retail_forecast_predictions", "Baskets answered", ["task", "label"], registry=registry
        )
        self._models = Gauge(
            "retail_forecast_model_info",
            "1 for a model in force",
            ["task", "model_version", "digest"],
            registry=registry,
            multiprocess_mode="livemax",
        )
        self._changes = Counter(
            "retail_forecast_model_changes", "Champions loaded or refused", ["task", "outcome"], registry=registry
        )
        self.in_flight = 0
        self._in_flight = Gauge(
            "retail_forecast_requests_in_flight",
            "Requests being answered",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.refused = Counter(
            "retail_forecast_overload_refusals", "Requests refused for too much work", registry=registry
        )
        self._registry: Gauge | None = None
        # Looking a labelled figure up costs more than counting.
        self._of_route: dict[str, Histogram] = {}
        self._labels: Counts[tuple[Task, int]] = Counts()

    def requests(self, over: Iterable[tuple[str, int, float]]) -> None:
        """Requests were answered: the route, the status and the seconds of each."""
        counts: Counts[tuple[str, int]] = Counts()
        for route, status, seconds in over:
            counts[route, status] += 1
            found = self._of_route.get(route)
            if found is None:
                found = self._of_route[route] = self._seconds.labels(route)
            found.observe(seconds)
        for (route, status), count in counts.items():
            self._requests.labels(route, str(status)).inc(count)

    def answered(self, answered: Answered) -> None:
        """Baskets were answered; an observer."""
        task, found = answered.model.task, answered.predictions.label
        if len(found) == 1:
            self._labels[task, found.item()] += 1
        else:
            self._labels.update((task, label) for label in found.tolist())

    def settle(self) -> None:
        """Tell Prometheus's figures what was put off: a lock and a look-up for each basket would cost more than
        counting them together. To be called on the event loop."""
        self._in_flight.set(self.in_flight)
        labels, self._labels = self._labels, Counts()
        for (task, label), count in labels.items():
            self._predictions.labels(task, LABELS[label]).inc(count)

    def model(self, task: Task, version: str, digest: str, *, in_force: bool) -> None:
        """A model came into force or left it."""
        self._models.labels(task, version, digest).set(int(in_force))

    def change(self, task: Task, outcome: Literal["loaded", "refused"]) -> None:
        """A new champion answers, or could not be opened."""
        self._changes.labels(task, outcome).inc()

    def registry_read(self, pulled: Pulled) -> None:
        """How following a registry in a store goes; only where one is followed there are figures for it."""
        if self._registry is None:
            self._registry = Gauge(
                "retail_forecast_registry",
                "The registry that is followed: when it was last tried and last read [Unix time], champions refused",
                ["what"],
                registry=self.registry,
                multiprocess_mode="livemax",
            )
        self._registry.labels("tried").set(pulled.tried.timestamp())
        self._registry.labels("read").set(pulled.read.timestamp() if pulled.read else 0)
        self._registry.labels("refused").set(len(pulled.refused))

    def exposition(self) -> bytes:
        """The text that Prometheus reads, of all workers. May be called aside from the event loop."""
        if _FOLDER not in os.environ:
            return generate_latest(self.registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return generate_latest(everyone)


def forget_dead(folder: Path) -> None:
    """Of workers that are gone, leave out what holds only for living ones; what they counted stays."""
    for pid in {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*.db")}:
        try:
            os.kill(pid, 0)
        except OSError:
            mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
