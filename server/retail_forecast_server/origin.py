"""Origin: models that lie in a store are brought to a local folder by a process of its own (`pulling.py`), so that
neither the workers nor the process above them hold a connection to a store. When it dies, it is begun again."""

import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

import msgspec

from retail_forecast.clouds.addresses import kind_of
from retail_forecast.domain.errors import BundleError, PlaceError, RetailForecastError, UsageError
from retail_forecast_server.models import Source
from retail_forecast_server.pulled import read_state

__all__ = ["Origin", "brought", "origin_of"]

_FIRST_S = 15.0
"""How long the workers wait for the first look at a registry; one that takes longer is followed all the same [s]."""

_STEP_S = 0.02

_AGAIN_S = 2.0
"""How soon it is noticed that the process which follows a registry has ended [s]."""

_LOG = logging.getLogger(__name__)
_ERRORS: dict[int, type[RetailForecastError]] = {2: UsageError, 3: BundleError}


@dataclass(frozen=True, slots=True)
class Origin:
    """A bundle or a registry in a store.

    Attributes
    ----------
    address : of the bundle's folder, or of the place whose registry is followed
    alone : whether it is one bundle
    """

    address: str
    alone: bool


def origin_of(workspace: Path, bundle: str | None, registry: str | None, usual: str = "") -> Source | Origin:
    """Where models come from: the `bundle` given, the `registry` given, the `usual` registry where there is one, or the
    champions of `workspace`.

    Raises
    ------
    UsageError : both were given, or one is no address
    """
    if bundle is not None and registry is not None:
        raise UsageError("either a bundle is served or a registry is followed", where="--bundle", mend="give one")
    registry = registry or (usual if bundle is None else None)
    if registry:
        kind_of(registry)
        return Origin(registry, alone=False)
    if bundle is None:
        return Source(workspace)
    return Source(workspace, Path(bundle)) if kind_of(bundle) == "local" else Origin(bundle, alone=True)


@contextmanager
def brought(origin: Source | Origin, every_s: float) -> Iterator[Source]:
    """What `origin` holds in a local folder, as long as the block lasts: a bundle is brought before it begins, a
    registry is followed every `every_s` seconds.

    Raises
    ------
    RetailForecastError : the bundle is not there, damaged, or out of reach
    """
    if isinstance(origin, Source):
        yield origin
        return
    with tempfile.TemporaryDirectory(prefix="retail-forecast-pulled-") as folder:
        if origin.alone:
            yield Source(Path(folder), _bring(origin.address, Path(folder, "bundle")))
        else:
            with _following(origin.address, Path(folder), every_s):
                yield Source(Path(folder))


def _bring(address: str, folder: Path) -> Path:
    with subprocess.Popen(_command("bundle", address, folder), stdout=subprocess.PIPE) as process:
        told, _ = process.communicate()
    if process.returncode:
        raise _failure(process.returncode, told, address)
    return folder


@contextmanager
def _following(address: str, folder: Path, every_s: float) -> Iterator[None]:
    puller = _Puller(_command("registry", address, folder, str(every_s)))
    try:
        end, process = time.monotonic() + _FIRST_S, puller.process
        while read_state(folder) is None and process.poll() is None and time.monotonic() < end:
            time.sleep(_STEP_S)
        if process.returncode is not None:
            raise _failure(process.returncode, process.communicate()[0], address)
        puller.watch.start()
        yield
    finally:
        puller.end()


class _Puller:
    """The process that follows a registry; while it is watched, it is begun again when it has ended before its time."""

    def __init__(self, command: Sequence[str | os.PathLike[str]]) -> None:
        self._command = command
        self._over = Event()
        self.process = self._begun()
        self.watch = Thread(target=self._watch, daemon=True)

    def end(self) -> None:
        self._over.set()
        if self.watch.is_alive():
            self.watch.join()
        self.process.terminate()
        # Whoever asked why it ended has read to the end, and closed, what it said.
        if self.process.stdout is not None and not self.process.stdout.closed:
            self.process.communicate()
        self.process.wait()

    def _begun(self) -> subprocess.Popen[bytes]:
        # A session of its own: what a terminal sends to stop the server is not for it.
        return subprocess.Popen(self._command, stdout=subprocess.PIPE, start_new_session=True)

    def _watch(self) -> None:
        while not self._over.wait(_AGAIN_S):
            if self.process.poll() is not None:
                code = self.process.returncode
                self.process.communicate()
                _LOG.error("registry followed again", extra={"fields": {"ended_with": code}})
                self.process = self._begun()


def _failure(code: int, told: bytes, address: str) -> RetailForecastError:
    """What the process that pulls said when it ended."""
    error = msgspec.json.decode(told) if told else {"what": f"fetching it ended with {code}", "mend": "look at the log"}
    return _ERRORS.get(code, PlaceError)(error["what"], where=address, mend=error["mend"])


def _command(*words: str | os.PathLike[str]) -> list[str | os.PathLike[str]]:
    return [sys.executable, "-m", "retail_forecast_server.pulling", *words]
