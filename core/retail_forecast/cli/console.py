"""What the command line shows: progress, results and errors.

Standard output belongs to the result: text for people or, with --json, exactly one JSON document. Progress and errors
for people go to standard error; with --json an error is the document, on standard output, so that a machine reads one
stream only: {"error": {"what", "where", "mend", "code", "exit_code"}}.
"""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from retail_forecast.domain.errors import FileRefused, RetailForecastError
from retail_forecast.domain.progress import Progress, Silent

__all__ = ["Bars", "emit", "progress", "show_error", "told"]


def progress(json_output: bool) -> Progress:
    """Bars on a terminal; nothing when a machine listens or nobody looks."""
    return Bars() if sys.stderr.isatty() and not json_output else Silent()


def told(json_output: bool) -> Callable[[str], None]:
    """Tells lines of work under way to people, on standard error; nothing when a machine listens."""

    def tell(line: str) -> None:
        if not json_output:
            sys.stderr.write(f"{line}\n")

    return tell


class Bars:
    """Bars on standard error with the share done, the rate and the time that remains."""

    @contextmanager
    def track(self, title: str, total: int, unit: str) -> Iterator[Callable[[int], None]]:
        """Show a bar of `total` units until the block ends."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(show_speed=False),
            MofNCompleteColumn(),
            TextColumn(unit),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
        )
        with RichProgress(*columns, console=Console(stderr=True)) as bars:
            task = bars.add_task(title, total=total, rate="")

            def report(done: int) -> None:
                bars.advance(task, done)
                speed = bars.tasks[task].speed
                bars.update(task, rate=f"{speed:,.0f} {unit}/s" if speed else "")

            yield report


def emit(document: dict[str, Any], json_output: bool, human: Callable[[], None]) -> None:
    """Show a verb's result: `document` to machines, what `human` prints to people.

    Raises
    ------
    ValueError : a figure of the document is not finite, which JSON cannot say
    TypeError : the document holds something that is not plain JSON
    """
    if json_output:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n")
    else:
        human()


def show_error(error: RetailForecastError, *, json_output: bool) -> None:
    """One red line that says what and where, and one that says what to try."""
    if json_output:
        emit({"error": describe(error)}, True, lambda: None)
        return
    red, plain = ("\x1b[31m", "\x1b[0m") if sys.stderr.isatty() else ("", "")
    sys.stderr.write(f"{red}Error: {error}{plain}\n")
    if error.mend:
        sys.stderr.write(f"Try: {error.mend}\n")


def describe(error: RetailForecastError) -> dict[str, Any]:
    """The error as a document; `code` is a refused file's own code, else the kind of the error."""
    code = error.code if isinstance(error, FileRefused) else type(error).__name__
    return {"what": error.what, "where": error.where, "mend": error.mend, "code": code, "exit_code": error.exit_code}
