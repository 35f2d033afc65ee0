"""A question about the lake to Amazon Athena, in the environment that the settings name."""

import time
from functools import partial
from pathlib import Path

import pyarrow as pa

from retail_forecast.clouds.aws.athena import asked
from retail_forecast.clouds.aws.outputs import account_of, outputs_of
from retail_forecast.domain.cloud import Tell
from retail_forecast.domain.errors import UsageError
from retail_forecast.domain.settings import Settings

__all__ = ["ask_athena"]

_POLL_S = 0.5


def ask_athena(workspace: Path, settings: Settings, question: str, tell: Tell) -> pa.RecordBatchReader:
    """The answer of Athena to a question in its SQL; views and tables are those of `lake.athena`.

    Raises
    ------
    UsageError : the outputs of the environment cannot be read or know no workgroup, or the question is not understood
    PlaceError : AWS refused, or the question would scan more than the environment allows
    """
    outputs = outputs_of(workspace, settings.aws)
    if not outputs.athena_workgroup:
        raise UsageError(
            "the environment has no Athena workgroup",
            where=outputs.name,
            mend="`retail-forecast cloud up --cloud aws`: Terraform makes it",
        )
    pause = partial(time.sleep, _POLL_S)
    return asked(account_of(outputs), outputs.athena_workgroup, outputs.glue_database, question, tell, pause)
