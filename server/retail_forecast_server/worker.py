"""What runs in a worker's process: the models, the app over them, and the word that it answers."""

import asyncio
import gc
import os
import shutil
import signal
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from retail_forecast.bundle.snapshot import SNAPSHOTS
from retail_forecast.domain.settings import ServerSettings
from retail_forecast_server.following import Follower
from retail_forecast_server.models import Model, NoModel, Source
from retail_forecast_server.shelf import open_shelf

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from retail_forecast_server.guard import Guard
    from retail_forecast_server.spool import Spool

__all__ = ["Announcement", "Post", "worker"]

_FIGURES = "PROMETHEUS_MULTIPROC_DIR"

_RETRY_S = 0.01

_ALONE_S = 1.0
"""How soon a worker notices that the process above it is gone [s]."""

_GARBAGE = 50_000
"""Objects that may have piled up before Python looks for cycles among them; requests leave none. By default it looks
after 700, which is after every few requests."""


class Announcement(msgspec.Struct, frozen=True):
    """The server answers.

    Attributes
    ----------
    url : where
    pid : process to send a signal to
    model_version : run that made the model; None while there is none
    ready : whether a verified model is loaded
    reason : why not
    """

    url: str
    pid: int
    model_version: str | None
    ready: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """Where a server stands: its address, its main process, and the name by which it knows itself."""

    url: str
    pid: int
    instance: str
    folder: Path
    """that its workers share, for as long as it runs"""


def worker(settings: ServerSettings, source: Source, post: Post, announce: Callable[[Announcement], None]) -> "Guard":
    """The app of one worker. As soon as the server is reached under its address, `announce` is told, by one worker."""
    if settings.workers > 1:
        os.environ[_FIGURES] = str(post.folder)
    # It decides when it is imported whether figures are kept in the shared folder.
    from retail_forecast_server.app import application  # noqa: PLC0415
    from retail_forecast_server.changing import Changer  # noqa: PLC0415
    from retail_forecast_server.metrics import Metrics, forget_dead  # noqa: PLC0415

    forget_dead(post.folder)
    shelf, metrics = open_shelf(source), Metrics()
    for model in shelf.models:
        metrics.model(model.task, model.version, model.bundle.digest, in_force=True)
    changer = Changer(shelf, source, metrics, post.folder)
    changer.look_at_registry()
    follower = Follower(shelf, settings.snapshot or source.workspace / SNAPSHOTS)
    follower.look()
    spool = _spool(settings, metrics.registry)

    @asynccontextmanager
    async def started() -> AsyncIterator[None]:
        # What was loaded stays: looked through for garbage again and again, it would hold up requests.
        gc.collect()
        gc.freeze()
        gc.set_threshold(_GARBAGE)
        announcing = _announce_once_reached(shelf.front, post, announce)
        with spool.running() if spool else nullcontext():
            async with _meanwhile(
                announcing,
                follower.run(settings.snapshot_poll_s),
                changer.run(settings.champion_poll_s),
                _stop_when_alone(post),
            ):
                yield

    observers = [spool.observe] if spool else []
    return application(
        shelf, settings, metrics, observers=observers, changer=changer, instance=post.instance, started=started
    )


def _spool(settings: ServerSettings, registry: "CollectorRegistry") -> "Spool | None":
    from retail_forecast_server.spool import Spool  # noqa: PLC0415 - it imports prometheus-client, as metrics does

    if settings.prediction_log is None:
        return None
    most_bytes = settings.prediction_log_mb * 1_000_000
    return Spool(settings.prediction_log, most_bytes, settings.prediction_log_segment_s, registry)


@asynccontextmanager
async def _meanwhile(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Runs `work` until the block ends."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _announce_once_reached(model: Model | NoModel, post: Post, announce: Callable[[Announcement], None]) -> None:
    """The listener opens right after this task has begun, without a hook to tell it; so it asks until it is answered
    by itself and nobody else."""
    while await _instance_at(post.url) != post.instance:
        await asyncio.sleep(_RETRY_S)
    try:
        (post.folder / "announced").touch(exist_ok=False)
    except FileExistsError:
        return
    if isinstance(model, NoModel):
        announce(Announcement(post.url, post.pid, None, False, model.reason))
    else:
        announce(Announcement(post.url, post.pid, model.version, True))


async def _stop_when_alone(post: Post) -> None:
    """A main process that was killed tells nobody; left behind, the worker would keep the port."""
    above = os.getppid()
    while os.getppid() == above:
        await asyncio.sleep(_ALONE_S)
    shutil.rmtree(post.folder, ignore_errors=True)
    signal.raise_signal(signal.SIGTERM)


def _myself() -> ssl.SSLContext:
    """For a call to a server that then proves by its name, a secret, that it is this one; its certificate names the
    outside."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _instance_at(url: str) -> str:
    """The name that the server at `url` gives itself; empty when none answers."""
    place = urlsplit(url)
    try:
        secret = _myself() if place.scheme == "https" else None
        reader, writer = await asyncio.open_connection(place.hostname, place.port, ssl=secret)
    except OSError:
        return ""
    try:
        writer.write(f"GET /healthz HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\n\r\n".encode())
        _, _, body = (await reader.read()).partition(b"\r\n\r\n")
        return str(msgspec.json.decode(body)["instance"])
    except (OSError, msgspec.MsgspecError, KeyError):
        return ""
    finally:
        writer.close()
