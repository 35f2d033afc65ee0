"""Which bundle a name means."""

from pathlib import Path

from retail_forecast.bundle.scorer import Bundle, load_bundle
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.tasks import Task
from retail_forecast.pipeline.registry import fetched_bundle, registry_store
from retail_forecast.registry.champion import current
from retail_forecast.registry.runs import load_run

__all__ = ["CHAMPION", "resolve_bundle"]

CHAMPION = "champion"


def resolve_bundle(workspace: Path, model: str, task: Task, threads: int = 1) -> Bundle:
    """The verified bundle of `model`: a run's name, or "champion" for the one in force for `task`.

    Raises
    ------
    UsageError : there is no champion, no such run, or the run answers another task
    BundleError : the bundle is not what the run wrote
    """
    store = registry_store(workspace)
    if model == CHAMPION:
        champion = current(store, task)
        if champion is None:
            raise UsageError(
                f"task {task} has no champion yet",
                where=str(workspace),
                mend="retail-forecast train, then promote the run it names",
            )
        folder = fetched_bundle(workspace, champion.run_id, champion.bundle_digest)
        return load_bundle(folder, champion.bundle_digest, threads)
    record = load_run(store, model)
    if record.task is not task:
        raise UsageError(
            f"{model} answers task {record.task}, not {task}", where="--model", mend=f"add --task {record.task}"
        )
    return load_bundle(fetched_bundle(workspace, model, record.bundle_digest), record.bundle_digest, threads)
