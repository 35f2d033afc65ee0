"""Following: the model of `arrival` is given each new snapshot of what is known of customers and stores.

The folder is looked at now and then, off the event loop; a request never waits for it. A snapshot that is damaged is
logged and left, one for another model waits; what answered before goes on answering. When the model changes, the one
that comes answers from its own history until there is a snapshot for it.
"""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from retail_forecast.bundle.scorer import Bundle
from retail_forecast.bundle.snapshot import Latest, read_latest, read_snapshot
from retail_forecast.domain.errors import BundleError
from retail_forecast.domain.tasks import Task
from retail_forecast_server.problems import Problem
from retail_forecast_server.shelf import Shelf

__all__ = ["Follower"]

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Follower:
    """Looks after the snapshot of the models on `shelf`.

    Attributes
    ----------
    shelf : what answers
    folder : where snapshots are put
    """

    shelf: Shelf
    folder: Path
    _left: Latest | None = None

    async def run(self, every_s: float) -> None:
        """Look every `every_s` seconds, until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(every_s)

    def look(self) -> None:
        """Follow the snapshot in force, where it is for the model that answers and not followed yet."""
        try:
            bundle, latest = self.shelf.get(Task.ARRIVAL).bundle, read_latest(self.folder)
            if latest is not None and latest != self._left and self._is_new(bundle, latest):
                self._left = latest
                bundle.follow(read_snapshot(self.folder, latest))
                self._left = None
                _LOG.info("snapshot followed", extra={"fields": {"sha256": latest.sha256}})
        except Problem:
            return
        except BundleError as error:
            fields = {"what": error.what, "where": error.where, "mend": error.mend}
            _LOG.error("snapshot left", extra={"fields": fields})

    def _is_new(self, bundle: Bundle, latest: Latest) -> bool:
        followed = bundle.snapshot
        return latest.bundle_digest == bundle.digest and (followed is None or followed.sha256 != latest.sha256)
