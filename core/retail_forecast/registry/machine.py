"""The machine of a run, as far as it decides whether a repeated training ends with the same bits."""

import platform
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Machine", "peak_memory_mib", "this_machine"]

_PROCESSORS = Path("/proc/cpuinfo")


@dataclass(frozen=True, slots=True)
class Machine:
    """Kind of processor, system, Python, and the threads that learners were given."""

    cpu: str
    system: str
    python: str
    threads: int


def this_machine(threads: int) -> Machine:
    """The machine at hand, with the `threads` that learners are given."""
    return Machine(_cpu(), f"{platform.system()} {platform.machine()}", platform.python_version(), threads)


def peak_memory_mib() -> int:
    """The most memory that this process has needed so far [MiB]."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024 * 1024 if sys.platform == "darwin" else 1024)


def _cpu() -> str:
    if _PROCESSORS.is_file():
        for line in _PROCESSORS.read_text("utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
