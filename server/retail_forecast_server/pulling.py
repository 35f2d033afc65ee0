"""The process that pulls: `python -m retail_forecast_server.pulling KIND ADDRESS FOLDER [EVERY_S]`.

It alone holds a connection to a store; those who answer read what it leaves in FOLDER. Of KIND `bundle` it brings one
bundle and ends; of KIND `registry` it follows champions and the snapshot of customers until whoever started it is gone.
When the store cannot be read, what was pulled stays, and the state (`pulled.py`) says why.
"""

import logging
import os
import sys
import time
from datetime import UTC, datetime
from logging.config import dictConfig
from pathlib import Path

import msgspec
from obstore.store import ObjectStore

from retail_forecast.bundle.pulling import pull_bundle, pull_champions, pull_snapshot
from retail_forecast.clouds.faults import told_as_place
from retail_forecast.clouds.opening import open_store
from retail_forecast.domain.errors import RetailForecastError
from retail_forecast.domain.tasks import Task
from retail_forecast_server.logs import log_settings
from retail_forecast_server.pulled import Pulled, write_state

__all__ = ["main", "pull"]

_LOG = logging.getLogger("retail_forecast_server.pulling")
_PATIENCE_S = 3.0
"""How long a request that fails is repeated; the registry is looked at again soon anyway [s]."""


def pull(store: ObjectStore, address: str, folder: Path, before: Pulled | None) -> Pulled:
    """Follow the registry at `address` once; returns how it went, where `before` is how it went the time before."""
    now = datetime.now(UTC)
    refused: dict[Task, str] = before.refused if before else {}
    try:
        with told_as_place(address):
            refused = pull_champions(store, folder)
            pull_snapshot(store, folder)
        pulled = Pulled(now, now, None, refused)
    except RetailForecastError as error:
        pulled = Pulled(now, before.read if before else None, error.what, refused)
    _tell(pulled, before, address)
    return pulled


def _tell(pulled: Pulled, before: Pulled | None, address: str) -> None:
    """Log what changed."""
    if before is not None and (before.problem, before.refused) == (pulled.problem, pulled.refused):
        return
    fields = {"address": address, "problem": pulled.problem, "refused": pulled.refused}
    level = logging.ERROR if pulled.problem or pulled.refused else logging.INFO
    _LOG.log(level, "registry read" if pulled.problem is None else "registry not read", extra={"fields": fields})


def _follow(store: ObjectStore, address: str, folder: Path, every_s: float) -> None:
    starter, pulled = os.getppid(), None
    while os.getppid() == starter:
        pulled = pull(store, address, folder, pulled)
        write_state(folder, pulled)
        time.sleep(every_s)


def main(kind: str, address: str, folder: Path, every_s: float = 0.0) -> int:
    """Pull; returns the exit code, and writes an error as JSON to standard output."""
    dictConfig(log_settings())
    try:
        with told_as_place(address):
            store = open_store(address, patience_s=_PATIENCE_S)
            if kind == "bundle":
                pull_bundle(store, folder)
        if kind == "registry":
            _follow(store, address, folder, every_s)
    except RetailForecastError as error:
        sys.stdout.buffer.write(msgspec.json.encode({"what": error.what, "mend": error.mend}))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), *map(float, sys.argv[4:])))
