"""AWS Glue job: takes the till files below `--incoming` into the lake at `--lake`, on the job's own Spark workers.

Files that the lake knows change nothing, so a run may be repeated. Its exit code is that of `retail-forecast ingest`.
"""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from tempfile import TemporaryDirectory

from retail_forecast.cli.main import run
from retail_forecast.lake.spark import JOB

__all__ = ["main"]


def main(arguments: Sequence[str]) -> int:
    """Ingest; arguments of Glue's own, such as --JOB_NAME, are passed over."""
    parser = ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--incoming", required=True, help="place of the till files")
    parser.add_argument("--lake", required=True, help="place of the lake")
    given, _ = parser.parse_known_args(arguments)
    os.environ.setdefault("RETAIL_FORECAST_LAKE__SPARK_ADDRESS", JOB)
    with TemporaryDirectory() as home:
        return run(["ingest", given.incoming, "--engine", "spark", "--lake", given.lake, "--workspace", home, "--json"])


if __name__ == "__main__":
    # Glue takes SystemExit for a failure, whatever its code.
    if code := main(sys.argv[1:]):
        sys.exit(code)
