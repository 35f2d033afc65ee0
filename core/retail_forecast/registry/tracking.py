"""The mirror of runs and champions in MLflow, for people who look there: a SQLite file that MLflow's own tools open.

The runs and the champion journal are of record; nothing is ever read back from here. A mirror that fails raises
PlaceError after the record is safe, and its caller reports that beside a result that stands: a finished run must not
look lost because a copy of it is missing. Every function may be repeated, and each mirrors what an earlier failure left
out, so that the next success heals the mirror.
"""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retail_forecast.domain.errors import PlaceError
from retail_forecast.registry.record import RunRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["CHAMPION_ALIAS", "DATABASE", "mirror_champion", "mirror_run", "registered_name"]

DATABASE = "runs/mlflow.db"
"""Where the mirror lies within a workspace."""

CHAMPION_ALIAS = "champion"

_RUN_TAG = "retail_forecast.run_id"


def registered_name(task: str) -> str:
    """Name of a task's registered model."""
    return f"retail-forecast-{task}"


def mirror_run(database: Path, record: RunRecord) -> None:
    """Mirror `record`, with its parameters, metrics and tags, into the experiment of its task; no-op when it is there.

    Parameters
    ----------
    database : SQLite file, made with its folder when it is missing
    record : run, saved already

    Raises
    ------
    PlaceError : the mirror could not be written; the run of record is untouched
    """
    with _client(database) as client:
        _mirrored(client, record)


def mirror_champion(database: Path, record: RunRecord, bundle: str) -> None:
    """Point alias `champion` of the task's registered model to the version of `record`, made when it is missing.

    Parameters
    ----------
    database : as in `mirror_run`
    record : run that is champion by the journal
    bundle : address of its bundle

    Raises
    ------
    PlaceError : the mirror could not be written; the champion of record is untouched
    """
    with _client(database) as client:
        run_id, name = _mirrored(client, record), registered_name(record.task)
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name)
        versions = client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
        tags = {_RUN_TAG: record.run_id, "bundle_digest": record.bundle_digest}
        version = versions[0] if versions else client.create_model_version(name, bundle, run_id, tags=tags)
        client.set_registered_model_alias(name, CHAMPION_ALIAS, version.version)


def _mirrored(client: "MlflowClient", record: RunRecord) -> str:
    """MLflow's id of the run."""
    from mlflow.entities import Metric, Param  # noqa: PLC0415 - two seconds, paid only where a mirror is written

    experiment = client.get_experiment_by_name(record.task)
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(record.task)
    there = client.search_runs([experiment_id], f"tags.`{_RUN_TAG}` = '{record.run_id}' and status = 'FINISHED'")
    if there:
        return str(there[0].info.run_id)
    start = _milliseconds(record, 0)
    run_id = str(client.create_run(experiment_id, start, _tags(record), record.run_id).info.run_id)
    metrics = [Metric(key, value, start, 0) for key, value in _numbers(record.metrics)]
    client.log_batch(run_id, metrics, [Param(key, value) for key, value in _params(record)], synchronous=True)
    client.set_terminated(run_id, "FINISHED", _milliseconds(record, sum(record.seconds.values())))
    return run_id


def _milliseconds(record: RunRecord, elapsed_s: float) -> int:
    return int((record.created_at + timedelta(seconds=elapsed_s)).timestamp() * 1000)


def _tags(record: RunRecord) -> dict[str, str]:
    tags = {
        _RUN_TAG: record.run_id,
        "task": record.task,
        "model": record.model,
        "lake_state": record.data.number,
        "bundle_digest": record.bundle_digest,
        "metrics_from": record.metrics_from,
        "parent": record.parent,
    }
    return {key: str(value) for key, value in tags.items() if value is not None}


def _params(record: RunRecord) -> Iterator[tuple[str, str]]:
    yield "seed", str(record.seed)
    for name in ("train", "validation", "calibration", "test"):
        span = getattr(record.windows, name)
        if span is not None:
            yield f"window.{name}", f"{span.first}-{span.last}"
    yield from ((f"settings.{key}", str(value)) for key, value in _leaves(record.settings))


def _numbers(metrics: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for key, value in _leaves({k: v for k, v in metrics.items() if k != "confusion"}):
        if isinstance(value, int | float) and ".confusion." not in key:
            yield key, float(value)


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


@contextmanager
def _client(database: Path) -> Iterator["MlflowClient"]:
    """A client of the mirror that says nothing, tells nobody, and whose failures are PlaceErrors."""
    os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", MLFLOW_LOGGING_LEVEL="WARNING")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own use of SQLAlchemy warns, which is nothing to our users
        from mlflow import MlflowClient  # noqa: PLC0415
        from mlflow.exceptions import MlflowException  # noqa: PLC0415
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415

        try:
            database.parent.mkdir(parents=True, exist_ok=True)
            address = f"sqlite:///{database.resolve().as_posix()}"
            yield MlflowClient(address, address)
        except (MlflowException, SQLAlchemyError, OSError) as error:
            raise PlaceError(
                f"the mirror in MLflow was not written: {error}",
                where=str(database),
                mend="the record itself is safe; move the file away and it is made anew",
            ) from error
