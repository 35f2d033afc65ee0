"""Let the SageMaker endpoint of a task follow its load, between the bounds of the settings aws.endpoint.

python aws/script/autoscaling_endpoint.py --task basket --dry-run
python aws/script/autoscaling_endpoint.py --task basket
"""

import sys
from typing import Annotated

import typer

from retail_forecast.cli.console import emit
from retail_forecast.cli.main import run_script
from retail_forecast.cli.options import DEFAULT_WORKSPACE, Environment, JsonOutput, Workspace, settings_of
from retail_forecast.clouds.aws.endpoints import endpoint_name, scale, scaling
from retail_forecast.clouds.aws.outputs import account_of, outputs_of
from retail_forecast.domain.tasks import Task

__all__ = ["autoscaling_endpoint"]


def autoscaling_endpoint(
    *,
    task: Annotated[Task, typer.Option(help="What the model looks at.")] = Task.BASKET,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the requests; nothing is sent.")] = False,
    environment: Environment = None,
    workspace: Workspace = DEFAULT_WORKSPACE,
    json_output: JsonOutput = False,
) -> None:
    """Have hosts added to and taken from an endpoint by how much it is asked."""
    settings = settings_of(workspace, environment)
    outputs = outputs_of(workspace, settings.aws)
    asked = scaling(outputs, settings.aws.endpoint, task)
    if dry_run:
        emit(asked, True, lambda: None)
        return
    scale(account_of(outputs), asked)
    name = endpoint_name(outputs, task)
    emit({"endpoint": name}, json_output, lambda: typer.echo(f"{name} follows its load"))


if __name__ == "__main__":
    sys.exit(run_script(autoscaling_endpoint, sys.argv[1:]))
