"""The registry's mirror in Amazon SageMaker: the package of a run, told what the journals of record say of it.

It is never of record and never read to decide what is in force: a mirror that fails is a warning beside a result that
stands, and the next call heals it.
"""

from importlib.metadata import version
from pathlib import Path

from retail_forecast.clouds.addresses import below, kind_of
from retail_forecast.clouds.aws.outputs import Outputs, account_of, outputs_of
from retail_forecast.clouds.aws.packages import Package, approved_package, mirror_package
from retail_forecast.clouds.aws.requests import image_of
from retail_forecast.domain.errors import PlaceError, RetailForecastError, UsageError
from retail_forecast.domain.settings import Settings
from retail_forecast.domain.tasks import Task
from retail_forecast.pipeline.registry import registry_store
from retail_forecast.pipeline.workspace import registry_path
from retail_forecast.registry.approval import Approval, approval_of
from retail_forecast.registry.champion import bundle_folder, current
from retail_forecast.registry.record import RunRecord
from retail_forecast.registry.runs import RECORD, load_run, run_folder

__all__ = ["asked_for", "champion_package", "mirrored", "register"]


def register(workspace: Path, settings: Settings, run_id: str) -> tuple[str, Approval]:
    """Mirror a run, whatever its standing; returns the ARN of its package, and that standing. May be repeated.

    Raises
    ------
    UsageError : no such run, the registry is not on S3, or the environment has no group for the task
    PlaceError : AWS refused, or could not be reached
    """
    outputs, package, approval = asked_for(workspace, settings, run_id)
    return mirror_package(account_of(outputs), package, approval.status, approval.why), approval


def asked_for(workspace: Path, settings: Settings, run_id: str) -> tuple[Outputs, Package, Approval]:
    """The environment, what the package of a run holds, and the run's standing; errors as of `register`."""
    store, outputs = registry_store(workspace), outputs_of(workspace, settings.aws)
    record = load_run(store, run_id)
    return outputs, _package(workspace, settings, outputs, record), approval_of(store, record)


def champion_package(workspace: Path, settings: Settings, task: Task) -> str:
    """ARN of the champion's model package, which is approved.

    Raises
    ------
    UsageError : there is no champion, or its package is missing or not approved
    PlaceError : AWS refused, or could not be reached
    """
    champion = current(registry_store(workspace), task)
    if champion is None:
        raise UsageError(f"task {task} has no champion yet", where=str(workspace), mend="promote a run first")
    outputs = outputs_of(workspace, settings.aws)
    return approved_package(account_of(outputs), _group_of(outputs, task), champion.run_id)


def mirrored(workspace: Path, settings: Settings, *run_ids: str) -> tuple[str, ...]:
    """Mirror runs where `aws.model_packages` asks for it; warnings for those that could not be."""
    warnings = []
    for run_id in dict.fromkeys(run_ids) if settings.aws.model_packages else ():
        try:
            register(workspace, settings, run_id)
        except (PlaceError, UsageError) as error:
            warnings.append(_told(run_id, error))
    return tuple(warnings)


def _package(workspace: Path, settings: Settings, outputs: Outputs, record: RunRecord) -> Package:
    place = registry_path(workspace)
    if kind_of(place) != "s3":
        raise UsageError(
            "SageMaker takes models from S3 only, and the registry is not there",
            where="registry.uri",
            mend=f"set it to {outputs.zone_uris['registry']}",
        )
    image = image_of(outputs, settings.aws, "server", version("retail-forecast"))
    return Package(
        _group_of(outputs, record.task),
        record.run_id,
        record.bundle_digest,
        image,
        below(place, bundle_folder(record.run_id)),
        below(place, f"{run_folder(record.run_id)}/{RECORD}"),
        _facts(record),
    )


def _group_of(outputs: Outputs, task: str) -> str:
    group = outputs.model_package_groups.get(task)
    if group is None:
        raise UsageError(
            f"the environment has no model package group for task {task}",
            where=outputs.name,
            mend="`retail-forecast cloud up --cloud aws`: Terraform makes one for each task",
        )
    return group


def _facts(record: RunRecord) -> dict[str, str]:
    spans = {name: getattr(record.windows, name) for name in ("train", "validation", "calibration", "test")}
    return {
        "run_id": record.run_id,
        "task": record.task,
        "model": record.model,
        "bundle_digest": record.bundle_digest,
        "lake_state": str(record.data.number),
        "metrics_from": record.metrics_from,
        **{f"metrics.{name}": f"{record.metrics[name]:.6f}" for name in ("accuracy", "macro_f1", "log_loss", "ece")},
        **{f"window.{name}": f"{span.first}-{span.last}" for name, span in spans.items() if span is not None},
        **({"parent": record.parent} if record.parent else {}),
    }


def _told(run_id: str, error: RetailForecastError) -> str:
    mend = f"{error.mend}; then `python aws/script/register_model.py {run_id}`"
    return f"run {run_id} was not mirrored in SageMaker's Model Registry: {error}; {mend}"
