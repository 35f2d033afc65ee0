"""The command `retail-forecast`.

Verbs are imported when they are asked for, so that one verb never pays for another. Every way out is decided here:
0 ok, the exit code of an error of the tree in `domain.errors`, 2 for a command line that does not fit, 130 after
Ctrl-C, 1 for a fault of the program.
"""

import atexit
import os
import sys
from collections import UserDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from retail_forecast import __version__
from retail_forecast.cli.console import show_error
from retail_forecast.domain.errors import RetailForecastError, UsageError

__all__ = ["VERBS", "WITHOUT_LAKE", "application", "main", "run", "run_script"]

VERBS = (
    "run",
    "simulate",
    "ingest",
    "quality",
    "sql",
    "lake",
    "train",
    "tune",
    "evaluate",
    "reproduce",
    "promote",
    "models",
    "lineage",
    "predict",
    "customers",
    "segments",
    "features",
    "predictions",
    "serve",
    "report",
    "cloud",
    "doctor",
)
"""Verbs in the order in which --help lists them; each is the function, or the group of functions, of its name in the
module of its name."""

WITHOUT_LAKE = frozenset({"simulate", "models", "serve", "cloud"})
"""Verbs that neither read nor write the lake; all others know `--lake`."""

INTERRUPTED = 130

_LAKE = "RETAIL_FORECAST_LAKE__URI"

_Verb = TyperCommand | TyperGroup


class _Verbs(UserDict[str, _Verb | None]):
    """The verbs by name, each imported when it is looked up."""

    def __getitem__(self, name: str) -> _Verb:
        command = self.data[name]
        if command is None:
            command = self.data[name] = _command(name)
        return command


class _Listed(TyperGroup):
    """Lists the verbs by the first sentence of their modules, which are read as text: importing all of them to
    show their names is most of what --help would cost beside typer."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401, ARG002 - typer keeps the types to itself
        """The verbs, in the order of VERBS."""
        return list(VERBS)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401, ARG002
        """Write the list of verbs."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, _first_sentence(name)) for name in VERBS])


def _first_sentence(verb: str) -> str:
    text = (Path(__file__).parent / f"{verb}.py").read_text(encoding="utf-8")
    return text.removeprefix('"""').split('"""', 1)[0].split(": ", 1)[-1].split(".\n")[0].split("\n\n")[0].rstrip(".")


def application() -> TyperGroup:
    """The command line, ready to be called."""
    app = typer.Typer(cls=_Listed, add_completion=False, rich_markup_mode=None)
    app.callback()(_options)
    group = get_group(app)
    verbs: Any = _Verbs(dict.fromkeys(VERBS))
    group.commands = verbs
    return group


def main() -> None:
    """Entry point of the command."""
    # Callbacks are called in reverse order, so that this one, the first, ends the process when all else is tidied up.
    way_out = [1]
    atexit.register(_leave, way_out)
    way_out[0] = run(sys.argv[1:])
    sys.exit(way_out[0])


def _leave(way_out: Sequence[int]) -> None:
    """End the process without taking down object by object what the operating system takes back at once: a third of a
    second, in which libraries in C++ complain about the order or crash."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(way_out[0])


def run(argv: Sequence[str]) -> int:
    """Carry out a command line and return its exit code; errors are shown, never raised."""
    return _carried_out(application, "retail-forecast", argv)


def run_script(function: Callable[..., None], argv: Sequence[str]) -> int:
    """Carry out a script whose options `function` declares, in the way of a verb, with its common options and exit
    codes."""

    def script() -> TyperCommand:
        command = _as_command(function)
        command.params.extend(_common_params())
        return command

    return _carried_out(script, f"{function.__name__}.py", argv)


def _carried_out(made: Callable[[], _Verb], name: str, argv: Sequence[str]) -> int:
    json_output, verbose = "--json" in argv, "--verbose" in argv
    try:
        return int(made().main(list(argv), prog_name=name, standalone_mode=False) or 0)
    except KeyboardInterrupt:
        return INTERRUPTED
    except typer.Abort:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the outermost frame: whatever went wrong is told in one line
        if verbose:
            _show_traceback(error)
        told = _told(error)
        show_error(told, json_output=json_output)
        return told.exit_code


def _told(error: Exception) -> RetailForecastError:
    """What to tell the user about `error`."""
    if isinstance(error, RetailForecastError):
        return error
    if isinstance(error, typer.TyperException):
        return _misused(error)
    if type(error).__module__.startswith("obstore"):
        from retail_forecast.clouds.faults import place_error

        return place_error(error)
    return RetailForecastError(
        f"{type(error).__name__}: {error}".rstrip(": "),
        where="a fault of the program",
        mend="the same command with --verbose, which shows the traceback; then report it",
    )


def _misused(error: typer.TyperException) -> UsageError:
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "retail-forecast"
    return UsageError(error.format_message().rstrip("."), where=path, mend=f"{path} --help")


def _show_traceback(error: Exception) -> None:
    import traceback

    traceback.print_exception(error, file=sys.stderr)


def _command(name: str) -> _Verb:
    verb = getattr(import_module(f"retail_forecast.cli.{name}"), name)
    command: _Verb = get_group(verb) if isinstance(verb, typer.Typer) else _as_command(verb)
    for one in command.commands.values() if isinstance(command, TyperGroup) else [command]:
        one.params.extend(param for param in _common_params() if name not in WITHOUT_LAKE or param.name != "lake")
    return command


@cache
def _common_params() -> tuple[Any, ...]:
    """Options of every verb, made once: making them costs as much as making a verb."""
    return tuple(_as_command(_common).params)


def _use_lake(context: typer.Context, place: str | None) -> None:
    """Let `place` stand in the setting's variable until the call ends: whatever is started meanwhile sees it too."""
    if place is None:
        return
    before = os.environ.get(_LAKE)
    os.environ[_LAKE] = place
    context.call_on_close(lambda: os.environ.pop(_LAKE) if before is None else os.environ.update({_LAKE: before}))


def _as_command(function: Callable[..., None]) -> TyperCommand:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(function.__name__)(function)
    return cast("TyperCommand", get_command(app))


def _common(
    lake: Annotated[
        str | None,
        typer.Option(
            "--lake",
            metavar="PLACE",
            callback=_use_lake,
            expose_value=False,
            help="Where the lake lies, instead of lake.uri: folder, s3://..., az://... or abfss://...",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", expose_value=False, help="Show the traceback of an error.")
    ] = False,
) -> None:
    """Options that concern no verb in particular."""


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"retail-forecast {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """From till transactions to customers' price sensitivity: lake, honest models, gate, server."""
