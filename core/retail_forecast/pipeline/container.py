"""Entry point of a job's container: `python -m retail_forecast.pipeline.container train`, or `evaluate`.

Whatever happens ends in an exit code: 0 and a model, or figures; 143 after SIGTERM, with a checkpoint; else the code of
the error, and its text in output/failure, where a training job is asked for it, and output/message, where a processing
job is. The handler of SIGTERM stands before anything heavy is imported, for a signal may come
at any time.
"""

import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence

from retail_forecast.clouds.container import Container, container_here
from retail_forecast.domain.errors import PlaceError, RetailForecastError

__all__ = ["main"]

_MESSAGE_LIMIT = 1024
_STOPPED = 128 + signal.SIGTERM
_LOG = logging.getLogger(__name__)


def main(argv: Sequence[str], stop: threading.Event) -> int:
    """Carry out the job of the container; returns the exit code.

    Parameters
    ----------
    argv : one argument, `train` as the contract has it or `evaluate`
    stop : set when the job is to keep what it reached, and end
    """
    container = container_here()
    container.failure.unlink(missing_ok=True)
    work = _WORKS.get(" ".join(argv))
    if work is None:
        return _failed(container, f"the argument must be {' or '.join(_WORKS)}, not {' '.join(argv)!r}", 2)
    try:
        work(container, stop)
    except RetailForecastError as error:
        if error.exit_code == _STOPPED:
            _LOG.warning("%s", error)
            return _STOPPED
        return _failed(container, f"{error}; {error.mend}".removesuffix("; "), error.exit_code)
    except Exception:  # noqa: BLE001 - the outermost frame: whatever went wrong is told in the file of failures
        return _failed(container, traceback.format_exc(), 1)
    return 0


def _train(container: Container, stop: threading.Event) -> None:
    from retail_forecast.pipeline.clock import utc_now
    from retail_forecast.pipeline.job import carry_out

    carry_out(container, stop.is_set, lambda host: _lost(container, host), utc_now)


def _evaluate(container: Container, _stop: threading.Event) -> None:
    # Nothing is kept of an evaluation that was stopped: the signal ends it as it ends any other process.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    from retail_forecast.pipeline.evaluation_job import carry_out

    carry_out(container)


_WORKS = {"train": _train, "evaluate": _evaluate}


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
    container.message.write_bytes(text.encode()[-_MESSAGE_LIMIT:])
    return code


if __name__ == "__main__":
    stop_asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop_asked.set())
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stdout)
    exit_code = main(sys.argv[1:], stop_asked)
    logging.shutdown()
    # The threads of a collective that lost a host may never end.
    os._exit(exit_code)
