"""Put a run into SageMaker's Model Registry, with the standing that the registry of record gives it.

    python aws/script/register_model.py RUN_ID --dry-run
    python aws/script/register_model.py RUN_ID

Approved is what `retail-forecast promote` put in force, with who and why; Rejected what the gate refused or a rollback
put out of force; all else is pending. With the setting aws.model_packages, promote and rollback do the same at once;
this heals what failed then, and may be repeated.
"""

import sys
from typing import Annotated

import typer

from retail_forecast.cli.console import emit
from retail_forecast.cli.main import run_script
from retail_forecast.cli.options import DEFAULT_WORKSPACE, Environment, JsonOutput, Workspace, settings_of
from retail_forecast.clouds.aws.packages import package_request
from retail_forecast.pipeline.packages import asked_for, register

__all__ = ["register_model"]


def register_model(
    run_id: Annotated[str, typer.Argument(metavar="RUN_ID", help="Run; `retail-forecast models` lists them.")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the request; nothing is sent.")] = False,
    environment: Environment = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Mirror a run in SageMaker's Model Registry, or tell its package of the run's present standing."""
    settings = settings_of(workspace, environment)
    if dry_run:
        _, package, approval = asked_for(workspace, settings, run_id)
        emit(package_request(package, approval.status), True, lambda: None)
        return
    arn, approval = register(workspace, settings, run_id)
    document = {"model_package": arn, "status": approval.status, "why": approval.why}
    emit(document, json_output, lambda: typer.echo(f"{arn}\n{approval.status}: {approval.why}"))


if __name__ == "__main__":
    sys.exit(run_script(register_model, sys.argv[1:]))
