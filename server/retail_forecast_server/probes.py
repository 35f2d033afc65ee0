"""What the probes answer."""

from typing import Literal

import msgspec

__all__ = ["Alive", "Ready"]


class Alive(msgspec.Struct, frozen=True):
    """The process lives; `instance` is the name that its starter gave it."""

    pid: int
    instance: str
    status: Literal["alive"] = "alive"


class Ready(msgspec.Struct, frozen=True):
    """A verified model is loaded; `model_version` is the run that made it."""

    model_version: str
    status: Literal["ready"] = "ready"
