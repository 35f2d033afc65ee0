"""Have a SageMaker endpoint answer for a task, by the champion's approved model package, or remove it.

    python aws/script/deploy_endpoint.py --task basket --dry-run
    python aws/script/deploy_endpoint.py --task basket --wait
    python aws/script/deploy_endpoint.py --task basket --remove

An endpoint costs its hosts for as long as it stands, so none is made but by this call. A later deployment replaces it
blue/green; alarms on errors and latency put back what answered before.
"""

import sys
import time
from functools import partial
from typing import Annotated

import typer

from retail_forecast.cli.console import emit, told
from retail_forecast.cli.main import run_script
from retail_forecast.cli.options import DEFAULT_WORKSPACE, Environment, JsonOutput, Workspace, settings_of
from retail_forecast.clouds.aws.endpoints import deploy, deployment, endpoint_name, remove, settled
from retail_forecast.clouds.aws.outputs import account_of, outputs_of
from retail_forecast.domain.tasks import Task
from retail_forecast.pipeline.packages import champion_package

__all__ = ["deploy_endpoint"]


def deploy_endpoint(
    *,
    task: Annotated[Task, typer.Option(help="What the model looks at.")] = Task.BASKET,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the requests; nothing is sent.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until it is in service.")] = False,
    gone: Annotated[bool, typer.Option("--remove", help="Remove the endpoint instead.")] = False,
    environment: Environment = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Deploy the champion of a task to a SageMaker endpoint; only an approved model package is deployed."""
    settings, tell = settings_of(workspace, environment), told(json_output)
    outputs = outputs_of(workspace, settings.aws)
    account, name = account_of(outputs), endpoint_name(outputs, task)
    if gone:
        remove(account, outputs, task, tell)
        emit({"removed": name}, json_output, lambda: None)
        return
    asked = deployment(outputs, settings.aws.endpoint, task, champion_package(workspace, settings, task))
    if dry_run:
        emit(asked, True, lambda: None)
        return
    changed = deploy(account, asked, tell)
    if wait:
        pause = partial(time.sleep, settings.aws.poll_s)
        settled(account, name, asked["create_endpoint"]["EndpointConfigName"], tell, pause)
    emit({"endpoint": name, "changed": changed}, json_output, lambda: typer.echo(name))


if __name__ == "__main__":
    sys.exit(run_script(deploy_endpoint, sys.argv[1:]))
