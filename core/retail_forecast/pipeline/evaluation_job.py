"""Evaluate by a processing job of a cloud, over a lake and a registry that lie there: the order, its carrying out, and
the result.

The job reads the state of the lake that was in force when it was asked for, and measures as this machine would.
"""

from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from retail_forecast.bundle.manifest import digest_of
from retail_forecast.clouds.addresses import Address, kind_of
from retail_forecast.clouds.container import Container
from retail_forecast.clouds.local_hosts import Log
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import SETTINGS_FILE, Settings, load_settings
from retail_forecast.domain.tasks import Task
from retail_forecast.pipeline.evaluate import Evaluated, evaluate_weeks, weeks_to_measure
from retail_forecast.pipeline.resolve import resolve_bundle
from retail_forecast.pipeline.workspace import lake_path, lake_state, registry_path

__all__ = ["carry_out", "evaluate_elsewhere"]

_ORDER, _RESULT = "order.json", "evaluated.json"


class _Order(msgspec.Struct, frozen=True):
    """What to measure: weeks of a state of the lake, by the model of a run."""

    run_id: str
    task: Task
    state: int
    from_week: int | None
    to_week: int | None


def evaluate_elsewhere(
    workspace: Path,
    settings: Settings,
    model: str,
    task: Task,
    *,
    from_week: int | None,
    to_week: int | None,
    log: Log,
) -> Evaluated:
    """What `evaluate.evaluate_weeks` finds, found by a job of SageMaker; the same order takes up its job again.

    Raises
    ------
    UsageError : no week of the lake lies between the bounds, lake or registry are not on S3, or the environment does
        not allow such a job
    PlaceError : AWS refused, or the job failed or was stopped; says why
    """
    from retail_forecast.clouds.aws.artifacts import fetch
    from retail_forecast.clouds.aws.jobs import PROCESSING
    from retail_forecast.clouds.aws.processing import processing_definition
    from retail_forecast.pipeline.elsewhere import Asked, sagemaker

    bundle, state = resolve_bundle(workspace, model, task), lake_state(workspace)
    weeks_to_measure(state, bundle.manifest.last_learned_week, from_week, to_week)
    place = sagemaker(workspace, settings, 1, log)
    order = _Order(bundle.manifest.run_id, task, state.number, from_week, to_week)
    carried = _carried(workspace, settings, place.threads)
    work = digest_of(msgspec.json.encode([order, bundle.digest, state.tables, carried], order="sorted"))
    definition = processing_definition(
        place.outputs, place.aws, work, "evaluate", (_RESULT,), version("retail-forecast")
    )

    def write(folder: Path) -> list[Path]:
        folder.mkdir()
        files = {folder / _ORDER: order, folder / SETTINGS_FILE: carried}
        for file, document in files.items():
            file.write_bytes(msgspec.json.encode(document))
        return list(files)

    place.followed(place.start(Asked(PROCESSING, definition, {"order": write})))
    with TemporaryDirectory(prefix="retail-forecast-job-") as folder:
        file = Path(folder) / _RESULT
        fetch(place.account, f"{definition.output}/{_RESULT}", file)
        return msgspec.json.decode(file.read_bytes(), type=Evaluated)


def carry_out(container: Container) -> None:
    """Measure what the order in the container asks for, and leave the figures as its result.

    Raises
    ------
    UsageError : no week of the lake lies between the bounds
    PlaceError : lake or registry cannot be read
    """
    workspace = container.order
    order = msgspec.json.decode((workspace / _ORDER).read_bytes(), type=_Order)
    found = evaluate_weeks(
        workspace,
        load_settings(workspace),
        order.run_id,
        order.task,
        from_week=order.from_week,
        to_week=order.to_week,
        state_number=order.state,
    )
    container.result.mkdir(parents=True, exist_ok=True)
    (container.result / _RESULT).write_bytes(msgspec.json.encode(found))


def _carried(workspace: Path, settings: Settings, threads: int) -> dict[str, Any]:
    """The settings that figures depend on, which the job finds where a workspace has them."""
    return {
        "lake": {"uri": _on_s3(lake_path(workspace), "lake"), "delivery_lag_days": settings.lake.delivery_lag_days},
        "registry": {"uri": _on_s3(registry_path(workspace), "registry")},
        "train": settings.train.model_dump(mode="json") | {"threads": threads},
    }


def _on_s3(place: Address, what: str) -> str:
    if kind_of(place) != "s3":
        raise UsageError(
            f"a job reads the {what} where it lies, which is not S3 but {place}",
            where=f"{what}.uri",
            mend="evaluate without --cloud, or bring it to the bucket of the environment",
        )
    return str(place)
