"""Entry point of a training container: `python -m retail_forecast.pipeline.container train`.

Whatever happens ends in an exit code: 0 and a model; 143 after SIGTERM, with a checkpoint; else the code of the error,
and its text in output/failure. The handler of SIGTERM stands before anything heavy is imported, for a signal may come
at any time.
"""

import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path

from retail_forecast.clouds.container import ROOT_VARIABLE, Container
from retail_forecast.domain.errors import PlaceError, RetailForecastError

__all__ = ["main"]

_ROOT = "/opt/ml"
_STOPPED = 128 + signal.SIGTERM
_LOG = logging.getLogger(__name__)


def main(argv: Sequence[str], stop: threading.Event) -> int:
    """Carry out the job of the container; returns the exit code.

    Parameters
    ----------
    argv : the contract's one argument, `train`
    stop : set when the job is to keep what it reached, and end
    """
    container = Container(Path(os.environ.get(ROOT_VARIABLE, _ROOT)))
    container.failure.unlink(missing_ok=True)
    if list(argv) != ["train"]:
        return _failed(container, f"the argument must be `train`, not {' '.join(argv)!r}", 2)
    try:
        from retail_forecast.pipeline.clock import utc_now
        from retail_forecast.pipeline.job import carry_out

        carry_out(container, stop.is_set, lambda host: _lost(container, host), utc_now)
    except RetailForecastError as error:
        if error.exit_code == _STOPPED:
            _LOG.warning("%s", error)
            return _STOPPED
        return _failed(container, f"{error}; {error.mend}".removesuffix("; "), error.exit_code)
    except Exception:  # noqa: BLE001 - the outermost frame: whatever went wrong is told in the file of failures
        return _failed(container, traceback.format_exc(), 1)
    return 0


def _lost(container: Container, host: str) -> None:
    """End at once: the main thread may wait for the lost host inside a library."""
    code = _failed(container, f"host {host} was lost; start the job again: it goes on from its checkpoint", _LOST)
    logging.shutdown()
    os._exit(code)


_LOST = PlaceError.exit_code


def _failed(container: Container, text: str, code: int) -> int:
    _LOG.error("%s", text)
    container.failure.parent.mkdir(parents=True, exist_ok=True)
    container.failure.write_text(text, "utf-8")
    return code


if __name__ == "__main__":
    stop_asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop_asked.set())
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    exit_code = main(sys.argv[1:], stop_asked)
    logging.shutdown()
    # The threads of a collective that lost a host may never end.
    os._exit(exit_code)
