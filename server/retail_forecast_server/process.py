"""The server as a process: `serve` runs it here until it is stopped, `serving` runs one beside the caller meanwhile."""

import os
import secrets
import select
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO

import msgspec
from granian import Granian
from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from starlette.types import ASGIApp

from retail_forecast.clouds.addresses import Address
from retail_forecast.domain.errors import PlaceError, UsageError
from retail_forecast.domain.settings import ServerSettings
from retail_forecast_server.keys import Keys
from retail_forecast_server.listening import check_exposure, hold_port, url_of
from retail_forecast_server.logs import log_settings
from retail_forecast_server.models import Source
from retail_forecast_server.origin import Origin, brought
from retail_forecast_server.worker import Announcement, Post, worker

__all__ = ["serve", "serving"]

_GRACE_S = 10
"""How long requests under way may take after the server was told to stop [s]."""


_MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a folder of its own is made in it
"""Where workers share files: in memory where there is such a place, which is there on a read-only root as well."""


def serve(settings: ServerSettings, origin: Source | Origin, announce: Callable[[Announcement], None]) -> None:
    """Answer until SIGTERM or SIGINT, then let requests under way finish.

    Parameters
    ----------
    origin : where models come from; without one the server runs, but is not ready
    announce : told once, in the worker's process, when the server answers

    Raises
    ------
    UsageError : the address can be reached from elsewhere and no API key is configured, or the file of keys does not
        fit
    PlaceError : the port is taken, or the store of the one bundle to serve is out of reach
    BundleError : that bundle is not there, or damaged
    """
    holder, address, port = hold_port(settings.host, settings.port)
    with holder:
        check_exposure(settings, address)
        _check_files(settings)
        scheme = "https" if settings.tls_cert else "http"
        with (
            tempfile.TemporaryDirectory(prefix="retail-forecast-", dir=_MEMORY) as folder,
            brought(origin, settings.champion_poll_s) as source,
        ):
            post = Post(url_of(address, port, scheme), os.getpid(), secrets.token_hex(8), Path(folder))
            _run(settings, address, port, partial(worker, settings, source, post, announce))


def _run(settings: ServerSettings, address: str, port: int, load: Callable[[], ASGIApp]) -> None:
    server = Granian(
        "retail_forecast_server.worker:worker",
        address=address,
        port=port,
        interface=Interfaces.ASGI,
        http=HTTPModes.http1,
        websockets=False,
        log_dictconfig=log_settings(),
        log_level=LogLevels.warning,
        ssl_cert=settings.tls_cert,
        ssl_key=settings.tls_key,
        workers=settings.workers,
        # One that dies at once again is not: the server then ends, and whoever keeps it up sees that.
        respawn_failed_workers=True,
        workers_kill_timeout=_GRACE_S,
    )
    server.serve(target_loader=load, wrap_loader=False)


def _check_files(settings: ServerSettings) -> None:
    """What a worker will read is there, so that the starter learns of it."""
    Keys(settings.api_key_sha256, settings.api_keys)
    given = {"tls_cert": settings.tls_cert, "tls_key": settings.tls_key}
    absent = [name for name, file in given.items() if file is None or not file.is_file()]
    if absent and any(given.values()):
        raise UsageError(
            "https needs a certificate and its key",
            where=f"server.{absent[0]}",
            mend="name two files in PEM, or leave both settings out",
        )


@contextmanager
def serving(
    workspace: Path | None = None,
    *,
    bundle: Address | None = None,
    registry: Address | None = None,
    settings: Mapping[str, str] | None = None,
    patience_s: float = 60.0,
) -> Iterator[str]:
    """A server of its own process on a free port of 127.0.0.1, ready; yields its address and stops it afterwards.

    Parameters
    ----------
    workspace, bundle, registry : whose champion answers, or the bundle that does, or the place whose registry is
        followed
    settings : of the server, as variables name them: {"SNAPSHOT_POLL_S": "1"}
    patience_s : how long it may take to become ready

    Raises
    ------
    PlaceError : it did not become ready; the reason is given
    """
    command = [sys.executable, "-m", "retail_forecast_server", "--host", "127.0.0.1", "--port", "0", "--json"]
    # It is reached by the caller only and lives as long as the block; keys are for servers that stay.
    command += ["--private"]
    command += ["--workspace", str(workspace)] if workspace else []
    command += ["--bundle", str(bundle)] if bundle else []
    command += ["--registry", str(registry)] if registry else []
    environment = os.environ | {f"RETAIL_FORECAST_SERVER__{name}": value for name, value in (settings or {}).items()}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=log, start_new_session=True)
        with process:
            try:
                yield _ready(process, log, patience_s)
            finally:
                _stop(process)


def _ready(process: subprocess.Popen[bytes], log: IO[bytes], patience_s: float) -> str:
    """Address of the server once it said that it is ready; the line it says it with comes through a pipe, so that
    nobody else can have said it."""
    assert process.stdout is not None  # noqa: S101 - it was asked for
    heard, _, _ = select.select([process.stdout], [], [], patience_s)
    line = process.stdout.readline() if heard else b""
    if not line:
        log.seek(0)
        last = log.read().decode(errors="replace").strip().rpartition("\n")[2]
        raise _not_ready(f"it said nothing within {patience_s:g} s" if not heard else f"it stopped: {last}")
    told = msgspec.json.decode(line)
    if "error" in told:
        raise _not_ready(told["error"]["what"])
    announcement = msgspec.convert(told, Announcement)
    if not announcement.ready:
        raise _not_ready(announcement.reason)
    return announcement.url


def _not_ready(reason: str) -> PlaceError:
    return PlaceError(f"the server did not become ready: {reason}", mend="`retail-forecast serve` shows its log")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Ask it to stop, wait, and if need be end it with all its workers."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_S + 5)
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
