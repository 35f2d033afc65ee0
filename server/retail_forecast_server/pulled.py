"""How pulling goes: what the process that pulls (`pulling.py`) leaves for the workers beside what it pulled."""

from datetime import datetime
from pathlib import Path

import msgspec

from retail_forecast.domain.tasks import Task

__all__ = ["Pulled", "figures", "read_state", "write_state"]

_STATE = "pulled.json"


class Pulled(msgspec.Struct, frozen=True):
    """The registry in a store, as it was last read.

    Attributes
    ----------
    tried : when it was last tried to read it
    read : when that last succeeded; None while it never did
    problem : why it did not the last time; None when it did
    refused : champions in it that cannot be used, and why; those before them answer
    """

    tried: datetime
    read: datetime | None = None
    problem: str | None = None
    refused: dict[Task, str] = {}


def figures(pulled: Pulled, now: datetime) -> dict[str, float]:
    """What the log tells now and then, for alarms: seconds since the registry was last read, champions refused."""
    read = {"read_s_ago": (now - pulled.read).total_seconds()} if pulled.read else {}
    return read | {"champions_refused": len(pulled.refused)}


def write_state(folder: Path, pulled: Pulled) -> None:
    """Leave the state in `folder`."""
    beside = folder / f".{_STATE}"
    beside.write_bytes(msgspec.json.encode(pulled))
    beside.replace(folder / _STATE)


def read_state(folder: Path) -> Pulled | None:
    """The state in `folder`; None where nothing was tried yet, or nothing is pulled at all."""
    try:
        return msgspec.json.decode((folder / _STATE).read_bytes(), type=Pulled)
    except FileNotFoundError:
        return None
