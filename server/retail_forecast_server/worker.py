"""What runs in a worker's process: the models, the app over them, and the word that it answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import msgspec

from retail_forecast.domain.settings import ServerSettings
from retail_forecast_server.app import application
from retail_forecast_server.guard import Guard
from retail_forecast_server.models import Model, NoModel, Source
from retail_forecast_server.shelf import open_shelf

__all__ = ["Announcement", "Post", "worker"]

_RETRY_S = 0.01


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


def worker(settings: ServerSettings, source: Source, post: Post, announce: Callable[[Announcement], None]) -> Guard:
    """The app of one worker. As soon as the server is reached under its address, `announce` is told."""
    shelf = open_shelf(source)

    @asynccontextmanager
    async def started() -> AsyncIterator[None]:
        task = asyncio.create_task(_announce_once_reached(shelf.front, post, announce))
        yield
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    return application(shelf, settings, instance=post.instance, started=started)


async def _announce_once_reached(model: Model | NoModel, post: Post, announce: Callable[[Announcement], None]) -> None:
    """The listener opens right after this task has begun, without a hook to tell it; so it asks until it is answered
    by itself and nobody else."""
    while await _instance_at(post.url) != post.instance:
        await asyncio.sleep(_RETRY_S)
    if isinstance(model, NoModel):
        announce(Announcement(post.url, post.pid, None, False, model.reason))
    else:
        announce(Announcement(post.url, post.pid, model.version, True))


async def _instance_at(url: str) -> str:
    """The name that the server at `url` gives itself; empty when none answers."""
    place = urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
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
