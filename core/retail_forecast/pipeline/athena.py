"""Questions about the lake to Amazon Athena, in the environment that the settings name, and the views that they ask."""

import time
from functools import partial
from pathlib import Path

import pyarrow as pa

from retail_forecast.clouds.aws.athena import asked, done
from retail_forecast.clouds.aws.outputs import Outputs, account_of, outputs_of
from retail_forecast.domain.cloud import Tell
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import Settings
from retail_forecast.lake.athena import VIEW, athena_ddl

__all__ = ["ask_athena", "make_views"]

_PAUSE = partial(time.sleep, 0.5)


def ask_athena(workspace: Path, settings: Settings, question: str, tell: Tell) -> pa.RecordBatchReader:
    """The answer of Athena to a question in its SQL; views and tables are those of `lake.athena`.

    Raises
    ------
    UsageError : the outputs of the environment cannot be read or know no workgroup, or the question is not understood
    PlaceError : AWS refused, or the question would scan more than the environment allows
    """
    outputs = _outputs(workspace, settings)
    return asked(account_of(outputs), outputs.athena_workgroup, outputs.glue_database, question, tell, _PAUSE)


def make_views(workspace: Path, settings: Settings) -> tuple[str, ...]:
    """Make the views that questions ask, or make them anew; returns their names. The tables are Terraform's.

    Raises
    ------
    UsageError : the outputs of the environment cannot be read or know no workgroup, or a table is missing
    PlaceError : AWS refused
    """
    outputs = _outputs(workspace, settings)
    account, made = account_of(outputs), []
    for statement in athena_ddl(outputs.zone_uris["lake"]):
        if statement.startswith(VIEW):
            done(account, outputs.athena_workgroup, outputs.glue_database, statement, _PAUSE)
            made.append(statement.removeprefix(VIEW).split()[0])
    return tuple(made)


def _outputs(workspace: Path, settings: Settings) -> Outputs:
    outputs = outputs_of(workspace, settings.aws)
    if not outputs.athena_workgroup:
        raise UsageError(
            "the environment has no Athena workgroup",
            where=outputs.name,
            mend="`retail-forecast cloud up --cloud aws`: Terraform makes it",
        )
    return outputs
